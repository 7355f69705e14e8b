//! `top`, `jobs` and `show` on a terminal.

use std::process::Command;

use super::terminal::{Screen, Terminal};
use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};
use crate::storm::PackageTemplate;

/// The name of a package that would clear the screen, and that is wider than it has characters.
const HOSTILE: &str = "語語\u{1b}[2J語.cab";

fn wait_for_daemon(env: &TestEnv) {
    wait_for("the daemon", || env.path("control.sock").exists().then_some(())).expect("a socket");
}

fn signal(process: &TestDaemon, name: &str) {
    let sent = Command::new("kill").args([name, &process.child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn top(env: &TestEnv) -> Command {
    let mut command = env.command(&["top", "--every", "50ms"]);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    command
}

/// A paused daemon with jobs of these packages.
fn start_paused(env: &TestEnv, packages: &[&str]) -> TestDaemon {
    let daemon = env.daemon(&[]);
    wait_for_daemon(env);
    env.json(&["pause"]);
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    for (number, name) in (0..).zip(packages) {
        env.drop_package(name, &template.package(number));
    }
    let all = || (env.json(&["jobs"]).as_array()?.len() == packages.len()).then_some(());
    wait_for("the jobs", all).unwrap_or_else(|| panic!("{}", env.log()));
    daemon
}

#[test]
fn top_shows_job_changes_and_ends_when_interrupted() {
    let env = TestEnv::new();
    let daemon = start_paused(&env, &[]);
    let terminal = Terminal::new(120, 30);
    let top = terminal.start(top(&env), false);
    terminal.shows(&["JOB", "PACKAGE", "PAUSED: everything", "no jobs"]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    terminal.wait("the job waits", |screen| screen.line("echo.cab").contains("product"));
    env.json(&["resume"]);
    terminal.wait("the job succeeds", |screen| screen.line("echo.cab").contains("succeeded"));
    signal(&top, "-INT");
    assert_eq!(top.wait(), Some(0));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn top_reacts_to_keys_and_sizes_and_restores_the_terminal() {
    let env = TestEnv::new();
    let daemon = start_paused(&env, &["ant.cab", "bee.cab", "cat.cab", HOSTILE]);
    let terminal = Terminal::new(80, 24);
    let view = terminal.start(top(&env), true);
    let screen = terminal.shows(&["ant.cab", "bee.cab", "cat.cab", "q quit"]);
    assert!(!terminal.is_cooked());
    assert!(screen.line("語").contains("\\u{1b}[2J"), "{screen:?}");
    let marked = |screen: &Screen| screen.lines.iter().position(|line| line.starts_with("> "));
    let first = marked(&screen).expect("a selected job");
    terminal.press("j");
    terminal.wait("the next job", |screen| marked(screen) == Some(first + 1));
    terminal.press("\u{1b}[B");
    terminal.wait("the one after it", |screen| marked(screen) == Some(first + 2));
    terminal.press("kG");
    terminal.wait("the last job", |screen| marked(screen) == Some(first + 3));
    // A filter, which has letters that are commands elsewhere.
    terminal.press("/qbee");
    terminal.shows(&["no job contains this text"]);
    terminal.press("\u{15}bee\r");
    terminal.wait("the filter", |screen| {
        screen.has("filter: bee") && screen.has("bee.cab") && !screen.has("ant.cab")
    });
    terminal.press("\r");
    let job = terminal.shows(&["sha256", "waiting for", "Esc back"]);
    assert!(job.line("package").contains("bee.cab"), "{job:?}");
    terminal.press("G");
    terminal.shows(&["accepted by rule `ring`"]);
    terminal.press("\u{1b}");
    terminal.shows(&["bee.cab", "Esc removes it"]);
    terminal.press("\u{1b}");
    terminal.shows(&["ant.cab", "cat.cab"]);
    for (columns, rows) in [(40, 10), (120, 40), (20, 5), (3, 2)] {
        terminal.resize(columns, rows as u16);
        signal(&view, "-WINCH");
        let screen = terminal.wait("a screen of this size", |screen| {
            screen.too_wide == 0 && screen.lines.len() == rows && screen.lines[rows - 1].contains('/')
        });
        assert!(
            screen.lines.iter().any(|line| line.starts_with("> ")) || rows < 5,
            "{columns}x{rows}: {screen:?}"
        );
    }
    terminal.press("q");
    assert_eq!(view.wait(), Some(0));
    assert!(terminal.is_cooked());
    let raw = terminal.whole();
    for (begin, end) in [("\u{1b}[?1049h", "\u{1b}[?1049l"), ("\u{1b}[?25l", "\u{1b}[?25h")] {
        assert!(
            raw.find(begin).is_some_and(|begin| raw.rfind(end).is_some_and(|end| begin < end)),
            "{raw:?}"
        );
    }
    drop(daemon);
}

#[test]
fn top_restores_the_terminal_after_signals_and_needs_no_colours() {
    let env = TestEnv::new();
    let daemon = start_paused(&env, &["ant.cab"]);
    for name in ["-TERM", "-HUP", "-QUIT", "-INT"] {
        let terminal = Terminal::new(80, 24);
        let mut command = top(&env);
        command.env("NO_COLOR", "1");
        let view = terminal.start(command, true);
        terminal.shows(&["ant.cab", "> "]);
        signal(&view, name);
        assert_eq!(view.wait(), Some(0), "{name}");
        assert!(terminal.is_cooked(), "{name}");
        let raw = terminal.whole();
        assert!(raw.ends_with("\u{1b}[?1049l"), "{name}: {raw:?}");
        assert!(!raw.contains("\u{1b}[38;"), "{raw:?}");
    }
    let terminal = Terminal::new(60, 24);
    let mut command = top(&env);
    command.env("TERM", "dumb");
    assert_eq!(terminal.start(command, true).wait(), Some(0));
    let screen = terminal.shows(&["ant.cab", "PAUSED"]);
    assert!(!terminal.raw().contains('\u{1b}'), "{screen:?}");
    // The daemon may stop and start again.
    let terminal = Terminal::new(100, 24);
    let view = terminal.start(top(&env), true);
    terminal.shows(&["ant.cab"]);
    assert_eq!(daemon.terminate(), Some(0));
    terminal.shows(&["ant.cab", "no answer", "trying again"]);
    let daemon = env.daemon(&[]);
    terminal.wait("the daemon answers again", |screen| screen.has("ant.cab") && !screen.has("no answer"));
    terminal.press("\u{3}");
    assert_eq!(view.wait(), Some(0));
    drop(daemon);
}

#[test]
fn jobs_and_show_fit_the_terminal_and_use_local_time() {
    let env = TestEnv::new();
    let packages: Vec<_> =
        (0..20).map(|number| format!("package-with-a-long-name-{number:02}.cab")).collect();
    let daemon = start_paused(&env, &packages.iter().map(String::as_str).collect::<Vec<_>>());
    let on_terminal = |columns, rows, args: &[&str]| {
        let terminal = Terminal::new(columns, rows);
        let mut command = env.command(args);
        command.env("TZ", "XYZ-5:30");
        assert_eq!(terminal.start(command, true).wait(), Some(0));
        let whole = terminal.whole();
        let screen = terminal.screen();
        assert_eq!(screen.too_wide, 0, "{args:?} in {columns}: {whole}");
        whole
    };
    for (columns, rows) in [(80, 24), (120, 40), (40, 10), (30, 10)] {
        let shown = on_terminal(columns, rows, &["jobs"]);
        let is_cut = rows < 22;
        assert_eq!(shown.contains("there are more jobs"), is_cut, "{shown}");
        assert!(shown.lines().count() < rows.into(), "{shown}");
        let job = shown.lines().nth(1).and_then(|line| line.split(' ').next()).expect("a job");
        assert_eq!(env.json(&["show", job])["id"], job);
        let all = on_terminal(columns, rows, &["jobs", "--limit", "0"]);
        assert_eq!(all.lines().count(), 21, "{all}");
        let shown = on_terminal(columns, rows, &["show", job]);
        assert!(
            shown.contains("history (local time, +05:30):") && shown.contains("next check  in "),
            "{shown}"
        );
        assert!(!shown.contains("Z  inspect"), "{shown}");
    }
    let piped = text(&env.run(&["jobs"]).stdout);
    assert!(piped.lines().count() == 21 && piped.contains("package-with-a-long-name-00.cab"), "{piped}");
    drop(daemon);
}

#[test]
fn labels_fit_the_terminal() {
    let env = TestEnv::new();
    let daemon =
        start_paused(&env, &["a-package-with-a-rather-long-name-that-needs-much-room.cab", "語語語.cab"]);
    let both = || (text(&env.run(&["labels"]).stdout).lines().count() == 3).then_some(());
    wait_for("the labels", both).unwrap_or_else(|| panic!("{}", env.log()));
    for columns in [30, 48, 80, 130, 400] {
        let terminal = Terminal::new(columns, 24);
        assert_eq!(terminal.start(env.command(&["labels"]), false).wait(), Some(0));
        let screen = terminal.shows(&["LABEL", "STATE", "JOB", "planned"]);
        assert_eq!(screen.too_wide, 0, "{columns}: {screen:?}");
        assert_eq!(screen.lines.iter().filter(|line| !line.trim().is_empty()).count(), 3, "{screen:?}");
        assert_eq!(screen.has("AUDIENCES"), columns >= 80, "{columns}: {screen:?}");
        assert_eq!(screen.has("PACKAGE"), columns >= 130, "{columns}: {screen:?}");
    }
    assert_eq!(daemon.terminate(), Some(0));
}
