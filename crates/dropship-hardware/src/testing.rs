//! A server on a real socket that does what a test says, and records every request.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Client, Credential, SecretSource, Settings};
use dropship_redact::{SafeUrl, SecretString};

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct ReceivedRequest {
    pub(super) method: String,
    /// Path and query, as sent.
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
    /// Which connection it came on.
    pub(super) connection: usize,
}

impl ReceivedRequest {
    pub(super) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.target.split('?').next() == Some(path)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn query(&self, name: &str) -> Option<String> {
        let url = Url::parse(&format!("http://h{}", self.target)).ok()?;
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

/// The server's response to a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answers.
    Answer(u16, Vec<(String, String)>, Vec<u8>),
    /// Announces this many bytes and sends only these.
    Cut(u16, Vec<(String, String)>, usize, Vec<u8>),
    /// Answers with status 200 and these bytes, without their length.
    Unsized(Vec<u8>),
    /// Closes the connection without a word.
    Drop,
    /// Answers after a while.
    Late(Duration, Box<Reply>),
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let json = ("Content-Type".to_owned(), "application/json".to_owned());
        Self::Answer(status, vec![json], body.to_string().into_bytes())
    }

    pub(super) fn empty(status: u16) -> Self {
        Self::Answer(status, vec![], vec![])
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer(_, headers, _) | Self::Cut(_, headers, ..) = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(super) fn token(name: &str) -> Self {
        Self::json(200, &json!({"token_type": "Bearer", "expires_in": "3599", "access_token": name}))
    }
}

type Handler = Arc<dyn Fn(&ReceivedRequest) -> Reply + Send + Sync>;

/// The server; it ends with the test.
#[derive(Clone)]
pub(super) struct TestServer {
    pub(super) base: Url,
    requests: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl TestServer {
    /// Starts a server whose token endpoint works; everything else is `handler`'s.
    pub(super) async fn start(handler: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self::without_tokens(move |request| {
            if request.is("POST", "/tenant/oauth2/token") { Reply::token("t0ken") } else { handler(request) }
        })
        .await
    }

    /// Starts a server that answers only through `handler`, without tokens.
    pub(super) async fn without_tokens(
        handler: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Self { base: Url::parse(&format!("http://127.0.0.1:{port}")).expect("url"), requests };
        let (log, handler): (_, Handler) = (Arc::clone(&server.requests), Arc::new(handler));
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connection += 1;
                tokio::spawn(serve(stream, connection, Arc::clone(&log), Arc::clone(&handler)));
            }
        });
        server
    }

    /// Every request so far but those for tokens.
    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.all_requests().into_iter().filter(|request| !request.target.contains("oauth2")).collect()
    }

    /// Every request so far.
    pub(super) fn all_requests(&self) -> Vec<ReceivedRequest> {
        self.requests.lock().clone()
    }

    /// Number of requests for tokens.
    pub(super) fn tokens(&self) -> usize {
        self.all_requests().iter().filter(|request| request.target.contains("oauth2")).count()
    }

    pub(super) fn settings(&self) -> Settings {
        let secret = Credential::Secret(SecretSource::fixed(SecretString::from("s3cret")));
        let mut settings = Settings::new(self.base.clone(), self.base.clone(), "tenant", "client", secret);
        settings.retry =
            crate::Backoff::new(Duration::from_millis(2), Duration::from_millis(50)).expect("valid");
        settings
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.settings()).expect("client")
    }

    pub(super) fn url(&self, path: &str) -> SafeUrl {
        SafeUrl::new(self.base.join(path).expect("path"))
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: Arc<Mutex<Vec<ReceivedRequest>>>,
    handler: Handler,
) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer, connection).await {
        let head = request.method == "HEAD";
        log.lock().push(request.clone());
        let reply = handler(&request);
        if !send(&mut stream, reply, head).await {
            return;
        }
    }
}

fn send(stream: &mut TcpStream, reply: Reply, head: bool) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
    Box::pin(async move {
        match reply {
            Reply::Answer(status, headers, body) => {
                let has_length = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                let mut text = start(status, &headers);
                if !has_length && status != 204 {
                    text += &format!("Content-Length: {}\r\n", body.len());
                }
                let mut bytes = (text + "\r\n").into_bytes();
                if !head {
                    bytes.extend(body);
                }
                stream.write_all(&bytes).await.is_ok()
            }
            Reply::Cut(status, headers, promised, body) => {
                let text = format!("{}Content-Length: {promised}\r\n\r\n", start(status, &headers));
                let mut bytes = text.into_bytes();
                bytes.extend(body);
                // The cut itself is the point; whether the rest was taken is not.
                let _sent = stream.write_all(&bytes).await.is_ok() && stream.flush().await.is_ok();
                false
            }
            Reply::Unsized(body) => {
                let mut bytes = format!("{}Connection: close\r\n\r\n", start(200, &[])).into_bytes();
                bytes.extend(body);
                let _sent = stream.write_all(&bytes).await.is_ok() && stream.flush().await.is_ok();
                false
            }
            Reply::Drop => false,
            Reply::Late(wait, reply) => {
                tokio::time::sleep(wait).await;
                send(stream, *reply, head).await
            }
        }
    })
}

fn start(status: u16, headers: &[(String, String)]) -> String {
    let mut text = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>, connection: usize) -> Option<ReceivedRequest> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|part| part == b"\r\n\r\n") {
            break at;
        }
        fill(stream, buffer).await?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    assert_ne!(headers.get("transfer-encoding").map(String::as_str), Some("chunked"), "the length is sent");
    let length = headers.get("content-length").map_or(0, |length| length.parse().expect("length"));
    while buffer.len() < length {
        fill(stream, buffer).await?;
    }
    let body = buffer.drain(..length).collect();
    Some(ReceivedRequest { method, target, headers, body, connection })
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut chunk = vec![0; 65_536];
    let count = stream.read(&mut chunk).await.ok().filter(|&count| count > 0)?;
    buffer.extend_from_slice(&chunk[..count]);
    Some(())
}
