//! `dropship export`: everything that the store holds, as JSON lines.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::place::Place;
use crate::store::StoreError;

pub(super) async fn run(config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let place = Place::find(config).await?;
    let mut lines = Lines { out: BufWriter::new(io::stdout().lock()), array: output.json(), begun: false };
    let done = place.export(&mut |line| lines.put(line)).await;
    match done.and_then(|()| Ok(lines.end()?)) {
        // Whoever reads has seen enough.
        Err(error) if is_closed_pipe(&error) => Ok(Exit::Done),
        done => done.map(|()| Exit::Done),
    }
}

/// JSON lines, or with `--json` the one array of them.
struct Lines<W: Write> {
    out: W,
    array: bool,
    begun: bool,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.array {
            self.out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        }
        self.begun = true;
        self.out.write_all(line)?;
        if self.array { Ok(()) } else { self.out.write_all(b"\n") }
    }

    fn end(&mut self) -> io::Result<()> {
        if self.array {
            self.out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })?;
        }
        self.out.flush()
    }
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
