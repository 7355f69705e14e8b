//! Masks secrets in every field of every log entry, and escapes its text, in every format.

use std::fmt;

use tracing::field::{Field, Value, Visit, display};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use dropship_redact::EscapedLines;
use dropship_redact::mask;

/// Hands entries with masked fields to a layer that writes them.
pub(super) struct Masking<L>(pub(super) L);

impl<S, L> Layer<S> for Masking<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let fields = event.metadata().fields();
        let mut masked = Masked { values: Vec::new() };
        masked.values.resize_with(fields.len(), || None);
        event.record(&mut masked);
        let values: Vec<Option<&dyn Value>> = masked.values.iter().map(|value| value.as_deref()).collect();
        self.0.on_event(&Event::new(event.metadata(), &fields.value_set_all(&values)), context);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(span, values, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}

/// The fields of an entry, in the order of their declaration.
struct Masked {
    values: Vec<Option<Box<dyn Value>>>,
}

impl Masked {
    fn set(&mut self, field: &Field, value: impl Value + 'static) {
        if let Some(slot) = self.values.get_mut(field.index()) {
            *slot = Some(Box::new(value));
        }
    }
}

impl Visit for Masked {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, display(mask(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = mask(&format!("{value:?}"));
        match field.name() {
            "message" => self.set(field, display(EscapedLines(&text).to_string())),
            _ => self.set(field, display(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_field_of_an_entry_is_masked() {
        let sink = Sink::default();
        let writer = sink.clone();
        let json =
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(Masking(json));
        tracing::subscriber::with_default(subscriber, || {
            let none: Option<&str> = None;
            tracing::warn!(
                status = 401,
                error = %"client_secret=hush",
                body = ?"Authorization: Bearer hush",
                none,
                text = "https://u:hush@h/",
                "cannot call ?sig=hush \u{1b}"
            );
        });
        let line = String::from_utf8(sink.0.lock().expect("not poisoned").clone()).expect("text");
        let entry: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert!(!line.contains("hush"), "{line}");
        assert_eq!(entry["status"], 401);
        assert_eq!(entry["error"], "client_secret=***");
        assert_eq!(entry["text"], "https://***@h/");
        assert_eq!(entry["message"], "cannot call ?sig=*** \\u{1b}");
        assert_eq!(entry.get("none"), None);
    }
}
