//! Objects on a double of S3. `.ci/postgres` tests the same with Azurite through the daemon.

#![expect(clippy::expect_used, reason = "a test that cannot continue panics with a message")]

#[expect(dead_code, reason = "the tests of the daemon use more of it")]
mod s3;

use std::fs::File;
use std::path::PathBuf;

use dropship_objects::{Address, ObjectError, Objects, Settings};
use s3::S3;

fn objects(s3: &S3) -> Objects {
    let settings = Settings::default().with_file(&s3.settings()).expect("settings");
    drop(rustls::crypto::ring::default_provider().install_default());
    Objects::connect(&Address::parse("s3://captured/fleet/one").expect("an address"), &settings)
        .expect("a client")
}

fn file(folder: &tempfile::TempDir, length: usize) -> (PathBuf, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|at| (at * 31 + at / 997) as u8).collect();
    let path = folder.path().join(format!("{length}"));
    std::fs::write(&path, &bytes).expect("written");
    (path, bytes)
}

#[test]
fn object_is_written_once_and_read_again() {
    let (s3, folder) = (S3::start(), tempfile::tempdir().expect("a folder"));
    let objects = objects(&s3);
    for length in [0, 12_345, (20 << 20) + 7] {
        let (path, bytes) = file(&folder, length);
        let name = format!("job{length}/package");
        objects.put_new(&name, &path).expect("written");
        objects.put_new(&name, &path).expect("it is there with the same bytes");
        let key = format!("fleet/one/{name}");
        let reads = s3.requests().iter().filter(|request| **request == format!("GET captured/{key}")).count();
        assert_eq!(reads, 2, "{length}: each of both is read again");
        let copy = folder.path().join("copy");
        let new = File::create(&copy).expect("a file");
        let fetched = objects.fetch(&name, new, u64::MAX).expect("fetched");
        assert_eq!((fetched.size, &std::fs::read(&copy).expect("read")), (length as u64, &bytes));
        assert_eq!(objects.examine(&name).expect("read"), fetched);

        // Another program has written other bytes: they are found, and stay.
        s3.overwrite(&key, b"other");
        let error = objects.put_new(&name, &path).expect_err("other bytes");
        assert!(matches!(error, ObjectError::Altered { .. }), "{error}");
        assert_eq!(objects.get(&name).expect("read").as_deref(), Some(&b"other"[..]));
    }
    assert_eq!(s3.open_uploads(), 0);
    assert_eq!(objects.away(), None);
}

#[test]
fn object_that_another_program_writes_is_compared_again_before_it_is_replaced() {
    let s3 = S3::start();
    let objects = objects(&s3);
    let key = "fleet/one/outbox/site/receipt.json";
    let seen = std::cell::RefCell::new(Vec::new());
    // What another program writes whenever this one has read.
    let update = |others: &[&str], keeps: &str| {
        seen.borrow_mut().clear();
        objects.update("outbox/site/receipt.json", 1024, &mut |current| {
            let current = current.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            seen.borrow_mut().push(current.clone().unwrap_or_default());
            if let Some(other) = others.get(seen.borrow().len() - 1) {
                s3.overwrite(key, other.as_bytes());
            }
            Ok((current.as_deref() != Some(keeps)).then(|| b"mine".to_vec()))
        })
    };
    let written = || String::from_utf8(s3.object(key).unwrap_or_default()).expect("text");
    // The first one, and one in place of an earlier one.
    for earlier in ["", "mine"] {
        assert!(update(&[], "newer").expect("written"));
        assert_eq!((&*seen.borrow(), written()), (&vec![earlier.to_owned()], "mine".to_owned()));
    }
    // Another program has written an older one, then a newer one.
    assert!(!update(&["older", "newer"], "newer").expect("compared"));
    assert_eq!(
        (&*seen.borrow(), written()),
        (&["mine", "older", "newer"].map(str::to_owned).to_vec(), "newer".to_owned())
    );
    // It was deleted in the meantime.
    objects.delete("outbox/site/receipt.json").expect("deleted");
    assert!(!update(&["newer"], "newer").expect("compared"));
    assert_eq!(written(), "newer");
    // It is never given up silently.
    let others: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    let error = update(&others, "nothing").expect_err("others write it all the time");
    assert!(matches!(error, ObjectError::Contended { .. }), "{error}");
    assert_eq!(objects.away(), None);
}

#[test]
fn folders_are_listed_and_deleted_page_by_page() {
    let s3 = S3::start();
    let objects = objects(&s3);
    let names = [
        "a/package",
        "a/plan-1.json",
        "a/plan-2.json",
        "a/rejected.json",
        "b/package",
        "c/package",
        "d/package",
    ];
    for name in names {
        objects.put(name, name.as_bytes().to_vec()).expect("written");
    }
    s3.overwrite("fleet/other/e/package", b"of another prefix");
    s3.overwrite("fleet/one-more/f/package", b"of another prefix");
    assert_eq!(objects.folders().expect("listed"), ["a", "b", "c", "d"]);
    assert_eq!(objects.folders_with("", "plan-1.json").expect("listed"), ["a"]);
    assert_eq!(objects.folders_with("", "package").expect("listed"), ["a", "b", "c", "d"]);
    let mut found: Vec<_> = objects.names("a").expect("listed").into_iter().map(|(name, _)| name).collect();
    found.sort();
    assert_eq!(found, ["package", "plan-1.json", "plan-2.json", "rejected.json"]);
    objects.delete("b/package").expect("deleted");
    objects.delete("b/package").expect("it is gone already");
    objects.delete_folder("a").expect("deleted");
    assert_eq!(objects.folders().expect("listed"), ["c", "d"]);
    assert_eq!(objects.get("b/package").expect("read"), None);
    let expected =
        ["fleet/one-more/f/package", "fleet/one/c/package", "fleet/one/d/package", "fleet/other/e/package"];
    assert_eq!(s3.keys(), expected);
}

#[test]
fn small_objects_below_a_folder_are_found_and_read_together() {
    let s3 = S3::start();
    let objects = objects(&s3);
    let names: Vec<_> = (0..40).map(|at| format!("outbox/site/{at:02}/receipt.json")).collect();
    for name in &names {
        objects.put(name, name.clone().into_bytes()).expect("written");
    }
    objects.put("outbox/site/00/signed.zip", b"a result".to_vec()).expect("written");
    objects.put("outbox/site/deep/00/receipt.json", b"too deep".to_vec()).expect("written");
    objects.put("outbox/other/77/receipt.json", b"elsewhere".to_vec()).expect("written");
    let mut found = objects.folders_with("outbox/site", "receipt.json").expect("listed");
    found.sort();
    assert_eq!(found, (0..40).map(|at| format!("{at:02}")).collect::<Vec<_>>());

    let read = objects.get_many(&names, 64).expect("read");
    assert!(read.iter().zip(&names).all(|(read, name)| read.as_deref() == Some(name.as_bytes())), "in order");
    // One that is too long or absent is left out, and does not hide the others.
    s3.overwrite(&format!("fleet/one/{}", names[1]), &[7; 65]);
    objects.delete(&names[2]).expect("deleted");
    let read: Vec<_> = objects.get_many(&names, 64).expect("read").iter().map(Option::is_some).collect();
    assert_eq!(read[..4], [true, false, false, true]);
    s3.set_away(true);
    let error = objects.get_many(&names, 64).expect_err("away");
    assert!(matches!(error, ObjectError::Away { .. }), "{error}");
}

#[test]
fn storage_that_is_away_is_noticed_and_probed_until_it_responds() {
    let s3 = S3::start();
    s3.set_away(true);
    let objects = objects(&s3);
    let why = objects.away().expect("it is away");
    assert!(!why.contains(s3::SECRET), "{why}");
    let error = objects.get("a/package").expect_err("away");
    assert!(matches!(error, ObjectError::Away { .. }), "{error}");
    s3.set_away(false);
    let started = std::time::Instant::now();
    while objects.away().is_some() {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "it is not probed");
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    assert_eq!(objects.get("a/package").expect("read"), None);
}

#[test]
fn object_that_has_become_longer_is_not_read_to_its_end() {
    let (s3, folder) = (S3::start(), tempfile::tempdir().expect("a folder"));
    let objects = objects(&s3);
    let (path, bytes) = file(&folder, 1000);
    objects.put_new("job/package", &path).expect("written");
    let longer = vec![7; 64 << 20];
    s3.overwrite("fleet/one/job/package", &longer);
    let copy = folder.path().join("copy");
    let new = File::create(&copy).expect("a file");
    let fetched = objects.fetch("job/package", new, bytes.len() as u64).expect("fetched");
    assert!(fetched.size > bytes.len() as u64 && fetched.size < longer.len() as u64, "{}", fetched.size);
    assert_eq!(std::fs::metadata(&copy).expect("a file").len(), fetched.size);
}

/// A server that refuses every request, and shows what it has received, again and again.
#[test]
fn storage_that_echoes_requests_shows_no_secret_and_short_messages() {
    const TOKEN: &str = "S3ssion/t0ken+of=this.test%with&characters";
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(echo(stream))));
    let text = format!(
        "AWS_ACCESS_KEY_ID=AKIAOFTHISTEST\nAWS_SECRET_ACCESS_KEY={}\nAWS_SESSION_TOKEN={TOKEN}\nAWS_REGION=us-east-1\n\
         AWS_ENDPOINT=http://127.0.0.1:{port}\nAWS_ALLOW_HTTP=true\n",
        s3::SECRET
    );
    let settings = Settings::default().with_file(&text).expect("settings");
    drop(rustls::crypto::ring::default_provider().install_default());
    let address = Address::parse("s3://captured/fleet/one").expect("an address");
    let objects = Objects::connect(&address, &settings).expect("a client");
    let why = objects.away().expect("it refuses");
    let error = objects.get("a/package").expect_err("refused").to_string();
    assert!(error.contains("403"), "{error}");
    let hex: String = TOKEN.bytes().map(|byte| format!("{byte:02x}")).collect();
    for message in [why, error] {
        assert!(message.len() < 2000, "{} bytes", message.len());
        assert!(
            !message.contains(TOKEN) && !message.contains(&hex) && !message.contains(s3::SECRET),
            "{message}"
        );
    }
}

fn echo(mut stream: std::net::TcpStream) -> std::io::Result<()> {
    use std::io::{BufRead, Write};
    let mut seen = String::new();
    let mut reader = std::io::BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut seen)? > 2 {}
    let hex: String = seen.bytes().map(|byte| format!("{byte:02x}")).collect();
    let body = format!("<Error><Code>AccessDenied</Code><Message>{seen}</Message><More>{hex}</More></Error>")
        .repeat(500);
    write!(stream, "HTTP/1.1 403 X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}
