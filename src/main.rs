//! The `dropship` command.

fn main() -> std::process::ExitCode {
    dropship::cli::main().into()
}
