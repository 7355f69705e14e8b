//! The TCP listener of the site.
//!
//! hyper answers a request that it cannot read before the site sees it, with a status such as 431 and without headers. A
//! connection serves one request, so that is the first thing written: it is replaced by an answer of the site.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::headers::SAFETY;
use crate::http::{Caller, Listener};

/// The listener.
pub(super) struct SiteListener(pub(super) TcpListener);

impl Listener for SiteListener {
    type Stream = SiteStream<TcpStream>;

    async fn accept(&mut self) -> io::Result<(Self::Stream, Caller)> {
        let (stream, caller) = Listener::accept(&mut self.0).await?;
        Ok((SiteStream { stream, output: OutputState::Unwritten }, caller))
    }

    fn name(&self) -> String {
        format!("[web] {}", Listener::name(&self.0))
    }
}

/// A connection of the site.
#[derive(Debug)]
pub(super) struct SiteStream<S> {
    stream: S,
    output: OutputState,
}

#[derive(Debug)]
enum OutputState {
    Unwritten,
    /// What hyper has written is replaced by this, from the given byte.
    Replaced {
        answer: Vec<u8>,
        written: usize,
    },
    AsWritten,
}

/// The statuses with which hyper refuses a request.
const REFUSED: [&[u8]; 3] = [b"400", b"414", b"431"];

/// Whether hyper has written this, and not the site: all answers of the site have a policy.
fn is_refusal(written: &[u8]) -> bool {
    let status = written.strip_prefix(b"HTTP/1.1 ").or(written.strip_prefix(b"HTTP/1.0 "));
    let is_refused = status.and_then(|rest| rest.get(..3)).is_some_and(|status| REFUSED.contains(&status));
    is_refused
        && !written.windows(SAFETY[0].0.len()).any(|part| part.eq_ignore_ascii_case(SAFETY[0].0.as_bytes()))
}

/// The answer to a request that cannot be read.
fn unreadable() -> Vec<u8> {
    let body = "the request cannot be read, or is too large\n";
    let mut answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\n",
        body.len()
    );
    for (name, value) in SAFETY {
        answer.push_str(&format!("{name}: {value}\r\n"));
    }
    answer.push_str("\r\n");
    answer.push_str(body);
    answer.into_bytes()
}

impl<S: AsFd> AsFd for SiteStream<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SiteStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SiteStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if matches!(this.output, OutputState::Unwritten) {
            this.output = match is_refusal(bytes) {
                true => OutputState::Replaced { answer: unreadable(), written: 0 },
                false => OutputState::AsWritten,
            };
        }
        let OutputState::Replaced { answer, written } = &mut this.output else {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        };
        while let Some(rest) = answer.get(*written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut this.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => *written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// What a client reads when the server writes this.
    async fn sent(written: &[u8]) -> String {
        let (near, mut far) = tokio::io::duplex(1 << 16);
        let mut stream = SiteStream { stream: near, output: OutputState::Unwritten };
        stream.write_all(written).await.expect("written");
        drop(stream);
        let mut read = String::new();
        far.read_to_string(&mut read).await.expect("an answer");
        read
    }

    #[tokio::test]
    async fn refusal_of_the_server_becomes_an_answer_of_the_site() {
        let answer = sent(b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-security-policy: default-src 'none'"), "{answer}");
        for kept in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-security-policy: default-src 'none'\r\n\r\n",
        ] {
            assert_eq!(sent(kept.as_bytes()).await, kept);
        }
    }
}
