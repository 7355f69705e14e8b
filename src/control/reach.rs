//! Finds out whether a daemon answers on a control socket, and why not.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::Instant;

use super::connect_error::ConnectError;
use super::connect_error::{NoDaemon, SocketFault};
use dropship_engine::operations::{ControlError, ControlErrorKind};

/// Maximum time for the answer to `/livez`. A running daemon answers at once, even when all its workers wait.
pub(super) const MAX_SILENCE: Duration = Duration::from_secs(10);

/// Maximum time to wait while the queue of the socket is full.
const MAX_QUEUE: Duration = Duration::from_secs(5);

/// Maximum size of the answer in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// The request. Unlike other requests, it waits for nothing in the daemon.
const REQUEST: &[u8] = b"GET /livez HTTP/1.1\r\nHost: dropship\r\nConnection: close\r\n\r\n";

/// Asks the daemon at a socket whether it is running.
///
/// # Errors
/// When it does not answer, or is busy.
pub(super) async fn check_alive(socket: &Path) -> Result<(), ConnectError> {
    let stream = connect(socket).await?;
    let socket_path = socket.display();
    let Ok(answer) = tokio::time::timeout(MAX_SILENCE, ask(stream)).await else {
        return Err(silent_error(socket).into());
    };
    classify(&answer).map_err(|unexpected| match unexpected {
        UnexpectedAnswer::Busy(error) => error.into(),
        UnexpectedAnswer::Silent => unreachable(format!(
            "the process that listens at {socket_path} has closed the connection without an answer; see `systemctl status dropship`"
        )),
        UnexpectedAnswer::Foreign => unreachable(format!(
            "the process that listens at {socket_path} does not answer as a dropship daemon; end it, and start the daemon with \
             `systemctl restart dropship`"
        )),
    })
}

/// The error of a process that accepts connections, and does not answer.
pub(super) fn silent_error(socket: &Path) -> ControlError {
    let (socket_path, seconds) = (socket.display(), MAX_SILENCE.as_secs());
    let message = format!(
        "the process that listens at {socket_path} has not answered for {seconds} s; see `systemctl status dropship` or \
         `journalctl -u dropship`, and restart it with `systemctl restart dropship`"
    );
    ControlError::new(ControlErrorKind::Unreachable, message)
}

async fn connect(socket: &Path) -> Result<UnixStream, ConnectError> {
    let started = Instant::now();
    loop {
        let error = match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::WouldBlock if started.elapsed() < MAX_QUEUE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            io::ErrorKind::WouldBlock => {
                let message =
                    "the daemon is busy: too many clients connect at the same time; try again later";
                return Err(ControlError::new(ControlErrorKind::Busy, message).into());
            }
            io::ErrorKind::PermissionDenied => {
                let message = format!(
                    "cannot connect to the daemon: this user may not open {}; add the user to the group of the socket",
                    socket.display()
                );
                return Err(ControlError::new(ControlErrorKind::NotPermitted, message).into());
            }
            _ => {
                let fault = fault(socket, &error);
                return Err(NoDaemon { socket: socket.display().to_string(), fault }.into());
            }
        }
    }
}

/// Why no process accepts connections.
fn fault(socket: &Path, error: &io::Error) -> SocketFault {
    match std::fs::metadata(socket) {
        Ok(found) if !found.file_type().is_socket() => SocketFault::NoSocket,
        Ok(_) if error.kind() == io::ErrorKind::ConnectionRefused => SocketFault::Closed,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => SocketFault::Missing,
        _ => SocketFault::Other(error.to_string()),
    }
}

/// The answer, as far as it arrives. A refusal is sent before the request has been read, so writing may fail.
async fn ask(mut stream: UnixStream) -> Vec<u8> {
    drop(stream.write_all(REQUEST).await);
    let (mut answer, mut reader) = (Vec::new(), stream.take(MAX_ANSWER));
    // What arrived before the connection was reset is kept.
    drop(reader.read_to_end(&mut answer).await);
    answer
}

/// Why an answer is not that of a running daemon.
#[derive(Debug, PartialEq, Eq)]
enum UnexpectedAnswer {
    Busy(ControlError),
    Silent,
    Foreign,
}

fn classify(answer: &[u8]) -> Result<(), UnexpectedAnswer> {
    if answer.is_empty() {
        return Err(UnexpectedAnswer::Silent);
    }
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or(UnexpectedAnswer::Foreign)?;
    let body = answer.get(head + 4..).unwrap_or_default();
    classify_body(body).map_err(|error| error.map_or(UnexpectedAnswer::Foreign, UnexpectedAnswer::Busy))
}

/// Whether the body is that of `/livez`.
///
/// # Errors
/// When it is another body. If it is that of a busy daemon, the error is the daemon's.
pub(super) fn classify_body(body: &[u8]) -> Result<(), Option<ControlError>> {
    let document: Value = serde_json::from_slice(body).map_err(|_| None)?;
    if document.get("live").is_some_and(Value::is_boolean) {
        return Ok(());
    }
    Err(serde_json::from_value(document)
        .ok()
        .filter(|error: &ControlError| error.kind == ControlErrorKind::Busy))
}

fn unreachable(message: String) -> ConnectError {
    ControlError::new(ControlErrorKind::Unreachable, message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_of_a_daemon_is_known_from_others() {
        let answer = |body: &str| classify(format!("HTTP/1.1 200 OK\r\nA: b\r\n\r\n{body}").as_bytes());
        assert_eq!(answer("{\"live\":true,\"reasons\":[]}"), Ok(()));
        assert_eq!(answer("{\"live\":false,\"reasons\":[\"store\"]}"), Ok(()));
        let busy = ControlError::new(ControlErrorKind::Busy, "later");
        assert_eq!(answer("{\"kind\":\"busy\",\"message\":\"later\"}"), Err(UnexpectedAnswer::Busy(busy)));
        for foreign in
            ["", "{}", "hello", "[]", "{\"live\":\"yes\"}", "{\"kind\":\"failed\",\"message\":\"x\"}"]
        {
            assert_eq!(answer(foreign), Err(UnexpectedAnswer::Foreign), "{foreign}");
        }
        assert_eq!(classify(b"220 mail.example.com ESMTP\r\n"), Err(UnexpectedAnswer::Foreign));
        assert_eq!(classify(b""), Err(UnexpectedAnswer::Silent));
    }
    #[tokio::test(start_paused = true)]
    async fn socket_that_stays_silent_is_unreachable_and_one_with_a_full_queue_is_busy() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("control.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
        let kind = |reached: Result<(), ConnectError>| match reached.expect_err("unanswered") {
            ConnectError::Control(error) => (error.kind, error.message),
            ConnectError::NoDaemon(error) => panic!("{error}"),
        };
        let (silent, message) = kind(check_alive(&socket).await);
        assert_eq!(silent, ControlErrorKind::Unreachable, "{message}");
        assert!(message.contains("has not answered for 10 s"), "{message}");
        rustix::net::listen(&listener, 1).expect("a short queue");
        let mut waiting = Vec::new();
        while let Ok(stream) = UnixStream::connect(&socket).await {
            waiting.push(stream);
        }
        let (full, message) = kind(check_alive(&socket).await);
        assert_eq!(full, ControlErrorKind::Busy, "{message}");
        drop(listener);
    }
}
