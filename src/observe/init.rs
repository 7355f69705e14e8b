//! Where log lines go: natively to journald under systemd, plain lines to a terminal, JSON elsewhere.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::terminal::Plain;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// journald under systemd, else plain.
    Auto,
    /// Native journal entries with fields.
    Journal,
    /// Lines for people.
    Plain,
    /// One JSON object a line.
    Json,
}

/// reqwest, hyper and rustls write whole URLs at debug; they never get to say more than info.
const CAPS: [&str; 6] =
    ["reqwest=info", "hyper=info", "hyper_util=info", "h2=info", "rustls=info", "sled=warn"];

/// Starts logging to standard error or the journal. `level` is a filter such as `debug`.
///
/// # Errors
/// When the filter cannot be read, or the journal was asked for and cannot be reached.
pub fn init(form: Form, level: &str) -> anyhow::Result<()> {
    let mut filter = EnvFilter::try_new(level)?;
    for cap in CAPS {
        filter = filter.add_directive(cap.parse()?);
    }
    let form = match form {
        Form::Auto if crate::systemd::stderr_is_the_journal() => Form::Journal,
        Form::Auto => Form::Plain,
        form => form,
    };
    let colour = std::io::stderr().is_terminal();
    let layer = match form {
        Form::Journal => {
            tracing_journald::layer()?.with_field_prefix(None).with_priority_mappings(priorities()).boxed()
        }
        Form::Json => {
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
            json.with_span_list(false).with_target(false).with_writer(std::io::stderr).boxed()
        }
        Form::Plain | Form::Auto => {
            let plain = tracing_subscriber::fmt::layer().event_format(Plain).with_ansi(colour);
            plain.with_writer(std::io::stderr).boxed()
        }
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()?;
    Ok(())
}

/// `journalctl -p notice` means "look here": informational lines stay below it.
fn priorities() -> tracing_journald::PriorityMappings {
    use tracing_journald::{Priority, PriorityMappings};
    PriorityMappings {
        error: Priority::Error,
        warn: Priority::Warning,
        info: Priority::Informational,
        debug: Priority::Debug,
        trace: Priority::Debug,
    }
}
