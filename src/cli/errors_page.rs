//! `docs/errors.md`: the reference of all values of `error.kind`, generated from their types.

use dropship_job::{ErrorKind, StateKind};
use dropship_package::Policy;

use super::exit::Exit;
use super::failure::FailureKind;
use crate::attention::{AttentionKind, Severity};
use dropship_engine::operations::{ControlError, ControlErrorKind};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");

const HEAD: &str = "\
# Errors

This page lists every value of `error.kind` in `receipt.json` and in the output of commands with `--json`. The text `error.message` says what
failed, on which object, why, and what to do. In scripts, decide by the kind, never by the message.

The column *job* lists the states that a job with this error can have. *Only `plan`*: only the command `dropship plan` reports the error. Where a
job can have several states, `Waiting:`, `Held:`, `Failed:` or `Rejected:` begins the text about that state. A job that is `waiting` continues
automatically. `JOB` is the id of the job. A *create* is a request that creates a product, a submission or a label at Microsoft.

`dropship retry` of a rejected job, or of a cancelled job without a product, reads the dropped file again. If the package was sent with
`dropship submit`, there is no such file: send the package again instead of the retry.

<!-- Generated from crates/dropship-job/src/error_kind.rs: run `UPDATE=1 cargo test --lib page_of_errors`. -->
";

const CHECKS: &str = "
## Checks of the inspection

When a check rejects a package, the kind is the name of the check. [checks.md](checks.md) has the meaning, the remedy and the source of each
check.

";

const COMMANDS: &str = "
## Commands

With `--json`, a command that has no result prints its error under the key `error`. The kind `malformed` in this table is not the check
`malformed`, which is only an error of jobs.

| kind | exit code | when | what to do |
|---|---|---|---|
";

const TROUBLE: &str = "
## List of troubles

These are the kinds of `trouble` in `dropship status --json`, of `reasons` and `warnings` in `/readyz`, and of the metric `dropship_trouble`;
`reasons` can have [three more values](json.md#health). Held, failed and rejected jobs are not on the list: `dropship jobs` lists them. An item
disappears at most 15 seconds after its cause is gone.

*Stops intake*: no package is accepted until the trouble is over, and `/readyz` answers with 503. There are three exceptions. `folder-degraded` stops
intake when every folder is degraded. `disk-low` is only a warning while more than `[store] min_free` is free. During `stalled`, packages are still
accepted if the stalled component is not needed for that.

| kind | severity | when | what to do |
|---|---|---|---|
";

/// The page as the types define it.
fn generated() -> String {
    let mut page = HEAD.to_owned();
    let mut group = "";
    for kind in ErrorKind::DOCUMENTED {
        if kind.group != group {
            group = kind.group;
            page.push_str(&format!(
                "\n## {group}\n\n| kind | job | when | what to do |\n|---|---|---|---|\n"
            ));
        }
        let (name, state, meaning, remedy) = (kind.name, states(&kind.states()), kind.meaning, kind.remedy);
        page.push_str(&format!("| `{name}` | {state} | {meaning} | {remedy} |\n"));
    }
    page.push_str(CHECKS);
    let checks = Policy::known_checks()
        .iter()
        .filter(|check| ErrorKind::from(check.name) == ErrorKind::Check(check.name.into()));
    let names: Vec<_> = checks.map(|check| format!("`{}`", check.name)).collect();
    page.push_str(&names.join(", "));
    page.push('\n');
    page.push_str(COMMANDS);
    for kind in ControlErrorKind::ALL {
        let code = Exit::of(&ControlError::new(kind, "").into()).code();
        let (name, when, remedy) = (kind.as_str(), kind.meaning(), kind.remedy());
        page.push_str(&format!("| `{name}` | {code} | {when} | {remedy} |\n"));
    }
    for kind in FailureKind::ALL {
        let (name, code, (when, remedy)) = (kind.as_str(), kind.exit().code(), kind.documentation());
        page.push_str(&format!("| `{name}` | {code} | {when} | {remedy} |\n"));
    }
    page.push_str(TROUBLE);
    for kind in AttentionKind::ALL {
        let info = kind.info();
        let severity = match info.severity {
            Severity::StopsIntake => "stops intake",
            Severity::Warning => "warning",
        };
        let (name, meaning, remedy) = (info.name, info.meaning, info.remedy);
        page.push_str(&format!("| `{name}` | {severity} | {meaning} | {remedy} |\n"));
    }
    page
}

/// The states that a job with an error can have, in words.
fn states(states: &[StateKind]) -> String {
    match states {
        [] => "only `plan`".to_owned(),
        [one] => one.to_string(),
        [others @ .., last] => {
            let others: Vec<_> = others.iter().map(StateKind::to_string).collect();
            format!("{} or {last}", others.join(", "))
        }
    }
}

/// Run with `UPDATE=1` to write the file again.
#[test]
fn page_of_errors_is_fresh() {
    let generated = generated();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PATH, &generated).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(kept == generated, "docs/errors.md is stale: run `UPDATE=1 cargo test --lib page_of_errors`");
}
