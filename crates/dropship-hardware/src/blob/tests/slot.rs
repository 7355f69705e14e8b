use super::*;

/// A block blob, as the protocol describes one; it checks every checksum.
#[derive(Default)]
pub(super) struct Blob {
    pub(super) waiting: HashMap<String, Vec<u8>>,
    committed: Vec<(String, Vec<u8>)>,
    pub(super) content: Option<Vec<u8>>,
    /// Like Azurite, and unlike Azure: no response has the checksum of what was received.
    returns_no_checksum: bool,
}

impl Blob {
    fn serve(&mut self, request: &ReceivedRequest) -> Reply {
        let reply = self.serve_unconfirmed(request);
        if self.returns_no_checksum || request.method != "PUT" {
            return reply;
        }
        match &reply {
            Reply::Answer(201, ..) => reply.with("x-ms-content-crc64", &crc64(&request.body)),
            _ => reply,
        }
    }

    fn serve_unconfirmed(&mut self, request: &ReceivedRequest) -> Reply {
        assert_eq!(request.header("authorization"), None, "the token never goes to a blob store");
        assert_eq!(request.query("sig").as_deref(), Some("s+g/="), "the signature comes as it was given");
        let sent = request.header("x-ms-content-crc64").map(str::to_owned);
        if let Some(sent) = sent {
            assert_eq!(sent, crc64(&request.body), "the checksum holds");
        }
        let error = |status, code: &str| {
            let xml = format!(
                "\u{feff}<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no\nmore</Message></Error>"
            );
            Reply::Answer(status, vec![("x-ms-error-code".into(), code.into())], xml.into_bytes())
        };
        match (request.method.as_str(), request.query("comp").as_deref()) {
            ("PUT", None) => {
                assert_eq!(request.header("x-ms-blob-type"), Some("BlockBlob"));
                let returns_no_checksum = self.returns_no_checksum;
                *self = Self { content: Some(request.body.clone()), returns_no_checksum, ..Self::default() };
                Reply::empty(201).with("ETag", "\"0x1\"")
            }
            ("PUT", Some("block")) => {
                assert!(request.header("x-ms-content-crc64").is_some(), "every block has a checksum");
                let id = request.query("blockid").expect("id");
                if self.waiting.keys().any(|other| other.len() != id.len()) {
                    return error(400, "InvalidBlobOrBlock");
                }
                self.waiting.insert(id, request.body.clone());
                Reply::empty(201)
            }
            ("PUT", Some("blocklist")) => {
                let text = request.text();
                let document = roxmltree::Document::parse(&text).expect("XML");
                let names = document.descendants().filter(|node| node.has_tag_name("Latest"));
                let mut blocks = Vec::new();
                for name in names.filter_map(|node| node.text()) {
                    let old =
                        self.committed.iter().find(|(id, _)| id == name).map(|(_, bytes)| bytes.clone());
                    let Some(bytes) = self.waiting.get(name).cloned().or(old) else {
                        return error(400, "InvalidBlockList");
                    };
                    blocks.push((name.to_owned(), bytes));
                }
                self.content = Some(blocks.iter().flat_map(|(_, bytes)| bytes.clone()).collect());
                self.committed = blocks;
                self.waiting.clear();
                Reply::empty(201)
            }
            ("GET", Some("blocklist")) => {
                if self.content.is_none() && self.waiting.is_empty() {
                    return error(404, "BlobNotFound");
                }
                let list = |blocks: &mut dyn Iterator<Item = (&String, &Vec<u8>)>| -> String {
                    blocks
                        .map(|(id, bytes)| {
                            format!("<Block><Name>{id}</Name><Size>{}</Size></Block>", bytes.len())
                        })
                        .collect()
                };
                let xml = format!(
                    "\u{feff}<?xml version=\"1.0\"?><BlockList><CommittedBlocks>{}</CommittedBlocks>\
                     <UncommittedBlocks>{}</UncommittedBlocks></BlockList>",
                    list(&mut self.committed.iter().map(|(id, bytes)| (id, bytes))),
                    list(&mut self.waiting.iter())
                );
                Reply::Answer(200, vec![], xml.into_bytes())
            }
            ("HEAD", None) => match &self.content {
                Some(content) => Reply::empty(200)
                    .with("Content-Length", &content.len().to_string())
                    .with("ETag", "\"0x1\""),
                None => Reply::empty(404),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn crc64(bytes: &[u8]) -> String {
    let mut sum = crc64fast_nvme::Digest::new();
    sum.write(bytes);
    STANDARD.encode(sum.sum64().to_le_bytes())
}

pub(super) struct Slot {
    pub(super) server: TestServer,
    pub(super) blob: Arc<Mutex<Blob>>,
}

impl Slot {
    /// A slot; `fault` may answer in its stead.
    pub(super) async fn new(
        fault: impl Fn(&ReceivedRequest) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let blob = Arc::new(Mutex::new(Blob::default()));
        let server = TestServer::start({
            let blob = Arc::clone(&blob);
            move |request| fault(request).unwrap_or_else(|| blob.lock().serve(request))
        })
        .await;
        Self { server, blob }
    }

    /// A slot of a store that confirms nothing that it received.
    pub(super) async fn without_checksums(
        fault: impl Fn(&ReceivedRequest) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let slot = Self::new(fault).await;
        slot.blob.lock().returns_no_checksum = true;
        slot
    }

    pub(super) fn url(&self) -> SafeUrl {
        self.server.url("/c/b?sv=2021-12-02&sr=b&sig=s%2Bg%2F%3D&sp=rwl")
    }

    pub(super) fn content(&self) -> Vec<u8> {
        self.blob.lock().content.clone().expect("a blob")
    }

    pub(super) fn puts(&self) -> usize {
        self.server
            .requests()
            .iter()
            .filter(|request| request.query("comp").as_deref() == Some("block"))
            .count()
    }
}
