//! Inspects packages: `cargo run -p dropship-package --example inspect -- ROOTS.pem PACKAGE…`.
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]

use std::error::Error;
use std::fs::File;
use std::path::Path;

use dropship_package::{Kind, PemFile, Policy, Trust, TrustSources, Verdict, inspect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let roots = arguments.next().ok_or("usage: inspect ROOTS.pem PACKAGE…")?;
    let bytes = std::fs::read(&roots)?;
    let signers = Trust::from_pem(&TrustSources {
        roots: vec![PemFile { name: &roots, bytes: &bytes }],
        ..TrustSources::default()
    })?;
    let policy = Policy { signers, now: jiff::Timestamp::now(), ..Policy::default() };
    let mut all_accepted = true;
    for package in arguments {
        let kind = Kind::of_name(&package).ok_or("a package is a .cab or an .hlkx")?;
        let inspection = inspect(&File::open(Path::new(&package))?, kind, &policy)?;
        println!("{package}: {:?}", inspection.verdict);
        for finding in &inspection.findings {
            println!("  {:?} {}: {}", finding.level, finding.check, finding.message);
        }
        if let Some(facts) = inspection.facts {
            for inf in facts.infs {
                let text = |value: Option<String>| value.unwrap_or_else(|| "?".to_owned());
                println!("  {} {} by {}", inf.path, text(inf.version), text(inf.provider));
            }
        }
        all_accepted &= inspection.verdict == Verdict::Accept;
    }
    if all_accepted { Ok(()) } else { Err("not every package was accepted".into()) }
}
