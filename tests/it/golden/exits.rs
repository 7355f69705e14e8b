//! Exit codes and messages of commands that fail.

use dropship_sandbox::Quirks;

use super::{assert_recorded, filters, transcript};
use crate::harness::{TestEnv, fixture};

#[test]
fn exit_codes_and_complaints_are_as_recorded() {
    let env = TestEnv::with(Quirks::none(), "");
    let bad = fixture("cab/unsigned.cab").display().to_string();
    let mut seen = String::new();
    let mut run = |shown: &str, args: &[&str]| {
        seen.push_str(&transcript(shown, env.command(args).current_dir(env.folder.path())));
        seen.push('\n');
    };
    run("jobs   # a store that does not exist", &["jobs"]);
    run("frobnicate", &["frobnicate"]);
    run("jobs --state nonsense", &["jobs", "--state", "nonsense"]);
    run("--json jobs --state nonsense", &["--json", "jobs", "--state", "nonsense"]);
    run("show nonsense", &["show", "nonsense"]);
    run("inspect unsigned.cab", &["inspect", &bad]);
    run("plan unsigned.cab --folder in", &["plan", &bad, "--folder", "in"]);
    run("plan unsigned.cab --folder nonsense", &["plan", &bad, "--folder", "nonsense"]);
    run("plan no-such.cab", &["plan", "no-such.cab"]);
    run("submit unsigned.cab", &["submit", &bad]);
    run("reload", &["reload"]);
    run("rescan", &["rescan"]);
    run("test nonsense", &["test", "nonsense"]);
    run("api product get 1", &["api", "product", "get", "1"]);
    run("run --until-idle --log-level nonsense", &["run", "--until-idle", "--log-level", "nonsense"]);
    drop(std::fs::write(env.path("dropship.toml"), "[folder\n"));
    run("check   # TOML that cannot be read", &["check"]);
    drop(std::fs::write(
        env.path("dropship.toml"),
        "nonsense = 1\n[api]\nworkers = \"many\"\n[store]\npath = \"store\"\n",
    ));
    run("check   # two mistakes", &["check"]);
    run("--json check   # two mistakes", &["--json", "check"]);
    run("run   # two mistakes", &["run"]);
    drop(std::fs::remove_file(env.path("dropship.toml")));
    run("check   # no configuration", &["check"]);
    let filters: Vec<_> = filters(&env)
        .into_iter()
        .chain([(super::literal(&bad), "<fixtures>/unsigned.cab".to_owned())])
        .collect();
    assert_recorded("exits", &filters, &seen);
}
