//! Starts logging: native entries to journald, or plain or JSON lines to standard error.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::masking::Masking;
use super::terminal::Plain;

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// `journal` under systemd, otherwise `plain`
    Auto,
    /// Native journald entries with all fields
    Journal,
    /// One readable line per message: time, job, level, text
    Plain,
    /// One JSON object per line, with all fields
    Json,
}

/// Maximum levels of libraries. At debug, reqwest, hyper and rustls log complete URLs, which may contain secrets.
const CAPS: [&str; 6] =
    ["reqwest=info", "hyper=info", "hyper_util=info", "h2=info", "rustls=info", "sled=warn"];

/// Starts logging. `level` is a filter such as `debug`.
///
/// # Errors
/// When the filter is invalid, or [`Form::Journal`] was requested and the journal cannot be reached.
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
    tracing_subscriber::registry().with(Masking(layer).with_filter(filter)).try_init()?;
    Ok(())
}

/// Maps info to a priority below notice, so that `journalctl -p notice` shows only lines that need attention.
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
