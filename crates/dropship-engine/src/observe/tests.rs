//! Compares the log lines of all job events, with their fields, with a recorded file.

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;

use dropship_job::testing;
use tracing_subscriber::fmt::MakeWriter;

/// Collects the log output.
#[derive(Clone, Default)]
struct CollectedLog(Arc<Mutex<Vec<u8>>>);

impl Write for CollectedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for CollectedLog {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn log_line_of_each_job_event_is_as_recorded() {
    let collected = CollectedLog::default();
    let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).without_time();
    let json = json.with_current_span(false).with_span_list(false).with_writer(collected.clone());
    let subscriber = tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), json);
    let job = testing::job().unwrap();
    let causes = super::Causes::default();
    tracing::subscriber::with_default(subscriber, || {
        for event in testing::one_of_each_event() {
            super::log_event(&causes, &job, &event);
        }
    });
    let lines = String::from_utf8(collected.0.lock().clone()).unwrap();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("log_of_events", lines);
    });
}
