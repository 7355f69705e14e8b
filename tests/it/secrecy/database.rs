//! A program in the place of the database server, on its port: it asks for the password, and has answers of its own.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::echo::{hex, holds_none, percent};
use super::files;
use crate::harness::{TestDaemon, TestEnv, text, wait_for};

const PASSWORD: &str = "pA55word-of/the+database~0123";

/// What the server does once it has the password.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Refuses it, and shows it.
    Echoes,
    /// Answers each query with a text, whatever is asked.
    AnswersText,
}

/// A message of the protocol: its kind, its length, its contents.
fn message(kind: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len() + 4).expect("short").to_be_bytes();
    [&[kind][..], &length, contents].concat()
}

/// The next message of the client; the first one has no kind.
fn next(stream: &mut TcpStream, has_kind: bool) -> Option<(u8, Vec<u8>)> {
    let mut kind = [0];
    if has_kind {
        stream.read_exact(&mut kind).ok()?;
    }
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut contents = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?.checked_sub(4)?];
    stream.read_exact(&mut contents).ok()?;
    Some((kind[0], contents))
}

fn serve(mut stream: TcpStream, behaviour: Behaviour) -> Option<()> {
    next(&mut stream, false)?;
    stream.write_all(&message(b'R', &3u32.to_be_bytes())).ok()?;
    let (_, password) = next(&mut stream, true)?;
    let password = text(password.strip_suffix(&[0]).unwrap_or(&password));
    if let Behaviour::Echoes = behaviour {
        let forms = [
            password.clone(),
            percent(&password),
            hex(&password),
            hex(&password).to_uppercase(),
            STANDARD.encode(&password),
        ];
        let said = format!("{}{}", forms.join(" "), " and more".repeat(100_000));
        let fields = format!("SFATAL\0VFATAL\0C28P01\0M{said}\0D{said}\0H{said}\0\0");
        return stream.write_all(&message(b'E', fields.as_bytes())).ok();
    }
    let ready = message(b'Z', b"I");
    stream.write_all(&[message(b'R', &[0; 4]), ready.clone()].concat()).ok()?;
    // One column with the name `x`, of the type `text`. A server whose `transaction_read_only` is off accepts writes.
    let column = [&b"x\0"[..], &[0; 6], &25u32.to_be_bytes(), &[0xff, 0xff], &[0xff; 4], &[0, 0]].concat();
    let columns = message(b'T', &[&[0, 1][..], &column].concat());
    let row = message(b'D', &[&[0, 1, 0, 0, 0, 3][..], b"off"].concat());
    let mut out = Vec::new();
    loop {
        match next(&mut stream, true)?.0 {
            b'Q' => {
                out.extend([&columns, &row, &message(b'C', b"SHOW\0"), &ready].map(Vec::as_slice).concat())
            }
            b'P' => out.extend(message(b'1', b"")),
            b'D' => out.extend([message(b't', &[0, 0]), columns.clone()].concat()),
            b'B' => out.extend(message(b'2', b"")),
            b'E' => out.extend([row.clone(), message(b'C', b"SELECT 1\0")].concat()),
            b'C' => out.extend(message(b'3', b"")),
            b'S' => out.extend(&ready),
            b'X' => return None,
            _ => {}
        }
        if out.ends_with(&ready) {
            stream.write_all(&std::mem::take(&mut out)).ok()?;
        }
    }
}

/// An environment whose store is at a server with this behaviour.
fn env_at(behaviour: Behaviour) -> TestEnv {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, behaviour));
        }
    });
    let env = TestEnv::new();
    fs::write(env.path("password"), PASSWORD).expect("written");
    fs::set_permissions(env.path("password"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let store = format!(
        "path = \"store\"\nurl = \"postgres://dropship@127.0.0.1:{port}/dropship\"\npassword_file = \"password\"\n\
         packages = \"shared\"\nnode = \"one\""
    );
    env.edit_configuration("path = \"store\"", &store);
    env
}

/// Everything that the daemon and the commands write, while the log says this.
fn collect_written(env: &TestEnv, logged: &str) -> Vec<(String, Vec<u8>)> {
    let log = fs::File::create(env.path("daemon.log")).expect("a log");
    let mut command = env.command(&["run", "--log-level", "trace"]);
    let mut daemon = TestDaemon { child: command.stderr(log).spawn().expect("the daemon starts") };
    let ended = || env.log().contains(logged).then_some(());
    wait_for("the answer of the server", ended).unwrap_or_else(|| panic!("{}", env.log()));
    let mut found = Vec::new();
    for args in [
        &["check"][..],
        &["check", "--online"],
        &["--json", "check", "--online"],
        &["status"],
        &["jobs"],
        &["doctor"],
    ] {
        let output = env.run(args);
        found.push((format!("{args:?}"), [output.stdout, output.stderr].concat()));
    }
    drop(daemon.child.kill());
    drop(daemon.child.wait());
    fs::remove_file(env.path("password")).expect("the one place where it belongs");
    files(env.folder.path(), &mut found);
    found
}

#[test]
fn database_server_that_echoes_the_password_leaves_it_nowhere() {
    let env = env_at(Behaviour::Echoes);
    let found = collect_written(&env, "SQLSTATE 28P01");
    holds_none(&found, &[PASSWORD]);
    for (name, content) in &found {
        assert!(content.len() < 200_000, "{name} has {} bytes", content.len());
    }
}

#[test]
fn database_server_with_other_answers_is_an_error() {
    let env = env_at(Behaviour::AnswersText);
    let found = collect_written(&env, "in the database has another form");
    holds_none(&found, &[PASSWORD]);
    for (name, content) in &found {
        assert!(!text(content).contains("panicked"), "{name}: {}", text(content));
    }
}
