//! The plain log format: date and time, job, level and message. Other fields are omitted.

use std::fmt;

use tracing::{Event, Level, Subscriber, field::Field, field::Visit};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Formats plain lines.
#[derive(Debug)]
pub(super) struct PlainFormat;

impl<S, N> FormatEvent<S, N> for PlainFormat
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
        let mut line = LineFields::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => "error ",
            Level::WARN => "warn  ",
            Level::INFO => "",
            Level::DEBUG => "debug ",
            Level::TRACE => "trace ",
        };
        let now = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S");
        write!(writer, "{now} ")?;
        if let Some(job) = line.job.as_ref().filter(|job| !line.message.starts_with(job.as_str())) {
            write!(writer, "{job} ")?;
        }
        // A line break in a name must not begin a line that looks like another entry.
        writeln!(writer, "{level}{}", line.message.replace('\n', "\n    "))
    }
}

#[derive(Default)]
struct LineFields {
    message: String,
    job: Option<String>,
}

impl Visit for LineFields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "job_id" => self.job = Some(format!("{value:?}")),
            _ => {}
        }
    }
}
