//! A rule file of another author: it can set no more than folders, rules and tests, and costs little whatever it contains.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::harness::{TestEnv, text};

/// Maximum length of the output of `check`, in bytes.
const MOST: usize = 256 << 10;

/// An environment whose configuration includes this file.
fn including_env(included: &str) -> TestEnv {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let main = fs::read_to_string(&path).expect("a configuration");
    fs::write(path, format!("include = [\"rules.d/*.toml\"]\n{main}")).expect("written");
    fs::create_dir(env.path("rules.d")).expect("a folder");
    include(&env, included);
    env
}

fn include(env: &TestEnv, included: &str) {
    fs::write(env.path("rules.d/theirs.toml"), included).expect("written");
}

/// The problems and warnings that `check` reports.
fn reported_problems(env: &TestEnv) -> Vec<Value> {
    let output = env.run(&["--json", "check"]);
    assert!(output.stdout.len() < MOST, "{} bytes", output.stdout.len());
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let list = |key: &str| document[key].as_array().cloned().unwrap_or_default();
    let code = if list("problems").is_empty() { Some(0) } else { Some(78) };
    assert_eq!(output.status.code(), code, "{}", text(&output.stderr));
    [list("problems"), list("warnings")].concat()
}

fn messages(env: &TestEnv) -> String {
    reported_problems(env)
        .iter()
        .map(|problem| format!("{}\n", problem["message"].as_str().unwrap_or_default()))
        .collect()
}

#[test]
fn included_file_with_anything_but_folders_rules_and_tests_is_refused() {
    let env = including_env("");
    for (table, content) in [
        ("[[notify]]", "name = \"n\"\ncommand = [\"/bin/sh\", \"-c\", \"true\"]"),
        ("[[notify]]", "name = \"n\"\nurl = \"https://h/\""),
        ("[metrics]", "listen = \"127.0.0.1:0\""),
        ("[web]", "listen = \"127.0.0.1:0\""),
        ("[guard]", "everybody = \"allow\""),
        ("[account]", "tenant_id = \"t\""),
        ("[accounts.a]", "tenant_id = \"t\""),
        ("[api]", "workers = 1"),
        ("[store]", "path = \"x\""),
        ("[control]", "operators = [\"theirs\"]"),
        ("[signers]", "allow_unsigned = true"),
        ("[preflight]", "unsigned = \"off\""),
        ("[defaults.label]", "hold = false"),
        ("[[folders]]", "name = \"x\""),
    ] {
        include(&env, &format!("{table}\n{content}\n"));
        let refused = messages(&env);
        let name = table.trim_matches(['[', ']']).split('.').next().unwrap_or_default();
        let is_named = refused.lines().any(|line| line.contains(name));
        assert!(is_named && !refused.is_empty(), "{table}: {refused}");
        // The daemon does not start with it either.
        assert_eq!(env.run(&["run"]).status.code(), Some(78), "{table}");
    }
    for content in ["include = [\"/etc/passwd\"]", "include = []", "account = {}", "notify = []\nguard = {}"]
    {
        include(&env, content);
        assert!(!reported_problems(&env).is_empty(), "{content}");
    }
    include(&env, "");
    assert_eq!(reported_problems(&env), Vec::<Value>::new());
}

#[test]
fn included_file_that_writes_into_the_store_or_shows_another_file_is_refused() {
    let env = including_env("");
    fs::create_dir(env.path("theirs")).expect("a folder");
    let folder = |more: &str| format!("[[folder]]\nname = \"theirs\"\npath = \"../theirs\"\n{more}\n");
    for (more, part) in [
        ("outbox = \"../store\"", "the outbox is inside the store"),
        ("outbox = \"../store/packages\"", "the outbox is inside the store"),
        ("outbox = \"../theirs/../store/journal/x\"", "the outbox is inside the store"),
        ("after = \"move:../store/journal\"", "would move files into the store"),
        ("after = \"move:../store\"", "would move files into the store"),
        ("outbox = \"../theirs/out\"", "inside the drop folder"),
        ("after = \"move:../drop\"", "into the drop folder"),
    ] {
        include(&env, &folder(more));
        let found = messages(&env);
        assert!(found.contains(part), "{more}: {found}");
    }
    include(&env, &folder("outbox = \"../store/outbox/theirs\""));
    assert_eq!(reported_problems(&env), Vec::<Value>::new());

    // A link to a file that the author cannot read, but root can: an error does not show what is in it.
    let content = "root:$y$j9T$hashhash$hashhash:19000:0\nhunter2 is = the secret\npassword=hunter2\n\"hunter2\"\n[ x hunter2\n";
    for line in content.lines() {
        fs::write(env.path("private"), line).expect("a file");
        drop(fs::remove_file(env.path("rules.d/theirs.toml")));
        std::os::unix::fs::symlink(env.path("private"), env.path("rules.d/theirs.toml")).expect("a link");
        for args in [&["check"][..], &["--json", "check"], &["run"]] {
            let output = env.run(args);
            let all = text(&output.stdout) + &text(&output.stderr);
            assert!(!all.contains("hash") && !all.contains("hunter2"), "{args:?} of {line}: {all}");
        }
    }
}

/// A rule with a template as the name of its product, and a glob as its match.
fn rule(template: &str, glob: &str) -> String {
    format!(
        "[[rule]]\nname = \"theirs\"\nmatch = {{ file = {glob:?} }}\n[rule.product]\nname = {template:?}\n\
         test_harness = \"attestation\"\ndevice_type = \"internal\"\n\
         requested_signatures = [\"WINDOWS_v100_X64_CO_FULL\"]\n[rule.submission]\nname = \"x\"\n"
    )
}

#[test]
fn deep_and_long_rules_are_refused_with_a_short_message() {
    const MANY: usize = 50_000;
    let env = including_env("");
    let nested = |open: &str, close: &str| format!("a = {}1{}", open.repeat(MANY), close.repeat(MANY));
    let names = |count: usize| vec!["a"; count].join(".");
    let templates = [
        "x".repeat(4097),
        "{{ ".repeat(2000),
        format!("{{{{ {}1{} }}}}", "(".repeat(1900), ")".repeat(1900)),
        format!("{{{{ {}{} }}}}", "[".repeat(1900), "]".repeat(1900)),
        format!("{{{{ {}1 }}}}", "not ".repeat(1000)),
        format!("{}x{}", "{% if 1 %}".repeat(170), "{% endif %}".repeat(170)),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        "{% include 'theirs.toml' %}".to_owned(),
    ];
    let globs = ["*a".repeat(2049), "{".repeat(3000), format!("{}a{}", "{a,".repeat(1300), "}".repeat(190))];
    let texts = [
        nested("[", "]"),
        nested("{a=", "}"),
        format!("{} = 1", names(MANY)),
        format!("[{}]", names(MANY)),
        format!("[[{}]]", names(MANY)),
        format!("[[rule]]\nname = \"x\"\nmatch.{}.file = \"x\"", vec!["not"; MANY].join(".")),
        format!("[[rule]]\nname = \"x\"\nmatch = {}{}", "{not=".repeat(MANY), "}".repeat(MANY)),
        (1..2000).map(|depth| format!("[{}]\n", names(depth))).collect(),
        format!("{} = 1", "k".repeat(5 << 20)),
        format!("[[folder]]\nname = \"{}\"", "v".repeat(5 << 20)),
        format!("a = {}", "\"".repeat(MANY)),
        format!("a = \"\"\"{}", "\n".repeat(MANY)),
        "[[rule]]\n".repeat(MANY),
        "x = 1\n".repeat(MANY),
    ];
    let rules = templates.iter().map(|template| rule(template, "*.cab"));
    let rules = rules.chain(globs.iter().map(|glob| rule("x", glob)));
    for theirs in rules.chain(texts) {
        include(&env, &theirs);
        let found = reported_problems(&env);
        let shown: String = theirs.chars().take(200).collect();
        assert!(found.iter().any(|problem| problem["severity"] == "error"), "{shown}: {found:#?}");
        for problem in found {
            let length = problem["message"].as_str().map_or(0, str::len);
            assert!(length < 4096, "a message of {length} bytes for {shown}");
        }
        let output = env.run(&["check"]);
        assert!(output.stderr.len() + output.stdout.len() < MOST, "{shown}");
    }
}

#[test]
fn templates_that_compute_for_long_end_within_their_budget() {
    let env = including_env("");
    for template in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ ('x' * 4000) * 4000 * 4000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{% set ns = namespace(x='x') %}{% for a in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{{ range(1000000000) | list | length }}",
        "{{ 'x' | replace('', 'xxxxxxxxxxxxxxxx' * 1000) | length }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ file.stem | indent(1000000000) }}",
    ] {
        let theirs = rule(template, "*.cab");
        let case = "[[test]]\nname = \"c\"\npackage = { folder = \"in\", file = \"x.cab\" }\nexpect = { rule = \"theirs\" }\n";
        include(&env, &format!("{theirs}{case}"));
        for args in [&["check"][..], &["test"], &["run"]] {
            let output = env.run(args);
            // Killed by no signal, and with a reason.
            let code = output.status.code();
            assert!(
                code.is_some() && code != Some(0) && code != Some(101),
                "{args:?} of {template}: {code:?}"
            );
            assert!(output.stderr.len() + output.stdout.len() < MOST, "{args:?} of {template}");
        }
    }
}

#[test]
fn many_warnings_of_a_kind_are_one_with_their_number() {
    let mut theirs = String::new();
    // Each but the first can never apply.
    for number in 0..2_000 {
        let rule = rule("x", "*.cab").replace("\"theirs\"", &format!("\"r{number}\""));
        theirs.write_str(&rule).expect("a string grows");
    }
    let env = including_env(&theirs);
    let found = reported_problems(&env);
    let warnings: Vec<_> = found.iter().filter(|problem| problem["severity"] == "warning").collect();
    assert!((1..20).contains(&warnings.len()), "{} warnings: {warnings:#?}", warnings.len());
    let counts =
        |problem: &&&Value| problem["message"].as_str().is_some_and(|text| text.contains("more like this"));
    assert!(warnings.iter().any(|problem| counts(&problem)), "{warnings:#?}");
    for args in [&["check"][..], &["test"]] {
        let output = env.run(args);
        assert!(output.stderr.len() + output.stdout.len() < MOST, "{args:?}");
    }
}
