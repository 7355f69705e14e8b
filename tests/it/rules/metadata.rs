//! Microsoft's driver metadata: ceilings, byte order marks, and hardware ids that come later.

use std::collections::BTreeSet;
use std::fs;

use dropship_sandbox::{Options, Quirks, Wait};
use serde_json::{Value, json};

use super::running::{bodies, edit, receipt_of, wait_for_daemon};
use crate::harness::rules::{LABEL, RULE, RuleFixture};
use crate::harness::{TestEnv, bytes, fixture, text, wait_for};

/// Metadata of one INF for two systems; the id has this ceiling.
fn metadata(ceiling: &Value) -> Value {
    let device =
        json!({"Manufacturer": "m", "DeviceDescription": "d", "FeatureScore": 255, "CeilingOsCode": ceiling});
    let devices = json!({"pci\\ven_1af4&dev_1000&subsys_00011af4": device});
    json!({"BundleInfoMap": {"b1": {"Locales": null, "InfInfoMap": {"echo.inf": {
        "InfClass": "Net", "DriverVersion": "1.2.3.4", "Provider": "Contoso", "ExtensionId": null,
        "OSPnPInfoMap": {"WINDOWS_v100_X64_CO_FULL": devices, "WINDOWS_v100_X64_NI_FULL": devices},
    }}}}})
}

/// Waits until the submission of the one job is in the manual review, which the test releases.
fn submission_in_review(env: &TestEnv) -> u64 {
    let submission = wait_for("the submission in review", || {
        let receipt = env.receipts().pop()?;
        let is_in_review = receipt["workflow"]["step"] == "manualReview";
        receipt["submission_id"].as_str().filter(|_| is_in_review)?.parse().ok()
    });
    submission.unwrap_or_else(|| panic!("no submission in review: {}", env.log()))
}

#[test]
fn metadata_ceilings_are_shown_by_inspect_and_plan_and_warned_of() {
    let fixture_of = RuleFixture::new(&format!("{RULE}{LABEL}"));
    let package = fixture("cab/good-signed-ts.cab");
    let package = package.to_str().expect("a path");
    for (ceiling, mark, warns) in [
        (json!("WINDOWS_v100_X64_CO_FULL"), "\u{feff}", true),
        (json!("WINDOWS_v100_X64_26H1_FULL"), "", false),
        (json!("CO"), "", true),
        (json!("WINDOWS_v100_X64_QQ_FULL"), "", false),
    ] {
        fixture_of.write("driver-metadata.json", &format!("{mark}{}", metadata(&ceiling)));
        let file = fixture_of.path("driver-metadata.json");
        let file = file.to_str().expect("a path");
        let word = ceiling.as_str().expect("a text");
        let printed = text(&fixture_of.run(&["inspect", file]).stdout);
        assert!(printed.contains("echo.inf: Contoso Net 1.2.3.4, bundle b1"), "{printed}");
        assert!(printed.contains(&format!("subsys_00011af4, ceiling {word}")), "{printed}");
        let (code, shown) = fixture_of.json(&["inspect", file]);
        let devices = &shown[0]["metadata"]["BundleInfoMap"]["b1"]["InfInfoMap"]["echo.inf"]["OSPnPInfoMap"];
        let device = &devices["WINDOWS_v100_X64_NI_FULL"]["pci\\ven_1af4&dev_1000&subsys_00011af4"];
        assert_eq!((code, &device["CeilingOsCode"]), (Some(0), &ceiling));

        let plan = ["plan", package, "--folder", "in", "--metadata", file];
        let printed = text(&fixture_of.run(&plan).stdout);
        assert!(
            printed.contains(&format!(
                "WINDOWS_v100_X64_NI_FULL pci\\ven_1af4&dev_1000&subsys_00011af4, ceiling {word}"
            )),
            "{printed}"
        );
        assert_eq!(printed.contains("above its ceiling"), warns, "{word}: {printed}");
        let (_, plan) = fixture_of.json(&plan);
        let foreseen = &plan["labels"][0]["foreseen"];
        assert_eq!(foreseen["ceilings"][1]["ceiling"], ceiling, "{foreseen:#}");
        assert_eq!(foreseen["request"]["targeting"]["hardwareIds"][0]["bundleId"], "b1");
        assert_eq!(foreseen["warnings"].to_string().contains("above its ceiling"), warns, "{foreseen:#}");
    }
}

#[test]
fn file_that_is_not_metadata_is_refused() {
    let fixture_of = RuleFixture::new(&format!("{RULE}{LABEL}"));
    fixture_of.write("page.json", "<html>sign in</html>");
    let file = fixture_of.path("page.json");
    let output = fixture_of.run(&["inspect", file.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(65), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("driver metadata"), "{}", text(&output.stderr));
}

#[test]
fn metadata_with_mark_and_ceilings_that_come_later_lead_to_the_complete_label() {
    let quirks = Quirks::parse("metadata-bom,ceiling-os-code,incomplete-metadata").expect("quirks");
    let env = TestEnv::with(quirks, "");
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    let state = env.sandbox.control().state();
    let targets = state["products"][0]["submissions"][0]["labels"][0]["targeting"]["hardwareIds"].to_string();
    assert!(targets.contains("WINDOWS_v100_X64_CO_FULL"), "the first metadata lack this system: {targets}");
    // The receipt lists the file that was completed.
    let folder = std::path::PathBuf::from(receipt["outbox"].as_str().expect("a folder"));
    let file = std::fs::read(folder.join("driver-metadata.json")).expect("the metadata");
    let listed = receipt["files"]
        .as_array()
        .expect("files")
        .iter()
        .find(|file| file["name"] == "driver-metadata.json");
    assert_eq!(listed.expect("listed")["size"], file.len());
    assert!(String::from_utf8_lossy(&file).contains("WINDOWS_v100_X64_CO_FULL"));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn metadata_completed_during_a_hold_are_fetched_again_after_approval() {
    let options = Options { speed: 1200.0, review: Wait::UntilReleased, ..Options::default() };
    let env = TestEnv::at(options, "");
    let control = env.sandbox.control();
    let daemon = env.daemon(&[]);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let submission = submission_in_review(&env);
    assert!(control.incomplete_metadata(submission, true));
    assert!(control.release(submission));
    let held = wait_for("the hold", || env.receipts().pop().filter(|receipt| receipt["state"] == "held"));
    let held = held.unwrap_or_else(|| panic!("the job is not held: {}", env.log()));
    assert_eq!(held["error"]["kind"], "label-unfit", "{held:#}");
    assert!(env.log().contains("the driver metadata lack WINDOWS_v100_X64_CO_FULL"), "{}", env.log());
    assert!(control.incomplete_metadata(submission, false));
    let approved = env.run(&["approve", held["id"].as_str().expect("an id")]);
    assert!(approved.status.success(), "{}", text(&approved.stderr));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{receipt:#}\n{}", env.log());
    assert_eq!(env.created(), (1, 1, 1));
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn metadata_that_lack_an_inf_hold_the_job_before_its_labels() {
    let options = Options { speed: 1200.0, review: Wait::UntilReleased, ..Options::default() };
    let env = TestEnv::at(options, "");
    edit(&env, &[("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}")]);
    let control = env.sandbox.control();
    let daemon = env.daemon(&[]);
    env.drop_package("multi.cab", &bytes("cab/multi.cab"));
    let submission = submission_in_review(&env);
    assert!(control.incomplete_metadata(submission, true));
    assert!(control.release(submission));
    let held = receipt_of_kind(&env, "metadata-mismatch");
    let message = held["error"]["message"].as_str().expect("a message");
    assert!(message.contains("that the driver metadata lack: `driver"), "{message}");
    assert!(message.contains("that the package lacks: none"), "{message}");
    assert_eq!(env.created().2, 0);
    // The approval is for these metadata; the complete ones need none.
    assert!(control.incomplete_metadata(submission, false));
    assert!(env.run(&["approve", held["id"].as_str().expect("an id")]).status.success());
    receipt_of(&env, "multi.cab", "succeeded");
    let targets = targets(&bodies(&env, "create_label")[0]);
    let infs: BTreeSet<_> = targets.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(infs, BTreeSet::from(["driver1.inf", "driver2.inf"]), "{targets:?}");
    drop(daemon);
}

/// The targets of a request as received: INF and hardware id.
fn targets(request: &Value) -> Vec<String> {
    let rows = request["targeting"]["hardwareIds"].as_array().expect("rows");
    let shown = |row: &Value| {
        format!("{} {}", row["infId"].as_str().expect("an INF"), row["pnpString"].as_str().expect("an id"))
    };
    let mut rows: Vec<_> = rows.iter().map(shown).collect();
    rows.sort();
    rows
}

#[test]
fn label_is_created_from_the_stored_metadata_and_not_from_the_outbox() {
    let env = TestEnv::with(Quirks::none(), "");
    edit(
        &env,
        &[("audiences = [\"Test Registry Key\"]", "audiences = [\"Test Registry Key\"]\nhold = true")],
    );
    let daemon = env.daemon(&[]);
    wait_for_daemon(&env);
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = receipt_of(&env, "echo.cab", "held");
    let job = held["id"].as_str().expect("an id");
    let outbox =
        env.path("out").join(held["outbox"].as_str().expect("a folder")).join("driver-metadata.json");
    let original = fs::read_to_string(&outbox).expect("metadata");
    fs::write(&outbox, original.replace("ven_1234", "ven_9999")).expect("changed");
    // The stored copy is what counts, and only if it is the one that was downloaded.
    let stored = env.path("store/packages").join(job).join("driver-metadata.json");
    assert_eq!(fs::read_to_string(&stored).expect("a copy"), original);
    fs::write(&stored, original.replace("ven_1234", "ven_8888")).expect("changed");
    assert!(env.run(&["approve", job]).status.success());
    let lost = receipt_of_kind(&env, "metadata-lost");
    assert!(
        lost["error"]["message"].as_str().is_some_and(|why| why.contains("not the file that was downloaded"))
    );
    assert_eq!(env.created().2, 0);
    fs::write(&stored, original).expect("restored");
    assert!(env.run(&["approve", job]).status.success());
    receipt_of(&env, "echo.cab", "succeeded");
    let sent = bodies(&env, "create_label");
    assert_eq!(targets(&sent[0]), ["echo.inf pci\\ven_1234&dev_5678&subsys_00011234&rev_01"]);
    drop(daemon);
}

/// Waits until the only job is held for this reason.
fn receipt_of_kind(env: &TestEnv, kind: &str) -> Value {
    wait_for(kind, || {
        env.receipts()
            .into_iter()
            .find(|receipt| receipt["state"] == "held" && receipt["error"]["kind"] == kind)
    })
    .unwrap_or_else(|| panic!("{:#?}\n{}", env.receipts(), env.log()))
}

/// The rule and a label for .hlkx packages, with targets by hardware id.
fn kit_rules() -> String {
    let label = LABEL.replace("{{ inf.version }} ", "");
    format!("{RULE}{label}hardware_ids = {{ exclude = ['*_dead'] }}\n")
        .replace("*.cab", "*.hlkx")
        .replace("attestation", "hlk")
        .replace("{{ inf.provider }} {{ file.stem }} {{ inf.version }}", "{{ file.stem }}")
}

#[test]
fn outbox_folder_stands_for_its_driver_metadata_in_plan_and_test() {
    let case = "[[test]]\nname = \"exact\"\npackage = { folder = \"in\", file = \"good.hlkx\", signer = \"x\" }\nmetadata = \"PLACE\"\n\
                expect = { label = { hardware_ids = [{ bundle_id = \"b1\", pnp_string = \"pci\\\\ven_1af4*\" }, { operating_system_code = \"*_NI_*\" }] } }\n";
    let package = fixture("hlkx/good.hlkx");
    let package = package.to_str().expect("a path");
    for place in [
        "echo-1a2b3c4d",
        "echo-1a2b3c4d/",
        "echo-1a2b3c4d/receipt.json",
        "echo-1a2b3c4d/driver-metadata.json",
    ] {
        let fixture_of = RuleFixture::new(&format!("{}{}", kit_rules(), case.replace("PLACE", place)));
        fs::create_dir(fixture_of.path("echo-1a2b3c4d")).expect("a folder");
        fixture_of.write("echo-1a2b3c4d/receipt.json", "{}");
        fixture_of.write("echo-1a2b3c4d/driver-metadata.json", &metadata(&Value::Null).to_string());
        let output = fixture_of.run(&["test"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{place}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        let from = fixture_of.path(place);
        let (code, plan) = fixture_of.json(&[
            "plan",
            package,
            "--folder",
            "in",
            "--metadata",
            from.to_str().expect("a path"),
        ]);
        assert_eq!(code, Some(0), "{plan:#}");
        let targets = &plan["labels"][0]["foreseen"]["request"]["targeting"]["hardwareIds"];
        assert_eq!(targets.as_array().map(Vec::len), Some(2), "{plan:#}");
        assert_eq!(targets[0]["bundleId"], "b1");
    }
}

#[test]
fn metadata_that_cannot_be_used_are_refused_with_the_reason() {
    let fixture_of = RuleFixture::new(&kit_rules());
    fs::create_dir(fixture_of.path("unsigned")).expect("a folder");
    fixture_of.write("unsigned/receipt.json", "{}");
    fixture_of.write("page.json", "<html>");
    let pipe = fixture_of.path("pipe");
    let status = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(status.success());
    let large = fs::File::create(fixture_of.path("large.json")).expect("a file");
    large.set_len(33 << 20).expect("a length");
    let package = fixture("hlkx/good.hlkx");
    for (place, part) in [
        ("unsigned", "has no driver-metadata.json; it appears there once Microsoft has signed"),
        ("unsigned/receipt.json", "has no driver-metadata.json"),
        ("nothing", "cannot read"),
        ("pipe", "is neither a file nor a folder"),
        ("large.json", "has more than 33554432 bytes"),
        ("page.json", "page.json: "),
    ] {
        let from = fixture_of.path(place);
        let args = ["plan", package.to_str().expect("a path"), "--metadata", from.to_str().expect("a path")];
        let output = fixture_of.run(&args);
        assert!(!output.status.success(), "{place}");
        assert!(text(&output.stderr).contains(part), "{place}: {}", text(&output.stderr));
        let case = format!(
            "[[test]]\nname = \"x\"\npackage = {{ file = \"x.hlkx\" }}\nmetadata = \"{place}\"\nexpect = {{ rule = \"ring\" }}\n"
        );
        let config = fs::read_to_string(fixture_of.path("dropship.toml")).expect("a configuration");
        fixture_of.write("with-case.toml", &format!("{config}{case}"));
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dropship"));
        let output = command
            .arg("--config")
            .arg(fixture_of.path("with-case.toml"))
            .arg("test")
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(78), "{place}");
        assert!(text(&output.stderr).contains(part), "{place}: {}", text(&output.stderr));
    }
}
