//! A package from the drop folder to the published label.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{TestEnv, bytes, fixture, text, wait_for};

#[test]
fn dropped_cab_is_signed_and_gets_its_label() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    assert_eq!(receipt["rule"], "ring");
    assert_eq!(receipt["folder"], "in");
    assert_eq!(receipt["accepted"], true);
    assert_eq!(receipt["labels"][0]["name"], "echo test ring");
    for id in [&receipt["product_id"], &receipt["submission_id"], &receipt["labels"][0]["id"]] {
        assert!(id.as_str().is_some_and(|id| id.parse::<u64>().is_ok()), "ids are strings: {receipt:#}");
    }
    assert_eq!(env.created(), (1, 1, 1));

    let outbox = receipt["outbox"].as_str().expect("an outbox");
    assert!(outbox.ends_with(&format!("echo-{}", &receipt["sha256"].as_str().expect("a digest")[..8])));
    let signed = fs::File::open(format!("{outbox}/signed.zip")).expect("the signed package");
    let mut zip = zip::ZipArchive::new(signed).expect("a ZIP");
    let names: Vec<_> = (0..zip.len())
        .map(|at| String::from_utf8_lossy(zip.by_index(at).expect("an entry").name_raw()).into_owned())
        .collect();
    assert!(names.iter().any(|name| name.to_lowercase().ends_with("echo.inf")), "{names:?}");
    let metadata = fs::read(format!("{outbox}/driver-metadata.json")).expect("metadata");
    dropship_hardware::DriverMetadata::parse(&metadata).expect("metadata as the service sent them");
    let hidden = fs::read_dir(outbox)
        .expect("outbox")
        .filter(|item| item.as_ref().is_ok_and(|item| item.file_name().to_string_lossy().starts_with('.')));
    assert_eq!(hidden.count(), 0, "nothing unfinished is left");

    // The label has the targets of the rule and no others.
    let requests = env.sandbox_page("requests").to_string();
    assert!(!requests.contains("eyJ"), "the log of requests holds no token");
    let entries = env.sandbox.control().requests();
    let label =
        entries.iter().find(|entry| entry.operation == "create_label").expect("a label was asked for");
    let targets = serde_json::to_string(&label.body).expect("JSON").to_lowercase();
    assert!(targets.contains("pci\\\\ven_1234") && targets.contains("windows_v100_x64_co_full"), "{targets}");
    assert!(!targets.contains("root\\\\echo") && !targets.contains("_ni_full"), "{targets}");

    // The commands show the same, with and without a running daemon.
    let id = receipt["id"].as_str().expect("an id");
    let shown = env.json(&["show", id]);
    assert_eq!(shown["state"], "succeeded");
    assert!(shown["events"].as_array().is_some_and(|events| events.len() > 10), "{shown:#}");
    assert_eq!(daemon.terminate(), Some(0));
    let jobs = env.json(&["jobs"]);
    assert_eq!(jobs[0]["id"], id);
    assert_eq!(env.json(&["jobs", "--state", "failed"]), serde_json::json!([]));
    let human = env.run(&["show", id]);
    assert!(text(&human.stdout).contains("succeeded"), "{}", text(&human.stdout));
}

/// Both data types of a cabinet's signature, a larger reserve, and keys other than RSA. The fixtures' test authority
/// issued the certificates.
#[test]
fn cabinet_signed_in_any_form_gets_its_label() {
    let env = TestEnv::new();
    for (to, from) in [("roots.pem", "link/root.pem"), ("tsaroots.pem", "link/stamp-root.pem")] {
        fs::copy(fixture(from), env.path(to)).expect("a root");
    }
    let daemon = env.daemon(&[]);
    let names = ["moniker", "cab-data-by-key", "room-6144", "moniker-p521-sha256"];
    for name in names {
        env.drop_package(&format!("{name}.cab"), &bytes(&format!("link/{name}.cab")));
    }
    let published = wait_for("all packages to be published", || {
        let receipts = env.receipts();
        let done = receipts.iter().filter(|receipt| receipt["state"] == "succeeded").count();
        (done == names.len()).then_some(receipts)
    });
    let mut labels: Vec<_> = published
        .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
        .iter()
        .map(|receipt| receipt["labels"][0]["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    labels.sort_unstable();
    assert_eq!(
        labels,
        [
            "cab-data-by-key test ring",
            "moniker test ring",
            "moniker-p521-sha256 test ring",
            "room-6144 test ring"
        ]
    );
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn package_dropped_while_the_daemon_is_down_is_accepted_once() {
    let env = TestEnv::new();
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    for _ in 0..2 {
        assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
        assert_eq!(env.wait_for_end()["state"], "succeeded", "{}", env.log());
        assert_eq!(env.created(), (1, 1, 1));
    }
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
}

#[test]
fn same_bytes_under_two_names_are_one_job() {
    let env = TestEnv::new();
    env.drop_package("one.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("two.cab", &bytes("cab/good-signed-ts.cab"));
    env.drop_package("three.cab", &bytes("cab/stored-signed.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(2));
    assert_eq!(env.created(), (2, 2, 2));
}

#[test]
fn slowly_copied_package_is_accepted_when_complete() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    let whole = bytes("cab/good-signed-ts.cab");
    let path = env.path("drop/slow.cab");
    let mut file = fs::File::create(&path).expect("a file");
    for chunk in whole.chunks(4000) {
        std::io::Write::write_all(&mut file, chunk).expect("a piece");
        // The daemon has evaluated the incomplete file before the next piece is written.
        let seen = file.metadata().expect("metadata").len();
        assert!(seen <= whole.len() as u64);
    }
    drop(file);
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}");
    assert_eq!(receipt["size"], whole.len());
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(1));
    drop(daemon);
}

#[test]
fn submit_with_wait_returns_when_the_job_ends() {
    let env = TestEnv::new();
    let daemon = env.daemon(&[]);
    wait_for("the socket", || env.path("control.sock").exists().then_some(())).expect("a socket");
    let file = fixture("cab/good-signed-ts.cab");
    let done = env.run(&["--json", "submit", file.to_str().expect("a path"), "--wait"]);
    assert_eq!(done.status.code(), Some(0), "{}{}\n{}", text(&done.stdout), text(&done.stderr), env.log());
    let receipt: serde_json::Value = serde_json::from_slice(&done.stdout).expect("a receipt");
    assert_eq!((&receipt["state"], &receipt["folder"]), (&"succeeded".into(), &serde_json::Value::Null));
    let again = env.run(&["wait", file.to_str().expect("a path"), "--for", "signed", "--timeout", "2m"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(daemon.terminate(), Some(0));
    let mut log = String::new();
    fs::File::open(env.path("daemon.log")).expect("a log").read_to_string(&mut log).expect("text");
    assert!(log.contains("product_id") || log.contains("created"), "{log}");
}

#[test]
fn dropped_file_is_moved_after_success() {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let text = fs::read_to_string(&path).expect("configuration");
    fs::write(&path, text.replace("settle = \"200ms\"", "settle = \"200ms\"\nafter = \"move:done\""))
        .expect("changed");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert!(!env.path("drop/echo.cab").exists());
    assert_eq!(fs::read(env.path("done/echo.cab")).expect("moved"), bytes("cab/good-signed-ts.cab"));
}

#[test]
fn two_folders_with_one_outbox_keep_their_results_apart() {
    let env = TestEnv::new();
    let config = fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    let second = "[[folder]]\nname = \"second\"\npath = \"second\"\noutbox = \"out\"\nsettle = \"200ms\"\npoll = \"1s\"\nsame_content = \"take\"\n[signers]";
    fs::write(env.path("dropship.toml"), config.replacen("[signers]", second, 1)).expect("written");
    fs::create_dir(env.path("second")).expect("a folder");
    // The same bytes under the same name, and other bytes under that name.
    let (same, other) = (bytes("cab/good-signed-ts.cab"), bytes("cab/good-signed.cab"));
    env.drop_package("echo.cab", &same);
    env.drop_package("other.cab", &other);
    fs::write(env.path("second/echo.cab"), &same).expect("dropped");
    fs::write(env.path("second/other.cab"), &other).expect("dropped");
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let seen = || {
        let mut seen = BTreeMap::new();
        for receipt in env.receipts() {
            let key =
                [&receipt["folder"], &receipt["package"]].map(|text| text.as_str().unwrap_or("").to_owned());
            let folder = PathBuf::from(receipt["outbox"].as_str().expect("a path"));
            assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
            assert!(folder.starts_with(env.path("out")) && folder.join("signed.zip").exists(), "{receipt:#}");
            let own: Value =
                serde_json::from_slice(&fs::read(folder.join("receipt.json")).expect("a receipt"))
                    .expect("JSON");
            assert_eq!(own["id"], receipt["id"]);
            assert!(seen.insert(key, (receipt["id"].clone(), folder)).is_none(), "{receipt:#}");
        }
        seen
    };
    let before = seen();
    let keys: Vec<_> = before.keys().map(|[folder, package]| format!("{folder}/{package}")).collect();
    assert_eq!(keys, ["in/echo.cab", "in/other.cab", "second/echo.cab", "second/other.cab"]);
    assert_eq!(env.created(), (4, 4, 4));
    // A new store recovers each job for its own folder.
    fs::remove_dir_all(env.path("store")).expect("lost");
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    assert_eq!((seen(), env.created()), (before, (4, 4, 4)), "{}", env.log());
    assert_eq!(env.json(&["jobs"]).as_array().map(Vec::len), Some(4));
}
