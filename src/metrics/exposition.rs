//! Prometheus' text exposition format, version 0.0.4.
//!
//! No library, because the maintained one writes only `OpenMetrics` and requires each value to be registered. Most values
//! here are read when they are scraped.

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only increases, until the daemon restarts.
    Counter,
    /// Increases and decreases.
    Gauge,
    /// A count and a sum.
    Summary,
}

/// A page of metrics in the text format.
#[derive(Debug, Default)]
pub struct Text(String);

/// The samples of one metric.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Text {
    /// The HTTP content type of the page.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Starts the samples of a metric.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { text: &mut self.0, name }
    }

    /// Writes a metric with one sample and no labels.
    pub fn one(&mut self, name: &'static str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// Returns the finished page.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// Writes a sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.suffixed("", labels, value);
    }

    /// Writes a sample whose name has a suffix, for summaries.
    pub fn suffixed(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.text.push_str(&format!("{}{suffix}{labels} {value}\n", self.name));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_follow_the_exposition_format() {
        let mut text = Text::default();
        let mut family = text.family("a_total", Kind::Counter, "Things");
        family.sample(&[("of", "x\"y\\z\n")], 3.0);
        text.one("b_seconds", Kind::Gauge, "Time", 0.25);
        let wanted = "# HELP a_total Things\n# TYPE a_total counter\na_total{of=\"x\\\"y\\\\z\\n\"} 3\n\
                      # HELP b_seconds Time\n# TYPE b_seconds gauge\nb_seconds 0.25\n";
        assert_eq!(text.into_string(), wanted);
    }
}
