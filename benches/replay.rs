//! `plan --replay` of many remembered packages, without a daemon: time and memory of the command.
//!
//! `cargo bench --bench replay`; `DROPSHIP_REPLAY=500` sets the number of packages. The limits are 10 s and 200 MiB for 10,000.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench reports, and ends when it cannot run")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use dropship_config::{Config, Environment, load};
use dropship_engine::package_store::PlanSnapshot;
use dropship_hardware::{Bundle, DriverMetadata, InfMetadata, PnpInfo};
use dropship_job::{ErrorKind, Event, Fault, JobId, Package};
use dropship_package::facts::{FileFact, InfFacts};
use dropship_package::{Facts, Kind};
use dropship_rules::vars::Vars;
use dropship_rules::{MatchInput, Planning, plan_package};
use dropship_store::{Commit, DiskStore, Entry, Store};
use nix::sys::resource::{UsageWho, getrusage};

/// Number of rules; each package is of the last one.
const RULES: usize = 50;
/// Number of hardware ids of a package, as many as an audio driver has.
const MODELS: usize = 60;
/// Number of packages in one commit.
const BATCH: usize = 200;

fn main() {
    let count = std::env::var("DROPSHIP_REPLAY").map_or(10_000, |count| count.parse().expect("a number"));
    let home = tempfile::tempdir().expect("a folder");
    let config = configuration(home.path(), "");
    let rules = load(&config, &Environment::default()).expect("a configuration");
    fill(&home.path().join("store"), &rules, count);
    replay("unchanged", &config, Some(0));
    let narrowed = configuration(home.path(), "[rule.label.hardware_ids]\nexclude = ['*dev_0001*']\n");
    replay("one key changed", &narrowed, Some(2));
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage").max_rss() / 1024;
    println!("{count} packages, {RULES} rules, {MODELS} hardware ids each: at most {memory} MiB");
}

fn replay(name: &str, config: &Path, expected: Option<i32>) {
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropship"));
    let done =
        command.arg("--config").arg(config).args(["plan", "--replay"]).output().expect("the command runs");
    let output = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), expected, "{output}");
    println!("replay, {name}: {:.2} s", started.elapsed().as_secs_f64());
}

/// Writes a configuration whose last rule ends with `more`.
fn configuration(home: &Path, more: &str) -> std::path::PathBuf {
    let mut text = String::from(
        "account = { tenant_id = \"t\", client_id = \"c\", client_secret_file = \"secret\" }\n\
         store = { path = \"store\" }\ncontrol = { socket = \"control.sock\" }\n\
         folder = [{ name = \"audio\", path = \"drop\" }]\n",
    );
    for rule in 1..=RULES {
        let provider = if rule == RULES { "Contoso*".to_owned() } else { format!("Vendor {rule}, *") };
        write!(
            text,
            "[[rule]]\nname = \"rule {rule}\"\nmatch = {{ file = \"*.cab\", provider = \"{provider}\" }}\n\
             [rule.product]\nname = \"{{{{ inf.provider }}}} {{{{ inf.stem }}}} {{{{ inf.version }}}}\"\n\
             test_harness = \"attestation\"\ndevice_type = \"internal\"\n\
             requested_signatures = [\"WINDOWS_v100_X64_CO_FULL\", \"WINDOWS_v100_X64_NI_FULL\"]\n\
             [[rule.label]]\nname = \"{{{{ inf.stem }}}} {{{{ inf.version }}}} ring\"\n\
             destination = \"windows_update\"\naudiences = [\"Test Registry Key\"]\ngo_live = \"+7d\"\n"
        )
        .expect("a string grows");
    }
    text.push_str(more);
    let path = home.join("dropship.toml");
    fs::write(&path, text).expect("a configuration");
    path
}

/// Fills a store with ended jobs, their plans and driver metadata.
fn fill(home: &Path, config: &Config, count: u32) {
    let (store, _) = DiskStore::open(home).expect("a store");
    let mut entries = Vec::new();
    for number in 0..count {
        let facts = facts(number);
        let package = Package {
            name: format!("audio-{number}.cab"),
            path: None,
            folder: Some("audio".to_owned()),
            sha256: format!("{number:064x}"),
            size: 1,
            outbox: "out".to_owned(),
        };
        let input = MatchInput::new(&package.name, &package.sha256, &facts).in_folder(Some("audio"));
        let planned = plan_package(&config.rules, &input, Planning::at(jiff::Timestamp::now()));
        let plan = planned.plan.expect("a plan");
        let id = JobId::new(1_790_000_000_000 + u64::from(number), number);
        let folder = home.join("packages").join(id.as_str());
        fs::create_dir_all(&folder).expect("a folder");
        let metadata = serde_json::to_vec(&metadata(&facts)).expect("JSON");
        fs::write(folder.join("driver-metadata.json"), metadata).expect("metadata");
        let (rule, account) = (plan.rule.clone(), plan.account.clone());
        let snapshot = PlanSnapshot { facts, plan, vars: Vars::default(), planning: Some(planned.planning) };
        let text = serde_json::to_vec(&snapshot).expect("JSON");
        fs::write(folder.join("dossier.json"), &text).expect("a plan");
        let accepted = Event::Accepted {
            rule,
            account,
            plan: dropship_engine::digest::of(&text),
            content: None,
            labels: Vec::new(),
            warnings: Vec::new(),
            vars: Vars::default(),
        };
        let failed = Event::Failed { fault: Fault::new(ErrorKind::RuleUnfit, "for the bench") };
        let events = vec![Event::Arrived { package }, accepted, failed];
        entries.push(Entry::Job { job: id, rev: 0, events });
        if entries.len() == BATCH || number + 1 == count {
            store.commit(Commit::new(std::mem::take(&mut entries))).wait().expect("committed");
        }
    }
}

fn facts(number: u32) -> Facts {
    let file = |index: usize| FileFact {
        path: format!("x64/file{index}.sys"),
        size: 1,
        machine: Some("amd64".to_owned()),
    };
    let inf = InfFacts {
        path: "audio.inf".to_owned(),
        name: "audio.inf".to_owned(),
        stem: "audio".to_owned(),
        provider: Some("Contoso".to_owned()),
        class: Some("MEDIA".to_owned()),
        version: Some(format!("1.0.0.{number}")),
        hardware_ids: (0..MODELS)
            .map(|model| format!(r"PCI\VEN_8086&DEV_{model:04X}&SUBSYS_00011028"))
            .collect(),
        descriptions: vec!["Contoso Audio".to_owned()],
        architectures: std::iter::once("amd64".to_owned()).collect(),
        ..InfFacts::default()
    };
    Facts {
        kind: Kind::Cab,
        size: 1,
        files: (0..30).map(file).collect(),
        infs: vec![inf],
        architectures: std::iter::once("amd64".to_owned()).collect(),
        signer: None,
        hlkx: None,
        content_sha256: None,
    }
}

fn metadata(facts: &Facts) -> DriverMetadata {
    let mut metadata = DriverMetadata::default();
    let mut info = InfMetadata::default();
    for os in ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"] {
        let ids = facts.infs[0].hardware_ids.iter().map(|id| (id.to_lowercase(), PnpInfo::default()));
        info.os_pnp.insert(os.to_owned(), ids.collect());
    }
    let mut bundle = Bundle::default();
    bundle.infs.insert("audio.inf".to_owned(), info);
    metadata.bundles.insert("0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(), bundle);
    metadata
}
