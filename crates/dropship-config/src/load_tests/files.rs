//! Files that include others, and files that cannot be read.

use std::path::Path;

use super::environment;
use crate::load;

#[test]
fn included_files_are_sorted_and_hold_parts_alone() {
    let home = tempfile::tempdir().expect("scratch");
    let put = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    let rule = |name: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\nmatch = {{ file = \"{name}.cab\" }}\n[rule.product]\nname = \"{{{{ inf.version }}}}\"\n\
             test_harness = \"attestation\"\ndevice_type = \"internal\"\nrequested_signatures = \"WINDOWS_v100_X64_CO_FULL\"\n"
        )
    };
    put("dropship.toml", &format!("include = [\"rules.d/*.toml\", \"nothing/*.toml\"]\n{}", rule("main")));
    put("rules.d/20-b.toml", &rule("b"));
    put("rules.d/10-a.toml", &format!("[[folder]]\nname = \"f\"\npath = \"drop\"\n{}", rule("a")));
    put("rules.d/.hidden.toml", "nonsense");
    put("rules.d/readme.txt", "nonsense");
    let path = home.path().join("dropship.toml");
    let config = load(&path, &environment()).unwrap_or_else(|report| panic!("{report}"));
    let names: Vec<_> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["main", "a", "b"]);
    assert_eq!(config.folders[0].path, home.path().join("rules.d/drop"));
    assert_eq!(config.files.len(), 3);
    assert_eq!(config.warnings.problems.len(), 1);
    assert!(config.warnings.to_string().contains("no file fits `nothing/*.toml`"), "{}", config.warnings);

    put("rules.d/20-b.toml", &format!("[api]\nworkers = 1\n{}", rule("a")));
    put("rules.d/30-c.toml", "include = \"x\"\n[[rule]]\nname = 3\n");
    let report = load(&path, &environment()).expect_err("wrong");
    let reported: Vec<_> = report
        .problems
        .iter()
        .map(|problem| {
            let file = problem.file.file_name().expect("name").to_string_lossy().into_owned();
            format!("{file}:{} {}", problem.line, problem.message)
        })
        .collect();
    assert_eq!(
        reported,
        [
            "dropship.toml:1 no file fits `nothing/*.toml`",
            "20-b.toml:1 `[api]` is not allowed in an included file",
            "20-b.toml:4 there are two rules named `a`",
            "20-b.toml:4 rules `a` and `a` match the same packages",
            "30-c.toml:1 `include` is not allowed in an included file",
            "30-c.toml:2 `product` is missing",
            "30-c.toml:3 expected a string, found integer `3`",
        ]
    );
}

#[test]
fn unreadable_files_are_reported() {
    let home = tempfile::tempdir().expect("scratch");
    let reported = |path: &Path| load(path, &environment()).expect_err("unreadable").to_string();
    assert!(reported(&home.path().join("none.toml")).contains("cannot be read: No such file"));
    assert!(reported(home.path()).contains("not a regular file"));
    let latin = home.path().join("latin.toml");
    std::fs::write(&latin, b"# \xe4\n").expect("file");
    assert!(reported(&latin).contains("is not UTF-8: byte 2 belongs to no character"));
}

#[test]
fn included_file_that_cannot_be_read_is_an_error_and_a_folder_is_not() {
    let home = tempfile::tempdir().expect("scratch");
    std::fs::write(home.path().join("dropship.toml"), "include = [\"rules.d/*.toml\"]\n").expect("file");
    std::fs::create_dir_all(home.path().join("rules.d/folder.toml")).expect("a folder");
    for (name, target, why) in [
        ("gone.toml", "/nonexistent/a.toml", "No such file"),
        ("endless.toml", "/dev/zero", "not a regular file"),
    ] {
        let link = home.path().join("rules.d").join(name);
        std::os::unix::fs::symlink(target, &link).expect("a link");
        let report =
            load(&home.path().join("dropship.toml"), &environment()).expect_err("an error").to_string();
        assert!(report.contains(name) && report.contains(why), "{report}");
        assert!(!report.contains("folder.toml"), "{report}");
        std::fs::remove_file(link).expect("removed");
    }
}
