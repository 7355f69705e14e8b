//! A command that is run for a notification: no shell, no inherited environment, no end of time or output.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::note::Note;

/// So much of its output is kept for the log; the rest is read and thrown away.
const KEPT: usize = 4096;

/// The program finds its helpers here.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A child whose whole process group ends with it.
struct Group {
    child: Child,
    id: Option<rustix::process::Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.id
            && let Err(error) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
        {
            tracing::debug!("a command's processes are gone already: {error}");
        }
    }
}

/// Runs a command with the notification as JSON on its standard input; whatever is not exit code 0 is a failure.
pub(super) async fn run(command: &[String], note: &Note, timeout: Duration) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("there is no command".to_owned());
    };
    let input = serde_json::to_vec(note).map_err(|error| error.to_string())?;
    let event = serde_json::to_value(note.event).ok();
    let mut started = Command::new(program);
    started
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("DROPSHIP_NOTIFICATION", &note.id)
        .env("DROPSHIP_EVENT", event.as_ref().and_then(|event| event.as_str()).unwrap_or_default())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(job) = &note.job {
        started.env("DROPSHIP_JOB", job.id.as_str());
    }
    let child = started.spawn().map_err(|error| format!("{program} cannot be started: {error}"))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let mut group = Group { child, id };
    let (stdin, out, err) = (group.child.stdin.take(), group.child.stdout.take(), group.child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A command that does not care for its input may close it.
            drop(stdin.write_all(&input).await);
        }
    };
    let all = async { tokio::join!(feed, capped(out), capped(err), group.child.wait()) };
    let ended = tokio::time::timeout(timeout, all).await;
    if ended.is_ok() {
        // Nobody holds its output any more: the group is empty, and its number may be another's soon.
        group.id = None;
    }
    match ended {
        Err(_) => {
            Err(format!("{program} did not end within {timeout:?}; it was killed with all that it started"))
        }
        Ok((_, _, _, Err(error))) => Err(format!("{program}: {error}")),
        Ok((_, _, _, Ok(status))) if status.success() => Ok(()),
        Ok((_, out, err, Ok(status))) => {
            let said = [err, out].into_iter().find(|said| !said.is_empty()).unwrap_or_default();
            Err(format!("{program} ended with {status}: {}", dropship_redact::mask(&said)))
        }
    }
}

/// Reads everything and keeps the beginning.
async fn capped(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), vec![0; KEPT]);
    while let Ok(size @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..size.min(KEPT - kept.len())]);
    }
    crate::observe::Shown(String::from_utf8_lossy(&kept).trim()).to_string()
}
