//! Starts logging: native entries to journald, or plain or JSON lines to standard error.

use std::io::IsTerminal;

use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::level::{LogLevel, first_filter};
use super::masking::Masking;
use super::terminal::PlainFormat;

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// `journal` under systemd, otherwise `plain`
    Auto,
    /// Native journald entries with all fields
    Journal,
    /// One readable line per message: time, job, level, text
    Plain,
    /// One JSON object per line, with all fields
    Json,
}

/// Starts logging at a level.
///
/// # Errors
/// When [`LogFormat::Journal`] was requested and the journal cannot be reached, or this process logs already.
pub fn init(format: LogFormat, level: LogLevel) -> anyhow::Result<()> {
    let filter = first_filter(level);
    let format = match format {
        LogFormat::Auto if dropship_systemd::stderr_is_the_journal() => LogFormat::Journal,
        LogFormat::Auto => LogFormat::Plain,
        format => format,
    };
    let colour = std::io::stderr().is_terminal();
    let layer = match format {
        LogFormat::Journal => {
            tracing_journald::layer()?.with_field_prefix(None).with_priority_mappings(priorities()).boxed()
        }
        LogFormat::Json => {
            let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
            json.with_span_list(false).with_target(false).with_writer(std::io::stderr).boxed()
        }
        LogFormat::Plain | LogFormat::Auto => {
            let plain = tracing_subscriber::fmt::layer().event_format(PlainFormat).with_ansi(colour);
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
