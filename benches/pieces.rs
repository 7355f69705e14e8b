//! Steps of a package that take micro- or milliseconds, each measured alone: `cargo bench --bench pieces`.
#![expect(clippy::expect_used, reason = "a bench ends when it cannot run")]

use std::hint::black_box;
use std::io::{Cursor, Write};
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dropship_config::{Environment, load_str};
use dropship_job::{Event, JobId, Package};
use dropship_package::{Facts, Inspection, Kind, PemFile, Policy, Trust, TrustSources, inspect_bytes};
use dropship_rules::{MatchInput, choose, find};
use dropship_store::{Commit, DiskStore, Entry, Store};

const CAB: &[u8] = include_bytes!("../crates/dropship-package/tests/fixtures/cab/good-signed.cab");
const HLKX: &[u8] = include_bytes!("../crates/dropship-package/tests/fixtures/hlkx/good.hlkx");
const ROOTS: &[u8] = include_bytes!("../crates/dropship-package/tests/fixtures/pki/roots.pem");
const INTERMEDIATES: &[u8] = include_bytes!("../crates/dropship-package/tests/fixtures/pki/inter.pem");
/// The number of hardware ids in the large INF: as many as a graphics driver has.
const MODELS: usize = 5_000;
const RULES: usize = 500;
const TESTS: usize = 5_000;

criterion_group!(pieces, verification, inf, matching, rule_tests, transition);
criterion_main!(pieces);

fn policy() -> Policy {
    let signers = Trust::from_pem(&TrustSources {
        roots: vec![PemFile { name: "roots.pem", bytes: ROOTS }],
        intermediates: vec![PemFile { name: "inter.pem", bytes: INTERMEDIATES }],
        allow_unsigned: true,
        ..TrustSources::default()
    });
    Policy { signers: signers.expect("signers"), now: jiff::Timestamp::now(), ..Policy::default() }
}

/// The whole inspection of a small signed package; the signature and its chain take most of the time.
fn verification(criterion: &mut Criterion) {
    let policy = policy();
    for (name, bytes, kind) in [("CAB", CAB, Kind::Cab), ("HLKX", HLKX, Kind::Hlkx)] {
        let signer = signed(&inspect_bytes(bytes, kind, &policy));
        assert!(signer, "the signature of the {name} was read");
        criterion.bench_function(&format!("{name} verified"), |bencher| {
            bencher.iter(|| inspect_bytes(black_box(bytes), kind, &policy));
        });
    }
}

fn signed(inspection: &Inspection) -> bool {
    inspection.facts.as_ref().is_some_and(|facts| facts.signer.is_some())
}

/// A large INF in an unsigned cabinet, so that reading the INF takes most of the time.
fn inf(criterion: &mut Criterion) {
    let (policy, text) = (policy(), inf_of(MODELS));
    let package = cabinet(text.as_bytes());
    assert_eq!(facts_of(&package, &policy).infs[0].hardware_ids.len(), MODELS);
    let mut group = criterion.benchmark_group("INF");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function(format!("{MODELS} models"), |bencher| {
        bencher.iter(|| inspect_bytes(black_box(&package), Kind::Cab, &policy));
    });
    group.finish();
}

fn inf_of(models: usize) -> String {
    let mut text = String::from(
        "[Version]\r\nSignature=\"$WINDOWS NT$\"\r\nClass=Display\r\n\
         ClassGuid={4d36e968-e325-11ce-bfc1-08002be10318}\r\nProvider=%V%\r\nDriverVer=06/01/2026,31.0.15.1\r\n\
         CatalogFile=x.cat\r\nPnpLockdown=1\r\n[Manufacturer]\r\n%V%=Models,NTamd64.10.0...16299\r\n\
         [Models.NTamd64.10.0...16299]\r\n",
    );
    for model in 0..models {
        text.push_str(&format!("%D{model}% = Install, PCI\\VEN_10DE&DEV_{model:04X}&SUBSYS_{model:08X}\r\n"));
    }
    text.push_str("[Install.NT]\r\nCopyFiles=Files\r\n[Files]\r\nx.sys\r\n[Strings]\r\nV=\"Contoso\"\r\n");
    for model in 0..models {
        text.push_str(&format!("D{model}=\"Contoso Adapter {model}\"\r\n"));
    }
    text
}

fn cabinet(inf: &[u8]) -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    builder.add_folder(cab::CompressionType::None).add_file("x.inf");
    let mut writer = builder.build(Cursor::new(Vec::new())).expect("a cabinet");
    while let Some(mut file) = writer.next_file().expect("its file") {
        file.write_all(inf).expect("written");
    }
    writer.finish().expect("ended").into_inner()
}

fn facts_of(package: &[u8], policy: &Policy) -> Facts {
    inspect_bytes(package, Kind::Cab, policy).facts.expect("facts")
}

/// Only the last of many rules matches, so all are tried. `choose` also reports why the others do not match.
fn matching(criterion: &mut Criterion) {
    let policy = policy();
    let facts = facts_of(&cabinet(inf_of(50).as_bytes()), &policy);
    let mut text = ACCOUNT.to_owned();
    for rule in 0..RULES {
        let match_ = format!(
            "provider = \"Contoso\", hardware_id = [\"pci\\\\ven_8086&dev_{rule:04x}*\", \"usb\\\\vid_{rule:04x}*\"]"
        );
        text.push_str(&format!("[[rule]]\nname = \"{rule}\"\nmatch = {{ {match_} }}\n{REST}"));
    }
    text.push_str(&format!("[[rule]]\nname = \"last\"\nmatch = {{ file = \"x*.cab\" }}\n{REST}"));
    let config =
        load_str(Path::new("dropship.toml"), &text, &Environment::default()).expect("a configuration");
    let input = MatchInput::new("x.cab", "", &facts);
    assert_eq!(find(&config.rules, &input).expect("a rule").name, "last");
    let mut group = criterion.benchmark_group(format!("{RULES} rules"));
    group.bench_function("find", |bencher| {
        bencher.iter(|| find(black_box(&config.rules), &input).map(|rule| rule.name.len()));
    });
    group.bench_function("choose", |bencher| {
        bencher.iter(|| choose(black_box(&config.rules), &input).skipped.len());
    });
    group.finish();
}

const ACCOUNT: &str = r#"
[account]
tenant_id = "t"
client_id = "c"
client_secret_file = "secret"
[store]
path = "store"
[control]
socket = "control.sock"
[signers]
roots = ["roots.pem"]
"#;
const REST: &str = r#"[rule.product]
name = "{{ file.stem }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL"]
[rule.submission]
name = "{{ file.stem }}"
"#;

/// Reading a configuration with 500 rules and 5,000 `[[test]]`s, and running them like `dropship test`.
fn rule_tests(criterion: &mut Criterion) {
    let mut text = ACCOUNT.to_owned();
    for rule in 0..RULES {
        text.push_str(&format!(
            "[[rule]]\nname = \"{rule}\"\nmatch = {{ file = \"*.cab\", provider = \"Contoso {rule}\" }}\n{REST}"
        ));
    }
    for test in 0..TESTS {
        let rule = test % RULES;
        text.push_str(&format!(
            "[[test]]\nname = \"{test}\"\n\
             package = {{ file = \"x.cab\", provider = \"Contoso {rule}\", inf = \"x.inf\", version = \"1.{test}\" }}\n\
             expect = {{ rule = \"{rule}\", product = {{ name = \"x\" }} }}\n"
        ));
    }
    let read =
        || load_str(Path::new("dropship.toml"), &text, &Environment::default()).expect("a configuration");
    let (config, now) = (read(), jiff::Timestamp::now());
    let run = || dropship_engine::rule_cases::outcomes(&config, now);
    assert_eq!(run().iter().filter(|outcome| outcome.passed).count(), TESTS);
    let mut group = criterion.benchmark_group(format!("{TESTS} tests of {RULES} rules"));
    group.sample_size(10);
    group.bench_function("read", |bencher| bencher.iter(|| read().rules.len()));
    group.bench_function("run", |bencher| bencher.iter(|| run().len()));
    group.finish();
}

/// One durable transition of one job; `cargo bench --bench store` compares it with a raw write.
fn transition(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _) = DiskStore::open(folder.path()).expect("a store");
    let job = JobId::new(1_790_000_000_000, 1);
    let package = Package {
        name: "driver.cab".into(),
        path: None,
        folder: Some("in".into()),
        sha256: "0".repeat(64),
        size: 1 << 20,
        outbox: "/out".into(),
    };
    let commit = |rev, event| {
        let entry = Entry::Job { job: job.clone(), rev, events: vec![event] };
        store.commit(Commit::new(vec![entry])).wait().expect("committed")
    };
    commit(0, Event::Arrived { package });
    let due = jiff::Timestamp::from_second(1_790_000_000).expect("a time");
    let mut rev = 0;
    criterion.bench_function("transition", |bencher| {
        bencher.iter(|| {
            rev += 1;
            let waited = || Event::Waited {
                due,
                why: dropship_job::WaitReason::Signature { workflow: None },
                polled: true,
            };
            commit(rev, if rev % 2 == 1 { waited() } else { Event::Resumed })
        });
    });
}
