//! `docs/checks.md`: the reference of all checks, generated from their registry in `dropship-package`.

use dropship_package::{CheckInfo, Level, Policy};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/checks.md");

const HEAD: &str = "\
# Checks

Every check that dropship makes on a package. `dropship inspect FILE` runs them without sending anything; `dropship plan FILE` adds the
checks that need a rule. A finding names its check in brackets: `error: … [root-files]`.

To change the level of a check, name it in the configuration:

```toml with-rule
[preflight]
cert-not-ev = \"error\"        # reject the package
inf-pnp-lockdown = \"off\"     # do not check
```

| level | effect |
|---|---|
| `error` | the package is rejected and never sent |
| `warn` | shown and logged; the package is sent |
| `info` | shown; the package is sent |
| `off` | not checked |

A level marked *fixed* cannot be changed: dropship never sends a package that is incomplete or whose signature it cannot verify. Some checks
report a milder case of the same fault as a warning; their line says so.

Sources that end in `.md` are pages of Microsoft's [windows-driver-docs](https://github.com/MicrosoftDocs/windows-driver-docs); the others are
specifications and tools. `own rule` is a rule of dropship.

<!-- Generated from crates/dropship-package/src/checks/registry.rs: run `UPDATE=1 cargo test --lib the_page_of_checks`. -->
";

/// The page as the registry defines it.
fn fresh() -> String {
    let mut page = HEAD.to_owned();
    let mut group = "";
    for check in Policy::known_checks() {
        if check.group != group {
            group = check.group;
            page.push_str(&format!(
                "\n## {group}\n\n| check | level | what it means | what to change | source |\n|---|---|---|---|---|\n"
            ));
        }
        page.push_str(&line(check));
    }
    page
}

fn line(check: &CheckInfo) -> String {
    let level = match check.level {
        Level::Off => "off",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let fixed = if check.fixed { ", fixed" } else { "" };
    let CheckInfo { name, meaning, remedy, source, .. } = check;
    format!("| `{name}` | {level}{fixed} | {meaning} | {remedy} | {source} |\n")
}

/// Run with `UPDATE=1` to write the file again.
#[test]
fn the_page_of_checks_is_fresh() {
    let fresh = fresh();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PATH, &fresh).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(kept == fresh, "docs/checks.md is stale: run `UPDATE=1 cargo test --lib the_page_of_checks`");
}
