//! `docs/checks.md`: the reference of all checks, generated from their registry in `dropship-package`.

use dropship_package::{CheckInfo, Level, Policy};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/checks.md");

const HEAD: &str = "\
# Checks

This page lists every check that dropship makes on a package. `dropship inspect FILE` runs the checks, and `dropship plan FILE` also those that
need a rule; neither command sends anything. Each finding in the output of these commands ends with the name of the check in brackets:
`error: … [root-files]`.

To change the level of a check, name it in the configuration:

```toml with-rule
[preflight]
cert-not-ev = \"error\"        # reject the package
inf-pnp-lockdown = \"off\"     # do not check
```

| level | effect |
|---|---|
| `error` | the package is rejected and never sent |
| `warn` | the finding is shown and logged, and does not stop the package |
| `info` | the finding is shown, and does not stop the package |
| `off` | the check is not made |

The *trust store* is what `[signers]` names: roots (with `system_roots`, also those of the machine), intermediate certificates, timestamp
roots, thumbprints and CRLs. The *requested signatures*, the *test harness* and the labels are those of the rule.

A level marked *fixed* cannot be changed, because the package cannot be read safely, or its signature or signer is not trusted. `[signers]` decides
which signers are trusted, and whether unsigned packages are accepted. Some checks report the milder cases of a fault only as a warning, even if
their level is `error`. The table names these cases.

The column *source* says where a check comes from. Names that end in `.md` are pages of Microsoft's
[windows-driver-docs](https://github.com/MicrosoftDocs/windows-driver-docs). `own rule` is a rule of dropship. The other names are
specifications, tools and error messages of the dashboard.

<!-- Generated from crates/dropship-package/src/checks/registry.rs: run `UPDATE=1 cargo test --lib the_page_of_checks`. -->
";

/// The page as the registry defines it.
fn generated() -> String {
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
    let generated = generated();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PATH, &generated).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(kept == generated, "docs/checks.md is stale: run `UPDATE=1 cargo test --lib the_page_of_checks`");
}
