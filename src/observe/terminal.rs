//! The plain log format: time, job, level and message. Other fields are omitted.

use std::fmt;

use tracing::{Event, Level, Subscriber, field::Field, field::Visit};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Formats plain lines.
#[derive(Debug)]
pub(super) struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => "error ",
            Level::WARN => "warn  ",
            Level::INFO => "",
            Level::DEBUG => "debug ",
            Level::TRACE => "trace ",
        };
        let now = jiff::Zoned::now().strftime("%H:%M:%S");
        write!(writer, "{now} ")?;
        if let Some(job) = &line.job {
            write!(writer, "{job} ")?;
        }
        writeln!(writer, "{level}{}", line.message)
    }
}

#[derive(Default)]
struct Line {
    message: String,
    job: Option<String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "job_id" => self.job = Some(format!("{value:?}")),
            _ => {}
        }
    }
}
