//! `dropship export`: prints all records of the store as JSON lines.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::backend::Backend;
use super::exit::Exit;
use super::output::Output;
use dropship_store::StoreError;

/// Print all records of the store as JSON lines
///
/// `--json` prints one array instead. Captured packages, plans and driver metadata are files of the store, not records: the output does
/// not contain them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dropship export > dropship-backup.jsonl")]
pub(super) struct Args {}

pub(super) async fn run(config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let backend = Backend::find(config).await?;
    let out = BufWriter::new(io::stdout().lock());
    let mut writer = JsonWriter { out, is_array: output.json(), has_lines: false };
    let exported = backend.export(&mut |line| writer.write(line).map_err(|error| output_error(&error))).await;
    match exported.and_then(|()| Ok(writer.finish().map_err(|error| output_error(&error))?)) {
        // The reader, such as `head`, has closed the pipe.
        Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
        done => done.map(|()| Exit::Done),
    }
}

/// Writes JSON lines, or one array of them.
struct JsonWriter<W: Write> {
    out: W,
    is_array: bool,
    has_lines: bool,
}

impl<W: Write> JsonWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_array {
            self.out.write_all(if self.has_lines { b",\n" } else { b"[\n" })?;
        }
        self.has_lines = true;
        self.out.write_all(line)?;
        if self.is_array { Ok(()) } else { self.out.write_all(b"\n") }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.is_array {
            self.out.write_all(if self.has_lines { b"\n]\n" } else { b"[]\n" })?;
        }
        self.out.flush()
    }
}

/// An error of standard output. Errors of the store name their file.
fn output_error(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let store = cause.downcast_ref::<StoreError>().and_then(|error| match error {
            StoreError::Io { error: source, .. } => Some(source.kind()),
            _ => None,
        });
        io.or(store) == Some(io::ErrorKind::BrokenPipe)
    })
}
