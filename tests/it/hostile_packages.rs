//! Packages that are arranged to cost much: each is rejected with a clear reason, and other folders continue.

use std::io::{Cursor, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use self::kits::signer::{KitSigner, Parts};
use crate::harness::{TestDaemon, TestEnv, bytes, text, wait_for};

#[path = "../../crates/dropship-package/src/tests/kits/mod.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are other crates, and include it")]
mod kits;

#[path = "../../crates/dropship-package/src/tests/cabinets_signed/mod.rs"]
#[expect(unreachable_pub, reason = "the tests of the library are another crate, and include it")]
mod cabinets_signed;

const GOOD: &str = "cab/good-signed-ts.cab";
const GOOD_KIT: &str = "hlkx/good.hlkx";

/// Name of the file, its bytes, and a part of the reason.
pub(crate) type Hostile = (&'static str, Vec<u8>, &'static str);

/// A kit package with changed parts.
fn kit(of: &str, change: impl Fn(&str, &mut Vec<u8>), method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes(of))).expect("an archive");
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).expect("an entry");
        let name = part.name().expect("a name").into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).expect("content");
        change(&name, &mut content);
        parts.push((name, content));
    }
    archive_of(&parts, method)
}

fn archive_of(parts: &Parts, method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        writer.start_file(name.as_str(), options).expect("started");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

/// Packages with a valid signature.
pub(crate) struct Signed {
    /// All that are rejected. A kit package that is sound matches no rule.
    pub(crate) rejected: Vec<Hostile>,
    /// Those that are accepted, and cost much.
    pub(crate) accepted: Vec<(&'static str, Vec<u8>)>,
    /// The certificate of their signer as a PEM file.
    pub(crate) certificate: String,
    /// Settings with which everything that is wrong in a kit package is an error.
    pub(crate) settings: &'static str,
}

/// Makes the packages.
pub(crate) fn signed() -> Signed {
    let signer = KitSigner::new();
    let deflated = zip::CompressionMethod::Deflated;
    let packed = |(name, parts, reason): kits::hostile::Hostile| {
        (name, archive_of(&parts, deflated), reason.unwrap_or("No rule is for this package"))
    };
    let mut signed = Signed {
        rejected: kits::hostile::kits(&signer, false).into_iter().map(packed).collect(),
        accepted: Vec::new(),
        certificate: signer.pem(),
        settings: "[preflight]\nhlkx-signer-not-rsa = \"off\"\nhlkx-no-info = \"error\"\n",
    };
    for (name, cabinet, reason) in cabinets_signed::hostile::cabinets(&signer, 16) {
        match reason {
            Some(reason) => signed.rejected.push((name, cabinet, reason)),
            None => signed.accepted.push((name, cabinet)),
        }
    }
    signed
}

/// Changes the text of the signature part.
fn signature(from: &str, to: &str) -> Vec<u8> {
    let change = |name: &str, content: &mut Vec<u8>| {
        if name.ends_with(".psdsxs") {
            let original = text(content);
            *content = original.replacen(from, to, 1).into_bytes();
            assert_ne!(text(content), original, "{from}");
        }
    };
    kit(GOOD_KIT, change, zip::CompressionMethod::Deflated)
}

/// A cabinet without compression and signature that has one file.
fn cabinet(name: &str, content: &[u8]) -> Vec<u8> {
    let u32s = |values: &[usize]| -> Vec<u8> {
        values.iter().flat_map(|value| u32::try_from(*value).expect("small").to_le_bytes()).collect()
    };
    let u16s = |values: &[usize]| -> Vec<u8> {
        values.iter().flat_map(|value| u16::try_from(*value).expect("small").to_le_bytes()).collect()
    };
    let blocks: Vec<_> = content.chunks(1 << 15).collect();
    let file =
        [u32s(&[content.len(), 0]), u16s(&[0, 0x5a21, 0x6000, 0x20]), name.as_bytes().to_vec(), vec![0]]
            .concat();
    let data_at = 44 + file.len();
    let data = blocks
        .iter()
        .flat_map(|block| [u32s(&[0]), u16s(&[block.len(), block.len()]), block.to_vec()].concat());
    let folder = [u32s(&[data_at]), u16s(&[blocks.len(), 0])].concat();
    let body: Vec<u8> = [folder, file].concat().into_iter().chain(data).collect();
    let sizes = u32s(&[0, 36 + body.len(), 0, 44, 0]);
    [b"MSCF".to_vec(), sizes, vec![3, 1], u16s(&[1, 1, 0, 0, 0]), body].concat()
}

/// A cabinet with an INF that ends with these lines.
fn inf(lines: &str) -> Vec<u8> {
    let head = "[Version]\nSignature=\"$WINDOWS NT$\"\nClass=System\nClassGuid={4d36e97d-e325-11ce-bfc1-08002be10318}\n\
                Provider=Contoso\nDriverVer=01/02/2024,1.2.3.4\n[Manufacturer]\nM=Std,NTamd64\n[Std.NTamd64]\nD=I,ROOT\\ECHO\n";
    cabinet("Echo\\echo.inf", format!("{head}{lines}").as_bytes())
}

/// The packages.
pub(crate) fn packages() -> Vec<Hostile> {
    let deflated = zip::CompressionMethod::Deflated;
    let good = bytes(GOOD_KIT);
    let mut comment = [&good[..], b"more"].concat();
    let at = good.len() - 2;
    comment[at] = 4;
    let bomb = |name: &str, content: &mut Vec<u8>| {
        if name.ends_with("PackageInfo.xml") {
            *content = vec![b' '; 90 << 20];
        }
    };
    let origin = |name: &str, content: &mut Vec<u8>| {
        if name.ends_with(".psdsor") {
            content.push(1);
        }
    };
    // Without a signature the description is read as well.
    let nested = |name: &str, content: &mut Vec<u8>| {
        if name.ends_with("PackageInfo.xml") {
            let [open, close] = ["<Codes>".repeat(100), "</Codes>".repeat(100)];
            let codes: String = (0..40_000).map(|number| format!("<Code Name=\"W{number}\"/>")).collect();
            *content =
                format!("<Package><ProductInstance>{open}{codes}{close}</ProductInstance></Package>").into();
        }
    };
    let long = format!("[Strings]\ns=\"{}\"\n", "y".repeat(2_000_000));
    vec![
        // Each value would keep room for the whole string.
        ("strings.cab", inf(&format!("{long}[x]\n{}", "a=%s%\n".repeat(3_000))), "not signed"),
        ("catalogs.cab", inf(&format!("[Version]\n{}", "CatalogFile=a.cat\n".repeat(20_000))), "not signed"),
        ("comment.hlkx", comment, "it has a comment"),
        ("bomb.hlkx", kit(GOOD_KIT, bomb, deflated), "unpacks to more than"),
        ("origin.hlkx", kit(GOOD_KIT, origin, deflated), "is not empty"),
        ("object.hlkx", signature("</Signature>", "<Object Id=\"x\"/></Signature>"), "does not cover"),
        ("nested.hlkx", kit("hlkx/unsigned.hlkx", nested, deflated), "not signed"),
        ("value.hlkx", signature("<SignatureValue>g", "<SignatureValue>h"), "does not fit"),
    ]
}

/// Runs the binary with little memory.
fn with_little_memory(env: &TestEnv, args: &[&str]) -> Command {
    let dropship = env.command(args);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -v 4000000; exec \"$@\"", "sh"])
        .arg(dropship.get_program())
        .args(dropship.get_args());
    limited
}

#[test]
fn hostile_packages_are_rejected_with_reasons_and_stop_no_other_folder() {
    let env = TestEnv::new();
    let path = env.path("dropship.toml");
    let config = std::fs::read_to_string(&path).expect("a configuration");
    let other = "[[folder]]\nname = \"hostile\"\npath = \"hostile\"\noutbox = \"out\"\n[signers]";
    std::fs::write(&path, config.replacen("[signers]", other, 1)).expect("written");
    std::fs::create_dir(env.path("hostile")).expect("a folder");
    let packages = packages();
    for (name, package, reason) in &packages {
        let file = env.path("hostile").join(name);
        std::fs::write(&file, package).expect("written");
        let file = file.to_str().expect("a path");
        let inspected = with_little_memory(&env, &["inspect", file]).output().expect("it runs");
        assert_eq!(inspected.status.code(), Some(65), "{name}: {}", text(&inspected.stderr));
        let printed = text(&inspected.stdout);
        assert!(printed.contains(reason), "{name}: {printed}");
        assert_eq!(env.run(&["plan", file, "--folder", "hostile"]).status.code(), Some(65), "{name}");
    }
    env.drop_package("echo.cab", &bytes(GOOD));
    let log = std::fs::File::create(env.path("daemon.log")).expect("a log");
    let daemon = with_little_memory(&env, &["run", "--until-idle"]).stderr(log).spawn().expect("it starts");
    assert_eq!(TestDaemon { child: daemon }.wait(), Some(0), "{}", env.log());
    let receipts = env.receipts();
    let states = |state: &str| receipts.iter().filter(|receipt| receipt["state"] == state).count();
    assert_eq!((states("rejected"), states("succeeded")), (packages.len(), 1), "{receipts:#?}");
}

/// Writes a cabinet without signature that is this long, mostly a hole. Its inspection reads all of it.
fn long_cabinet(path: &Path, length: u32) {
    let mut cabinet = bytes("cab/unsigned.cab");
    cabinet[8..12].copy_from_slice(&length.to_le_bytes());
    std::fs::write(path, cabinet).expect("written");
    let file = std::fs::OpenOptions::new().write(true).open(path).expect("opened");
    file.set_len(u64::from(length)).expect("a hole");
}

/// The number of inspections that have started, by the journal of the store.
fn inspections_started(env: &TestEnv) -> usize {
    let segments = std::fs::read_dir(env.path("store/journal")).into_iter().flatten().flatten();
    let content = |segment: std::fs::DirEntry| std::fs::read(segment.path()).unwrap_or_default();
    segments
        .map(|segment| String::from_utf8_lossy(&content(segment)).matches("inspection_started").count())
        .sum()
}

#[test]
fn daemon_stopped_during_a_long_inspection_ends_and_inspects_again_at_the_next_start() {
    let env = TestEnv::new();
    long_cabinet(&env.path("long.cab"), 200 << 20);
    std::fs::rename(env.path("long.cab"), env.path("drop/long.cab")).expect("dropped");
    // More often than the number of crashes after which a package is held.
    for _ in 0..4 {
        let before = inspections_started(&env);
        let daemon = env.daemon(&[]);
        let inspecting = || (inspections_started(&env) > before || !env.receipts().is_empty()).then_some(());
        wait_for("an inspection", inspecting).unwrap_or_else(|| panic!("{}", env.log()));
        assert_eq!(daemon.terminate(), Some(0), "{}", env.log());
    }
    assert_eq!(env.daemon(&["--until-idle"]).wait(), Some(0), "{}", env.log());
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "rejected", "{receipt:#}\n{}", env.log());
    assert!(receipt["error"]["message"].to_string().contains("not signed"), "{receipt:#}");
}

/// Interrupts a command once it reads its package, and returns how it ended.
fn interrupt(command: &mut Command) -> ExitStatus {
    let mut child = command.stdout(Stdio::null()).spawn().expect("it starts");
    let io = format!("/proc/{}/io", child.id());
    let is_reading = || {
        let counters = std::fs::read_to_string(&io).ok()?;
        let read = counters.lines().find_map(|line| line.strip_prefix("rchar: "))?;
        (read.parse::<u64>().ok()? > 16 << 20).then_some(())
    };
    wait_for("reading", is_reading).expect("it reads");
    let sent = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    wait_for("its end", || child.try_wait().expect("asked")).expect("it ends")
}

#[test]
fn inspect_and_plan_end_with_an_interrupt() {
    let env = TestEnv::new();
    long_cabinet(&env.path("long.cab"), 4_000_000_000);
    let file = env.path("long.cab");
    for command in ["inspect", "plan"] {
        // On a busy machine it can end before the signal is sent; one that ignores the signal always does.
        let ended = (0..20).map(|_| interrupt(env.command(&[command]).arg(&file)));
        let statuses: Vec<_> = ended.take_while(|status| status.signal() != Some(2)).collect();
        assert!(statuses.len() < 20, "{command}: {statuses:?}");
    }
}
