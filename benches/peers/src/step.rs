//! The cost of one call on a connection that is kept alive: dropship's client, and a plain GET with the same library.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use dropship_hardware::{ProductId, SubmissionId};
use url::Url;

use super::uploads;

const PATH: &str = "/v2.0/my/hardware/products/14631253285588838/submissions/1152921504621465124";
/// The service's response for a submission that is being signed.
const SUBMISSION: &str = r#"{"id":1152921504621465124,"productId":14631253285588838,"name":"Contoso Adapter 31.0.15.1",
"type":"initial","commitStatus":"commitComplete","isExtensionInf":false,"isUniversal":true,"isDeclarativeInf":true,
"workflowStatus":{"currentStep":"signing","state":"started","messages":[],"errorReport":null},
"downloads":{"items":[{"type":"initialPackage","url":
"https://ingestionpackagesprod1.blob.core.windows.net/ingestion/0123?sv=2018-03-28&sr=b&sig=c2ln&se=2099-01-01T00:00:00Z&sp=rl"}],
"messages":[]},"links":[{"href":
"https://manage.devcenter.microsoft.com/api/v2.0/my/hardware/products/14631253285588838/submissions/1152921504621465124",
"rel":"self","method":"GET"}]}"#;
const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":"3600","access_token":"token"}"#;

/// Runs a service with one submission until its standard input ends.
pub(crate) fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("http://{}", listener.local_addr().expect("address"));
    std::io::stdout().flush().expect("printed");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end");
}

fn answer(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut first, mut line) = (0, String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        let body = if first.starts_with("POST") { TOKEN } else { SUBMISSION };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        writer.write_all((head + body).as_bytes()).ok()?;
    }
}

/// Prints the median and the 99th percentile of dropship's call, then of the plain GET, in microseconds.
pub(crate) async fn measure(base: Url, count: usize) {
    let client = uploads::ours(&base);
    let (product, id) = (ProductId(14_631_253_285_588_838), SubmissionId(1_152_921_504_621_465_124));
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = base.join(PATH).expect("a URL");
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..count + count / 10 {
        let start = Instant::now();
        let seen = client.submission(product, id).await.expect("a submission");
        ours.push(start.elapsed().as_secs_f64() * 1e6);
        assert_eq!(seen.id, id);
        let start = Instant::now();
        let answer = http.get(url.clone()).send().await.expect("an answer");
        assert_eq!(answer.bytes().await.expect("its body").len(), SUBMISSION.len());
        bare.push(start.elapsed().as_secs_f64() * 1e6);
    }
    for mut times in [ours, bare] {
        // The first calls warm up.
        times.drain(..count / 10);
        times.sort_by(f64::total_cmp);
        println!("{:.1} {:.1}", times[count / 2], times[count * 99 / 100]);
    }
}
