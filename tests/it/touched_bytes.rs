//! The bytes of a large package are read twice, while it is captured and while it is uploaded, and written once at most. A job
//! syncs the disk a limited number of times.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{TestDaemon, TestEnv, bytes, wait_for};
use dropship_sandbox::{Options, Quirks};

const INF: &str = "[Version]\r\nSignature=\"$WINDOWS NT$\"\r\nClass=System\r\n\
    ClassGuid={4d36e97d-e325-11ce-bfc1-08002be10318}\r\nProvider=%P%\r\nCatalogFile=d.cat\r\n\
    DriverVer=06/21/2025,1.2.3.4\r\nPnpLockdown=1\r\n[Manufacturer]\r\n%P%=M,NTamd64.10.0...19041\r\n\
    [M.NTamd64.10.0...19041]\r\n%D%=I,PCI\\VEN_1&DEV_2\r\n[Strings]\r\nP=\"Contoso\"\r\nD=\"Device\"\r\n";

/// Size of the file in the package whose content is not inspected.
const LARGE: usize = 24 << 20;

/// A cabinet without compression and without a signature, whose INF and driver are behind a large file.
fn large_cabinet() -> Vec<u8> {
    let mut driver = b"MZ".to_vec();
    driver.resize(60, 0);
    driver.extend_from_slice(&64u32.to_le_bytes());
    driver.extend_from_slice(b"PE\0\0\x64\x86");
    let files: [(&str, Vec<u8>); 5] = [
        ("Drv\\large.bin", (0..LARGE).map(|at| (at % 251) as u8).collect()),
        ("Drv\\d.inf", INF.as_bytes().to_vec()),
        ("Drv\\d.sys", driver),
        ("Drv\\d.pdb", vec![1]),
        ("Drv\\d.cat", vec![1]),
    ];
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, content) in &files {
        for number in [content.len(), data.len()] {
            entries.extend_from_slice(&u32::try_from(number).expect("small").to_le_bytes());
        }
        entries.extend_from_slice(&[0; 8]);
        entries.extend_from_slice(name.as_bytes());
        entries.push(0);
        data.extend_from_slice(content);
    }
    let blocks: Vec<&[u8]> = data.chunks(0x8000).collect();
    let data_at = 36 + 8 + entries.len();
    let length = data_at + blocks.len() * 8 + data.len();
    let four = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let two = |number: usize| u16::try_from(number).expect("small").to_le_bytes();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend_from_slice(&four(length));
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&four(44));
    out.extend_from_slice(&[0, 0, 0, 0, 3, 1, 1, 0]);
    out.extend_from_slice(&two(files.len()));
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&four(data_at));
    out.extend_from_slice(&two(blocks.len()));
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&entries);
    for block in blocks {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&two(block.len()));
        out.extend_from_slice(&two(block.len()));
        out.extend_from_slice(block);
    }
    out
}

/// What a process has read and written so far, sockets included.
fn read_counters(daemon: &TestDaemon) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{}/io", daemon.child.id())).expect("counters");
    let of = |name: &str| {
        let number = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        number.unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    (of("rchar:"), of("wchar:"))
}

/// How often the bytes of a large package were read and written from its arrival to the end of its upload, in hundredths. The
/// folders `drop` and `store` are below `place`.
fn passes(place: &str) -> (u64, u64) {
    // Signing takes longer than the test: the results of the job are not counted.
    let env = TestEnv::at(Options { speed: 1.0, ..Options::default() }, "");
    passes_in(&env, place)
}

fn passes_in(env: &TestEnv, place: &str) -> (u64, u64) {
    env.edit_configuration("[signers]", "[signers]\nallow_unsigned = true");
    env.edit_configuration("path = \"drop\"", &format!("path = \"{place}drop\""));
    env.edit_configuration("path = \"store\"", &format!("path = \"{place}store\""));
    let _was_there = fs::create_dir(env.path(&format!("{place}drop"))).is_err();
    let package = large_cabinet();
    let staged = env.path(&format!("{place}drop/large.cab.part"));
    fs::write(&staged, &package).expect("a copy");
    let daemon = env.quiet_daemon();
    wait_for("the daemon", || env.path("control.sock").exists().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let before = read_counters(&daemon);
    fs::rename(&staged, env.path(&format!("{place}drop/large.cab"))).expect("a rename");
    wait_for("the package to be uploaded", || {
        env.receipts().into_iter().find(|receipt| receipt["step"] == "sign")
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()));
    let after = read_counters(&daemon);
    let share = |bytes: u64| bytes * 100 / package.len() as u64;
    (share(after.0 - before.0), share(after.1 - before.1))
}

#[test]
fn large_package_is_read_twice_and_copied_once_at_most() {
    let (read, written) = passes("");
    println!("copied: read {read} %, written {written} %");
    assert!((199..=205).contains(&read), "captured with its inspection, and uploaded: {read} %");
    // The upload is written to a socket.
    assert!((100..=205).contains(&written), "copied, and uploaded: {written} %");
}

#[test]
fn root_large_package_is_not_copied_where_the_file_system_clones() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it mounts a file system, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    let make = ["/usr/sbin/mkfs.xfs", "/sbin/mkfs.xfs"].into_iter().find(|path| Path::new(path).exists());
    let make = make.expect("mkfs.xfs, of the package xfsprogs");
    let env = TestEnv::at(Options { speed: 1.0, ..Options::default() }, "");
    let (image, disk) = (env.path("disk.img"), env.path("disk"));
    fs::create_dir(&disk).expect("a folder");
    fs::File::create(&image).and_then(|file| file.set_len(600 << 20)).expect("an image");
    let run = |program: &str, args: &[&Path]| {
        let output = Command::new(program).args(args).output().expect("it runs");
        assert!(output.status.success(), "{program} {args:?}: {output:?}");
    };
    run(make, &[Path::new("-q"), Path::new("-m"), Path::new("reflink=1"), &image]);
    run("mount", &[Path::new("-o"), Path::new("loop"), &image, &disk]);
    let (read, written) = passes_in(&env, "disk/");
    run("umount", &[Path::new("-l"), &disk]);
    println!("cloned: read {read} %, written {written} %");
    assert!((199..=205).contains(&read), "read for its digest, and uploaded: {read} %");
    assert!((100..=105).contains(&written), "only uploaded: {written} %");
}

#[test]
fn root_job_with_one_label_syncs_the_disk_24_times_at_most() {
    if std::env::var_os("DROPSHIP_ROOT_TESTS").is_none() {
        eprintln!("not run: it traces another process, which needs root; set DROPSHIP_ROOT_TESTS=1");
        return;
    }
    // Failed calls are repeated, and each is an event; so is each step of the service that a poll finds. The service signs and
    // publishes within a third of a second, and the second poll of each comes seconds later. So no machine needs a third poll.
    let env = TestEnv::at(Options { speed: 12_000.0, quirks: Quirks::none(), ..Options::default() }, "");
    env.edit_configuration("{ first = \"50ms\", max = \"200ms\" }", "{ first = \"3s\", max = \"5s\" }");
    let daemon = env.quiet_daemon();
    wait_for("the daemon", || env.path("control.sock").exists().then_some(()))
        .unwrap_or_else(|| panic!("{}", env.log()));
    let trace = env.path("trace");
    let mut tracer = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,renameat,renameat2", "-o"])
        .arg(&trace)
        .args(["-p", &daemon.child.id().to_string()])
        .spawn()
        .expect("strace is installed");
    let is_traced = || {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).ok()?;
        (!status.contains("TracerPid:\t0\n")).then_some(())
    };
    wait_for("the tracer", is_traced).expect("it is traced");
    env.drop_package("echo.cab", &bytes("cab/good-signed.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}");
    let journal: u64 = fs::read_dir(env.path("store/journal"))
        .expect("segments")
        .flatten()
        .map(|segment| {
            fs::read(segment.path()).expect("read").iter().filter(|byte| **byte != 0).count() as u64
        })
        .sum();
    assert!(Command::new("kill").arg(tracer.id().to_string()).status().expect("kill runs").success());
    tracer.wait().expect("it ended");
    let text = fs::read_to_string(&trace).expect("a trace");
    let calls = || text.lines().filter(|line| !line.contains("resumed>"));
    let syncs = calls().filter(|line| line.contains("sync")).count();
    let versions =
        calls().filter(|line| line.contains("renameat") && line.contains("\"receipt.json\"")).count();
    // No version is longer than the last one.
    let folder =
        fs::read_dir(env.path("out")).expect("an outbox").flatten().next().expect("a folder of results");
    let receipts =
        versions as u64 * fs::metadata(folder.path().join("receipt.json")).expect("a receipt").len();
    println!("syncs: {syncs}, journal: {journal} bytes, receipts: {receipts} bytes");
    assert!((12..=24).contains(&syncs), "{syncs} syncs:\n{text}");
    assert!(versions > 2, "{text}");
    assert!(journal < 32 << 10, "{journal} bytes");
    assert!(journal + receipts < 64 << 10, "{journal} and {receipts} bytes");
}
