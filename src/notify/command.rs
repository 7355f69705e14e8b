//! Runs a command for a notification: without a shell, with a minimal environment, limited time and limited output.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::notification::Notification;

/// Maximum number of bytes of output to keep for the log; the rest is discarded.
const MAX_OUTPUT: usize = 4096;

/// Value of `PATH` for the command.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A child process; its process group is killed when this is dropped.
struct ProcessGroup {
    child: Child,
    id: Option<rustix::process::Pid>,
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.id
            && let Err(error) = rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
        {
            tracing::debug!("cannot kill the process group of a notification command: {error}");
        }
    }
}

/// Runs a command with the notification as JSON on its standard input.
///
/// # Errors
/// When the command cannot be started, exceeds the time limit, or exits with a code other than 0.
pub(super) async fn run(
    command: &[String],
    notification: &Notification,
    timeout: Duration,
) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("the command is empty".to_owned());
    };
    let input = serde_json::to_vec(notification).map_err(|error| error.to_string())?;
    let event = serde_json::to_value(notification.event).ok();
    let mut process = Command::new(program);
    process
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("DROPSHIP_NOTIFICATION", &notification.id)
        .env("DROPSHIP_EVENT", event.as_ref().and_then(|event| event.as_str()).unwrap_or_default())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(job) = &notification.job {
        process.env("DROPSHIP_JOB", job.id.as_str());
    }
    let child = process.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    let mut group = ProcessGroup { child, id };
    let (stdin, out, err) = (group.child.stdin.take(), group.child.stdout.take(), group.child.stderr.take());
    let feed = async move {
        if let Some(mut stdin) = stdin {
            // A command may close its standard input without reading it.
            drop(stdin.write_all(&input).await);
        }
    };
    let all = async { tokio::join!(feed, read_capped(out), read_capped(err), group.child.wait()) };
    let result = tokio::time::timeout(timeout, all).await;
    if result.is_ok() {
        // All processes that had its output open have ended, and the id of the group may be reused.
        group.id = None;
    }
    match result {
        Err(_) => Err(format!(
            "{program} did not exit within {}; it and its child processes were killed",
            dropship_rules::duration::format(timeout)
        )),
        Ok((_, _, _, Err(error))) => Err(format!("cannot wait for {program}: {error}")),
        Ok((_, _, _, Ok(status))) if status.success() => Ok(()),
        Ok((_, out, err, Ok(status))) => {
            let output = [err, out].into_iter().find(|output| !output.is_empty()).unwrap_or_default();
            Err(format!("{program} failed with {status}: {}", dropship_redact::mask(&output)))
        }
    }
}

/// Reads all output and keeps its first [`MAX_OUTPUT`] bytes.
async fn read_capped(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), vec![0; MAX_OUTPUT]);
    while let Ok(size @ 1..) = stream.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..size.min(MAX_OUTPUT - kept.len())]);
    }
    dropship_redact::Escaped(String::from_utf8_lossy(&kept).trim()).to_string()
}
