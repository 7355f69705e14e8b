//! Notifications: signed webhooks that are repeated after a crash, and commands with a clean environment.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use ring::hmac;
use serde_json::Value;

use crate::harness::{TestEnv, bytes, free_port, wait_for};

const KEY: &str = "the key of the hook";

/// Reads one request and responds; returns the headers and the body.
fn serve(listener: &TcpListener, status: &str) -> (Vec<(String, String)>, String) {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut reader = BufReader::new(stream.try_clone().expect("a reader"));
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().expect("a length");
        }
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("answered");
    (headers, String::from_utf8(body).expect("text"))
}

fn header(headers: &[(String, String)], name: &str) -> String {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).expect("a header")
}

#[test]
fn signed_webhook_survives_an_unreachable_receiver_and_a_restart() {
    // There is no receiver while the daemon starts.
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let more = format!(
        "[[notify]]\nname = \"hook\"\non = [\"ended\"]\nurl = \"http://{address}/x?sig=topsecret\"\nsecret_file = \"hook-key\"\n"
    );
    let env = TestEnv::with(crate::harness::usual_quirks(), &more);
    std::fs::write(env.path("hook-key"), KEY).expect("a key");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let id = env.wait_for_end()["id"].as_str().expect("an id").to_owned();
    wait_for("a failed try", || env.log().contains("notifying `hook` failed").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    daemon.kill();
    let listener = TcpListener::bind(address).expect("the port again");
    let daemon = env.daemon(&[]);
    let (_, refused) = serve(&listener, "500 Not now");
    let (headers, body) = serve(&listener, "204 Thanks");
    assert_eq!(refused, body, "the same again");
    let note: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&note["event"], &note["job"]["id"]), (&"succeeded".into(), &Value::from(id)), "{note:#}");
    let signed =
        format!("{}.{}.{body}", header(&headers, "webhook-id"), header(&headers, "webhook-timestamp"));
    let signature = header(&headers, "webhook-signature");
    let tag = base64::engine::general_purpose::STANDARD
        .decode(signature.strip_prefix("v1,").expect("its version"))
        .expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &tag).expect("signed with the key");
    let spooled = || std::fs::read_dir(env.path("store/notify/hook")).expect("the spool").count();
    wait_for("an empty spool", || (spooled() == 0).then_some(())).expect("nothing is left");
    assert_eq!(daemon.terminate(), Some(0));
    // Another start sends no second notification.
    let ready = || env.log().matches("is ready").count();
    let before = ready();
    let daemon = env.daemon(&[]);
    wait_for("the daemon", || (ready() > before).then_some(())).expect("ready");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(spooled(), 0, "{}", env.log());
    for secret in ["topsecret", KEY] {
        assert!(!env.log().contains(secret), "the log holds {secret}");
    }
}

#[test]
fn event_before_a_crash_is_notified_after_restart() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let more = "[[notify]]\nname = \"file\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> $0; echo >> $0\", \"NOTES\"]\n"
        .replace("NOTES", &env.path("notes").display().to_string());
    let mut configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    configuration.push_str(&more);
    std::fs::write(env.path("dropship.toml"), configuration).expect("written");
    let daemon = env.daemon(&[]);
    env.drop_package("bad.cab", b"MSCF but no cabinet at all, however long one waits for it");
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let notes = || std::fs::read_to_string(env.path("notes")).unwrap_or_default();
    wait_for("a notification", || notes().contains("\"event\":\"succeeded\"").then_some(()))
        .unwrap_or_else(|| panic!("{}\n{}", notes(), env.log()));
    daemon.kill();
    // As after a crash before the notification was spooled.
    let known = env.path("store/notify/known.json");
    let text = std::fs::read_to_string(&known).expect("the list of known jobs");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["ids"] = Value::Array(Vec::new());
    std::fs::write(&known, value.to_string()).expect("forgotten");
    std::fs::remove_file(env.path("notes")).expect("removed");
    let daemon = env.daemon(&[]);
    wait_for("a notification", || notes().contains("\"event\":\"succeeded\"").then_some(()))
        .unwrap_or_else(|| panic!("{}\n{}", notes(), env.log()));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn hold_is_notified_once_although_other_labels_of_the_job_continue() {
    let held_label = "[[rule.label]]\nname = \"later\"\nhold = true\ndestination = \"windows_update\"\n\
                      audiences = [\"Test Registry Key\"]\n[rule.label.hardware_ids]\ninclude = [\"pci\\\\*\"]\n";
    let env = TestEnv::with(crate::harness::usual_quirks(), held_label);
    let more = "[[notify]]\nname = \"file\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> $0; echo >> $0\", \"NOTES\"]\n"
        .replace("NOTES", &env.path("notes").display().to_string());
    let mut configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    configuration.push_str(&more);
    std::fs::write(env.path("dropship.toml"), configuration).expect("written");
    let holds = || {
        let notes = std::fs::read_to_string(env.path("notes")).unwrap_or_default();
        notes
            .lines()
            .filter(|line| line.contains("\"event\":\"held\""))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    wait_for("the hold", || (!holds().is_empty()).then_some(())).unwrap_or_else(|| panic!("{}", env.log()));
    // The other label is published after the hold, which changes the job.
    let is_published = || {
        let job = env.json(&["jobs"])[0].clone();
        let labels = job["labels"].as_array()?;
        labels.iter().any(|label| label["published"].is_string()).then_some(())
    };
    wait_for("the other label", is_published).unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0));
    // The next daemon compares the jobs with the notifications when it starts, before it notifies of another package.
    let daemon = env.daemon(&[]);
    env.drop_package("other.cab", &bytes("cab/good-signed-ec384.cab"));
    wait_for("a later hold", || holds().iter().any(|line| line.contains("other.cab")).then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(holds().len(), 2, "{:#?}", holds());
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn expired_notification_is_dropped_and_the_next_is_delivered() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let (open, reported) =
        (env.path("open").display().to_string(), env.path("reported").display().to_string());
    let more = format!(
        "[[notify]]\nname = \"picky\"\non = [\"ended\"]\ngive_up = \"1s\"\n\
         command = [\"/bin/sh\", \"-c\", \"test -e {open} && cat >> {reported}\"]\n"
    );
    let mut configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    configuration.push_str(&more);
    std::fs::write(env.path("dropship.toml"), configuration).expect("written");
    let daemon = env.daemon(&[]);
    env.drop_package("first.cab", &bytes("cab/good-signed-ts.cab"));
    wait_for("giving up", || env.log().contains("gave up notifying").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert!(env.log().contains("notifying `picky` failed"), "{}", env.log());
    let spooled = || std::fs::read_dir(env.path("store/notify/picky")).expect("the spool").count();
    wait_for("an empty spool", || (spooled() == 0).then_some(()))
        .expect("a notification that is given up is deleted");
    std::fs::write(open, "").expect("opened");
    env.drop_package("second.cab", &bytes("cab/good-signed-ec384.cab"));
    let notes = || std::fs::read_to_string(&reported).unwrap_or_default();
    wait_for("the second", || notes().contains("second.cab").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert!(!notes().contains("first.cab"), "{}", notes());
    wait_for("the end of it", || env.log().contains("notifying `picky` works again").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn notify_command_has_a_clean_environment_and_a_time_limit() {
    let env = TestEnv::with(crate::harness::usual_quirks(), "");
    let script = env.path("reported.sh");
    let variables = env.path("env").display().to_string();
    let child = env.path("child").display().to_string();
    let text = format!(
        "#!/bin/sh\nenv > {variables}\nyes | head -c 1000000\n(echo $$ > {child}; sleep 1000) &\necho $! > {child}\nwait\n"
    );
    std::fs::write(&script, text).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let more = format!(
        "[[notify]]\nname = \"slow\"\non = [\"succeeded\"]\ntimeout = \"2s\"\ncommand = [\"{}\"]\n",
        script.display()
    );
    let mut configuration = std::fs::read_to_string(env.path("dropship.toml")).expect("a configuration");
    configuration.push_str(&more);
    std::fs::write(env.path("dropship.toml"), configuration).expect("written");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    wait_for("the time to run out", || env.log().contains("did not exit within 2s").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let environment = std::fs::read_to_string(&variables).expect("its environment");
    let allowed = [
        "PATH=",
        "PWD=",
        "_=",
        "SHLVL=",
        "OLDPWD=",
        "DROPSHIP_NOTIFICATION=",
        "DROPSHIP_EVENT=succeeded",
        "DROPSHIP_JOB=",
    ];
    for line in environment.lines() {
        assert!(allowed.iter().any(|allowed| line.starts_with(allowed)), "inherited: {line}");
    }
    let sleeper = std::fs::read_to_string(&child).expect("a child").trim().to_owned();
    let is_gone = || {
        let state = std::fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap_or_default();
        (state.is_empty() || state.contains(") Z ")).then_some(())
    };
    wait_for("its child to be killed", is_gone).expect("the whole group is killed");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn host_of_a_webhook_is_no_secret_and_the_rest_is() {
    let hidden = ["hush-in-the-path-of-the-hook", "hush-in-the-query", "hush-user", "hush-password"];
    let [path, query, user, password] = hidden;
    let hook = |name: &str, user: &str| {
        // The URLs of service and receiver begin alike.
        let url = format!("http://{user}127.0.0.1:9/services/{path}?x={query}");
        format!("[[notify]]\nname = \"{name}\"\non = [\"ended\"]\nurl = \"{url}\"\n")
    };
    let more = hook("hook", "") + &hook("other", &format!("{user}:{password}@"));
    let env = TestEnv::with(crate::harness::usual_quirks(), &more);
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    env.wait_for_end();
    wait_for("a failed try", || env.log().contains("notifying `hook` failed").then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let shown = crate::harness::text(&env.run(&["config", "show"]).stdout);
    assert!(shown.contains(env.sandbox.base_url()), "{shown}");
    assert_eq!(daemon.terminate(), Some(0));
    env.edit_configuration("name = \"hook\"", "name = 5");
    let checked = env.run(&["check"]);
    for text in [shown, env.log(), crate::harness::text(&checked.stderr)] {
        let secret = hidden.iter().find(|secret| text.contains(*secret));
        assert_eq!(secret, None, "{text}");
    }
}
