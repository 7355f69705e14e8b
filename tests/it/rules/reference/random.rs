//! Random cases from small alphabets, so that rules match often and globs nearly match.

use super::glob::fold;
use super::model::{Case, Condition, Filter, Inf, Label, Package, Row, Rule, Target, Wanted};
use crate::harness::Random;

/// OS codes: name, architecture, whether it is a server, and its place in the order of releases.
pub(super) const OS_CODES: [(&str, &str, bool, u32); 9] = [
    ("WINDOWS_v100_RS1_FULL", "x86", false, 2),
    ("WINDOWS_v100_X64_RS1_FULL", "x64", false, 2),
    ("WINDOWS_v100_X64_RS5_FULL", "x64", false, 6),
    ("WINDOWS_v100_X64_CO_FULL", "x64", false, 10),
    ("WINDOWS_v100_X64_NI_FULL", "x64", false, 11),
    ("WINDOWS_v100_ARM64_CO_FULL", "arm64", false, 10),
    ("WINDOWS_v100_ARM64_NI_FULL", "arm64", false, 11),
    ("WINDOWS_v100_SERVER_X64_RS1_FULL", "x64", true, 2),
    ("WINDOWS_v100_SERVER_X64_RS5_FULL", "x64", true, 6),
];

pub(super) const FOLDERS: [&str; 2] = ["audio", "net"];
const STEMS: [&str; 8] = ["echo", "Echo-1.2", "straße", "ΣΑΣ", "x[1]", "a{b}", "K2 é", "no,comma"];
const PROVIDERS: [&str; 6] = ["Contoso", "CONTOSO Ltd", "Fabrikam", "Straße AG", "ſ Kelvin", "A/B"];
const CLASSES: [&str; 3] = ["MEDIA", "Net", "System"];
const GUIDS: [&str; 2] = ["{4d36e96c-e325-11ce-bfc1-08002be10318}", "{4D36E972-E325-11CE-BFC1-08002BE10318}"];
const VERSIONS: [&str; 6] = ["1.0.0.1", "1.2.3.4", "1.10.0.0", "2.0.0.0", "10.0.1.0", "2.0"];
const DATES: [&str; 4] = ["2025-12-31", "2026-01-01", "2026-06-15", "2026-11-01"];
const INFS: [&str; 4] = ["echo.inf", "Echo2.inf", "net_x.inf", "ß.inf"];
const IDS: [&str; 7] = [
    r"PCI\VEN_8086&DEV_1234",
    r"PCI\VEN_8086&DEV_1235&SUBSYS_00011028",
    r"pci\ven_10de&dev_0001",
    r"USB\VID_045E&PID_00CB",
    r"ACPI\INT33A1",
    r"ROOT\[x]",
    r"HDAUDIO\FUNC_01&VEN_{10EC}",
];
const WORDS: [&str; 5] = ["Contoso Audio", "Contoso Audio Pro", "Gerät 1", "Device [x]", "Ω meter"];
const SIGNERS: [&str; 3] = ["Contoso Corp", "Fabrikam, Inc.", "STRAẞE"];
const ARCHITECTURES: [&str; 4] = ["x86", "amd64", "arm64", "arm"];
const FILES: [&str; 4] = ["echo.sys", "x64/echo.sys", "ARM64/Echo.cat", "readme.txt"];
const BUNDLES: [&str; 2] = ["amd64", "0f8fad5b-d9cb-469f-a165-70867728950e"];

impl Random {
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("an index")]
    }

    pub(super) fn some(&mut self, of: &[&str], percent: u64) -> Vec<String> {
        let chosen: Vec<_> =
            of.iter().filter(|_| self.chance(percent)).map(|text| (*text).to_owned()).collect();
        if chosen.is_empty() { vec![self.one(of).to_owned()] } else { chosen }
    }
}

/// A whole case.
pub(super) fn case(random: &mut Random) -> Case {
    let package = package(random);
    let rows = rows(random, &package);
    let count = 1 + random.below(4);
    let rules = (0..count).map(|index| rule(random, index, &package)).collect();
    Case { rules, package, rows }
}

fn package(random: &mut Random) -> Package {
    let is_cab = random.chance(75);
    let count = if is_cab { 1 + random.below(3) } else { 0 };
    let mut names = INFS.to_vec();
    let infs = (0..count)
        .map(|_| {
            let name = names.remove(usize::try_from(random.below(names.len() as u64)).expect("an index"));
            inf(random, name)
        })
        .collect();
    Package {
        folder: random.one(&FOLDERS).to_owned(),
        file: format!("{}.{}", random.one(&STEMS), if is_cab { "cab" } else { "hlkx" }),
        is_cab,
        signer: random.one(&SIGNERS).to_owned(),
        architectures: if is_cab { random.some(&ARCHITECTURES, 30) } else { Vec::new() },
        files: if is_cab { random.some(&FILES, 40) } else { Vec::new() },
        infs,
        operating_systems: if is_cab { Vec::new() } else { random.some(&OS_CODES.map(|code| code.0), 20) },
    }
}

fn inf(random: &mut Random, name: &str) -> Inf {
    let maybe = |random: &mut Random, of: &[&str]| {
        let value = random.one(of).to_owned();
        (!random.chance(10)).then_some(value)
    };
    Inf {
        name: name.to_owned(),
        provider: maybe(random, &PROVIDERS[..3]).or_else(|| maybe(random, &PROVIDERS)),
        class: maybe(random, &CLASSES),
        class_guid: maybe(random, &GUIDS),
        version: maybe(random, &VERSIONS),
        date: maybe(random, &DATES),
        is_extension: random.chance(15),
        hardware_ids: random.some(&IDS, 30),
        manufacturers: random.some(&PROVIDERS, 20),
        descriptions: random.some(&WORDS, 30),
    }
}

/// The driver metadata: of every INF some hardware ids for some systems.
fn rows(random: &mut Random, package: &Package) -> Vec<Row> {
    let unknown = [INFS[0].to_owned()];
    let infs: Vec<&String> = if package.is_cab {
        package.infs.iter().map(|inf| &inf.name).collect()
    } else {
        unknown.iter().collect()
    };
    let mut rows = Vec::new();
    for bundle in random.some(&BUNDLES, 60) {
        for inf in &infs {
            for os in random.some(&OS_CODES.map(|code| code.0), 35) {
                for hardware_id in random.some(&IDS, 30) {
                    rows.push(Row {
                        target: Target {
                            bundle: bundle.clone(),
                            inf: (*inf).clone(),
                            os: os.clone(),
                            hardware_id,
                        },
                        description: random.one(&WORDS).to_owned(),
                    });
                }
            }
        }
    }
    rows
}

pub(super) fn rule(random: &mut Random, index: u64, package: &Package) -> Rule {
    // A `not` in which INFs are compared needs a package that has some.
    let conditions = (0..random.below(3)).map(|_| condition(random, package, 80)).collect::<Vec<_>>();
    let not = (0..random.below(3)).map(|_| vec![condition(random, package, 30)]).collect();
    Rule {
        name: format!("rule {index}"),
        folders: if random.chance(30) { random.some(&FOLDERS, 40) } else { Vec::new() },
        conditions: without_repeats(conditions),
        not,
        filter: filter(random),
        device_type: "internal",
        label: Label::default(),
    }
}

fn without_repeats(conditions: Vec<Condition>) -> Vec<Condition> {
    let mut kept: Vec<Condition> = Vec::new();
    for condition in conditions {
        if kept.iter().all(|other| other.key != condition.key) {
            kept.push(condition);
        }
    }
    kept
}

/// A condition that this package meets with about this likelihood.
pub(super) fn condition(random: &mut Random, package: &Package, percent: u64) -> Condition {
    let stems = STEMS.map(|stem| format!("{stem}.{}", if package.is_cab { "cab" } else { "hlkx" }));
    let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
    let near = random.chance(percent);
    let first = package.infs.first();
    let pool: [(&'static str, Vec<&str>, Option<&str>); 16] = [
        ("file", stems, Some(package.file.as_str())),
        ("kind", vec!["cab", "hlkx"], Some(if package.is_cab { "cab" } else { "hlkx" })),
        ("signer", SIGNERS.to_vec(), Some(package.signer.as_str())),
        ("contains", FILES.to_vec(), package.files.first().map(String::as_str)),
        ("architecture", ARCHITECTURES.to_vec(), package.architectures.first().map(String::as_str)),
        (
            "operating_system",
            OS_CODES.map(|code| code.0).to_vec(),
            package.operating_systems.first().map(String::as_str),
        ),
        ("provider", PROVIDERS.to_vec(), first.and_then(|inf| inf.provider.as_deref())),
        ("class", CLASSES.to_vec(), first.and_then(|inf| inf.class.as_deref())),
        ("class_guid", GUIDS.to_vec(), first.and_then(|inf| inf.class_guid.as_deref())),
        ("version", VERSIONS.to_vec(), first.and_then(|inf| inf.version.as_deref())),
        ("date", DATES.to_vec(), first.and_then(|inf| inf.date.as_deref())),
        ("extension", vec!["true", "false"], None),
        ("inf", INFS.to_vec(), first.map(|inf| inf.name.as_str())),
        ("hardware_id", IDS.to_vec(), first.and_then(|inf| inf.hardware_ids.first()).map(String::as_str)),
        (
            "manufacturer",
            PROVIDERS.to_vec(),
            first.and_then(|inf| inf.manufacturers.first()).map(String::as_str),
        ),
        ("description", WORDS.to_vec(), first.and_then(|inf| inf.descriptions.first()).map(String::as_str)),
    ];
    let at = usize::try_from(random.below(pool.len() as u64)).expect("an index");
    let (key, values, own) = &pool[at];
    let count = 1 + random.below(2);
    let generated = (0..count).map(|nth| {
        let value = own.filter(|_| near && nth == 0).unwrap_or_else(|| random.one(values));
        match *key {
            "extension" => Wanted::Flag(value == "true"),
            // The other kind would contradict the product; `check` reports unknown architectures.
            "kind" => Wanted::Glob(if package.is_cab { "cab" } else { "hlkx" }.to_owned()),
            "architecture" => Wanted::Glob(value.to_uppercase()),
            "version" | "date" if random.chance(60) => range(random, values),
            "version" | "date" | "class_guid" => Wanted::Glob(value.to_owned()),
            _ => Wanted::Glob(glob(random, value)),
        }
    });
    let mut values: Vec<_> = generated.collect();
    if *key == "extension" {
        values.truncate(1);
    }
    Condition { key, values }
}

fn range(random: &mut Random, values: &[&str]) -> Wanted {
    let bound = |random: &mut Random| Some(random.one(values).to_owned());
    match random.below(3) {
        0 => Wanted::Range(bound(random), None),
        1 => Wanted::Range(None, bound(random)),
        _ => Wanted::Range(bound(random), bound(random)),
    }
}

pub(super) fn filter(random: &mut Random) -> Filter {
    let globs = |random: &mut Random, percent, of: &[&str]| -> Vec<String> {
        if !random.chance(percent) {
            return Vec::new();
        }
        (0..=random.below(2))
            .map(|_| {
                let value = random.one(of);
                glob(random, value)
            })
            .collect()
    };
    Filter {
        include: globs(random, 50, &IDS),
        exclude: globs(random, 30, &IDS),
        operating_systems: globs(random, 30, &OS_CODES.map(|code| code.0)),
        infs: globs(random, 15, &INFS),
        bundles: globs(random, 10, &BUNDLES),
        descriptions: globs(random, 15, &WORDS),
        lowest_os_only: random.chance(30),
    }
}

/// A glob that matches a text, or nearly.
fn glob(random: &mut Random, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut glob = String::new();
    let mut at = 0;
    let mut braces = false;
    while at < chars.len() {
        let c = chars[at];
        match random.below(24) {
            0 => {
                glob.push('*');
                at += usize::try_from(random.below(4)).expect("a length");
                continue;
            }
            1 => glob.push('?'),
            2 if c.is_ascii_alphanumeric() => {
                let negated = random.one(&["!", "^"]);
                let other = if c.eq_ignore_ascii_case(&'q') { 'z' } else { 'q' };
                glob.push_str(&format!("[{negated}{other}]"));
            }
            3 if c.is_ascii_lowercase() => glob.push_str(if c <= 'm' { "[a-m]" } else { "[n-z]" }),
            4 if c.is_ascii_digit() => glob.push_str("[0-9]"),
            5 if !braces => {
                // A choice, of which one is the next characters of the text.
                braces = true;
                let end = (at + 1 + usize::try_from(random.below(3)).expect("a length")).min(chars.len());
                let own: String = chars[at..end].iter().map(|c| literal(*c, true)).collect();
                let other = random.one(&["", "x", "ab*", "?"]);
                let (one, two) =
                    if random.chance(50) { (own.as_str(), other) } else { (other, own.as_str()) };
                glob.push_str(&format!("{{{one},{two}}}"));
                at = end;
                continue;
            }
            6 => glob.push_str(&literal(swapped(c), false)),
            // A character that does not match.
            7 if random.chance(15) => glob.push('~'),
            _ => glob.push_str(&literal(c, false)),
        }
        at += 1;
    }
    // These would be MiniJinja's.
    if ["{{", "{%", "{#"].iter().any(|mark| glob.contains(mark)) || glob.is_empty() {
        return text.chars().map(|c| literal(c, false)).collect();
    }
    glob
}

/// A character of a glob that matches itself only.
fn literal(c: char, in_braces: bool) -> String {
    match c {
        '*' | '?' | '[' | ']' | '{' | '}' => format!("[{c}]"),
        ',' if in_braces => "[,]".to_owned(),
        c => c.to_string(),
    }
}

/// The character in another case that folds to the same one.
fn swapped(c: char) -> char {
    let candidates = [c.to_uppercase().next(), c.to_lowercase().next()];
    let other = candidates.into_iter().flatten().find(|other| *other != c);
    other.filter(|other| fold(*other) == fold(c)).unwrap_or(c)
}
