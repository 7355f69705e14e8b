//! Prometheus' text exposition format, version 0.0.4.
//!
//! Written here, in a page: the well-kept client library writes `OpenMetrics` alone, and wants every value
//! registered, while most of ours are read when they are asked for.

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the daemon starts anew.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A count and a sum.
    Summary,
}

/// A page of numbers.
#[derive(Debug, Default)]
pub struct Text(String);

/// The samples of one name.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Text {
    /// The content type.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins the samples of a name.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { text: &mut self.0, name }
    }

    /// Writes a name with one sample and no label.
    pub fn one(&mut self, name: &'static str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// The page.
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

    /// Writes a sample whose name has a suffix, as those of a summary have.
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
    fn samples_are_written_as_the_format_says() {
        let mut text = Text::default();
        let mut family = text.family("a_total", Kind::Counter, "Things");
        family.sample(&[("of", "x\"y\\z\n")], 3.0);
        text.one("b_seconds", Kind::Gauge, "Time", 0.25);
        let wanted = "# HELP a_total Things\n# TYPE a_total counter\na_total{of=\"x\\\"y\\\\z\\n\"} 3\n\
                      # HELP b_seconds Time\n# TYPE b_seconds gauge\nb_seconds 0.25\n";
        assert_eq!(text.into_string(), wanted);
    }
}
