//! The page of one package: facts, results to download, and the approval of a label on hold.

use super::client::Site;
use crate::harness::{bytes, text, wait_for};

#[test]
fn page_of_a_package_offers_its_results_while_they_are_in_the_outbox() {
    let site = Site::new();
    let env = &site.env;
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let receipt = env.wait_for_end();
    assert_eq!(receipt["state"], "succeeded", "{}", env.log());
    let id = receipt["id"].as_str().expect("an id");
    let page = site.get(&format!("/packages/{id}"));
    let shown = page.text();
    let product = receipt["product_id"].as_str().expect("a product");
    for part in [
        "echo.cab",
        id,
        product,
        "succeeded",
        "test ring",
        "echo.inf",
        "Request for the product",
        "receipt.json",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains(crate::harness::SECRET) && !shown.contains("partner.microsoft.com"), "{shown}");
    let files = page.links(&format!("/packages/{id}/files/"));
    assert!(files.len() >= 3, "{files:?}");
    for file in receipt["files"].as_array().expect("files") {
        let name = file["name"].as_str().expect("a name");
        let answer = site.get(&format!("/packages/{id}/files/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.body.len() as u64, file["size"].as_u64().expect("a size"), "{name}");
        let disposition = answer.header("content-disposition").expect("a disposition");
        assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let head = site.request("HEAD", &format!("/packages/{id}/files/{name}"), "");
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    for name in [
        "..%2f..%2fstore",
        "%2e%2e",
        "secret",
        "signed.zip%00",
        "receipt.json%2f..",
        ".dropship",
        "nothing.zip",
    ] {
        assert_eq!(site.get(&format!("/packages/{id}/files/{name}")).status, 404, "{name}");
    }
    let outbox = std::path::PathBuf::from(receipt["outbox"].as_str().expect("an outbox"));
    std::fs::remove_file(outbox.join("signed.zip")).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", outbox.join("signed.zip")).expect("a link");
    assert_eq!(site.get(&format!("/packages/{id}/files/signed.zip")).status, 404, "a link is not followed");
    let later = site.get(&format!("/packages/{id}")).text();
    assert!(later.contains("is no longer in the outbox"), "{later}");
    site.stop();
}

#[test]
fn held_label_shows_the_request_and_the_command() {
    let rule = "[[rule.label]]\nname = \"<b>retail</b> {{ file.stem }}\"\ndestination = \"windows_update\"\nhold = true\n\
                audiences = [\"Test Registry Key\"]\n";
    let site = Site::with(rule, "");
    let env = &site.env;
    env.drop_package("echo.cab", &bytes("cab/good-signed-ts.cab"));
    let held = wait_for("a hold", || {
        let jobs = env.json(&["jobs", "--state", "held"]);
        jobs[0]["id"].as_str().map(str::to_owned)
    });
    let id = held.unwrap_or_else(|| panic!("{}", env.log()));
    let shown = env.json(&["show", &id]);
    let command = shown["approval"][0]["command"].as_str().expect("a command");
    let page = site.get(&format!("/packages/{id}")).text();
    let escaped = command.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    assert!(page.contains(&escaped), "{escaped}: {page}");
    assert!(page.contains("&lt;b&gt;retail&lt;/b&gt; echo") && !page.contains("<b>retail"), "{page}");
    let overview = site.get("/").text();
    assert!(overview.contains("Waiting for a decision") && overview.contains(&id), "{overview}");
    let output = env.command(&["approve", &id]).output().expect("it ran");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let done = wait_for("the end", || {
        site.get(&format!("/packages/{id}")).text().contains(">succeeded<").then_some(())
    });
    assert!(done.is_some(), "{}", env.log());
    site.stop();
}
