//! Prometheus' text exposition format, version 0.0.4.
//!
//! No library, because the maintained one writes only `OpenMetrics` and requires each value to be registered. Most values
//! here are read when they are scraped.

use super::registry::Metric;

/// A page of metrics in the text format.
#[derive(Debug, Default)]
pub struct ExpositionText(String);

/// The samples of one metric.
#[derive(Debug)]
pub struct MetricFamily<'a> {
    text: &'a mut String,
    name: &'static str,
    labels: &'static [&'static str],
}

impl ExpositionText {
    /// The HTTP content type of the page.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Starts the samples of a metric.
    pub fn family(&mut self, metric: &Metric) -> MetricFamily<'_> {
        let Metric { name, kind, help, .. } = metric;
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str()));
        MetricFamily { text: &mut self.0, name: metric.name, labels: metric.labels }
    }

    /// Writes a metric with one sample and no labels.
    pub fn one(&mut self, metric: &Metric, value: f64) {
        self.family(metric).sample(&[], value);
    }

    /// Returns the finished page.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl MetricFamily<'_> {
    /// Writes a sample with the values of its labels, in the order of the registry.
    pub fn sample(&mut self, values: &[&str], value: f64) {
        self.suffixed("", values, value);
    }

    /// Writes a sample whose name has a suffix, for summaries.
    pub fn suffixed(&mut self, suffix: &str, values: &[&str], value: f64) {
        debug_assert_eq!(self.labels.len(), values.len(), "{} has other labels", self.name);
        let labels: Vec<_> = self
            .labels
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
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
    use crate::metrics::{MetricKind, MetricScope};

    #[test]
    fn samples_follow_the_exposition_format() {
        let mut text = ExpositionText::default();
        const THINGS: Metric = Metric {
            name: "a_total",
            kind: MetricKind::Counter,
            scope: MetricScope::Node,
            labels: &["of"],
            help: "Things",
        };
        const TIME: Metric = Metric {
            name: "b_seconds",
            kind: MetricKind::Gauge,
            scope: MetricScope::Node,
            labels: &[],
            help: "Time",
        };
        text.family(&THINGS).sample(&["x\"y\\z\n"], 3.0);
        text.one(&TIME, 0.25);
        let wanted = "# HELP a_total Things\n# TYPE a_total counter\na_total{of=\"x\\\"y\\\\z\\n\"} 3\n\
                      # HELP b_seconds Time\n# TYPE b_seconds gauge\nb_seconds 0.25\n";
        assert_eq!(text.into_string(), wanted);
    }
}
