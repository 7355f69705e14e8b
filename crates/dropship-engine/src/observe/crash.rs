//! Messages of panics.

use std::io::Write;

/// Makes panics print their message with secrets masked, in place of the standard message.
pub fn mask_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        let trace = match trace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let text = format!("dropship: internal error: thread `{name}`: {panic}{trace}");
        drop(writeln!(std::io::stderr().lock(), "{}", dropship_redact::mask(&text)));
    }));
}
