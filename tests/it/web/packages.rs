//! The list of packages against `dropship jobs --json`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Site;
use crate::harness::{bytes, wait_for};
use crate::storm::PackageTemplate;

/// The ids of the packages of a file, in its order.
fn list_file(site: &Site, query: &str) -> Vec<String> {
    let answer = site.get(&format!("/packages.json?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let list: Value = serde_json::from_slice(&answer.body).expect("JSON");
    ids(&list)
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
}

/// What the page with the same query links to, in its order.
fn list_page(site: &Site, query: &str) -> Vec<String> {
    let answer = site.get(&format!("/packages?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let links = answer.links("/packages/").into_iter();
    links.map(|link| link.trim_start_matches("/packages/").to_owned()).collect()
}

#[test]
fn filters_orders_and_files_agree_with_the_jobs() {
    let more = "[[folder]]\nname = \"other\"\npath = \"other\"\nsettle = \"200ms\"\npoll = \"1s\"\nsame_content = \"take\"\n";
    let site = Site::with(more, "trusted_header = \"X-User\"");
    let env = &site.env;
    std::fs::create_dir(env.path("other")).ok();
    let template = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let hostile = "=<img src=x onerror=alert(1)>\u{202e}&.cab";
    for number in 0..12 {
        env.drop_package(&format!("echo-{number:02}.cab"), &template.package(number));
    }
    env.drop_package(hostile, &template.package(100));
    env.drop_package("unsigned.cab", &bytes("cab/unsigned.cab"));
    // Other bytes: files with the same ones share a job, under the name of the first.
    env.drop_package("none.hlkx", b"not a package");
    let is_over = || {
        let jobs = env.json(&["jobs"]);
        let list = jobs.as_array()?;
        let has_ended =
            |job: &Value| ["succeeded", "rejected"].contains(&job["state"].as_str().unwrap_or_default());
        (list.len() >= 15 && list.iter().all(has_ended)).then(|| jobs.clone())
    };
    let jobs = wait_for("the jobs", is_over).unwrap_or_else(|| panic!("{}", env.log()));
    let all = ids(&jobs);
    wait_for("the rows", || (list_file(&site, "size=500") == all).then_some(())).unwrap_or_else(|| {
        panic!("{:?} is not {all:?}", list_file(&site, "size=500"));
    });
    for (query, arguments) in [
        ("state=succeeded", vec!["--state", "succeeded"]),
        ("state=rejected", vec!["--state", "rejected"]),
        ("state=held", vec!["--state", "held"]),
        ("folder=in", vec!["--folder", "in"]),
        ("rule=ring", vec!["--rule", "ring"]),
        ("package=echo-0*.cab", vec!["--package", "echo-0*.cab"]),
        ("package=ECHO-1?.cab&state=succeeded", vec!["--package", "ECHO-1?.cab", "--state", "succeeded"]),
    ] {
        let expected = ids(&env.json(&[&["jobs"], arguments.as_slice()].concat()));
        assert_eq!(list_file(&site, &format!("{query}&page=all")), expected, "{query}");
        assert_eq!(list_page(&site, &format!("{query}&size=500")), expected, "{query}");
    }
    let of = |condition: &dyn Fn(&Value) -> bool| {
        ids(&Value::Array(
            jobs.as_array().expect("a list").iter().filter(|job| condition(job)).cloned().collect(),
        ))
    };
    let product = jobs
        .as_array()
        .expect("a list")
        .iter()
        .find_map(|job| job["product_id"].as_str())
        .expect("a product");
    assert_eq!(list_file(&site, &format!("q={product}")), of(&|job| job["product_id"] == product));
    assert_eq!(list_file(&site, "q=ECHO-03"), of(&|job| job["package"] == "echo-03.cab"));
    // INF facts are read soon after the package was accepted.
    let accepted = of(&|job| job["accepted"] == true);
    let found = || list_file(&site, "q=ECHO.inf&size=500");
    let has_all = || accepted.iter().all(|id| found().contains(id)).then_some(());
    assert!(!accepted.is_empty() && wait_for("the INFs", has_all).is_some(), "{:?}", found());
    let unsigned = of(&|job| job["package"] == "unsigned.cab");
    assert!(!found().contains(&unsigned[0]), "its INFs were never read");
    let today = all_day(&jobs);
    assert_eq!(list_file(&site, &format!("from={today}&size=500")), all);
    assert_eq!(list_file(&site, "to=2020-01-01"), Vec::<String>::new());
    assert_orders(&site, &jobs);
    assert_pages(&site, &all);
    assert_csv(&site, hostile, &all);
    let saved = site.request("GET", "/packages.csv?q=echo-03", "X-User: alice\u{9b}[31m\r\n");
    assert_eq!(saved.status, 200);
    let log = wait_for("the entry", || Some(env.log()).filter(|log| log.contains("/packages.csv for alice")));
    assert!(log.is_some_and(|log| !log.contains('\u{9b}')), "the name of the user is escaped: {}", env.log());
    let page = site.get("/packages?q=img").text();
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;\\u{202e}&amp;.cab"), "{page}");
    assert!(!page.contains("<img"), "{page}");
    site.stop();
}

/// The day of the oldest package.
fn all_day(jobs: &Value) -> String {
    let oldest = jobs.as_array().and_then(|list| list.last()).expect("a job");
    oldest["created"].as_str().expect("a time")[..10].to_owned()
}

fn assert_orders(site: &Site, jobs: &Value) {
    let mut names: Vec<_> = jobs.as_array().expect("a list").iter().collect();
    names.sort_by_key(|job| job["package"].as_str().expect("a name").to_lowercase());
    let expected: Vec<_> = names.iter().map(|job| job["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(list_file(site, "sort=package&size=500"), expected);
    let reversed = list_file(site, "sort=package&order=desc&size=500");
    assert_eq!(reversed.iter().rev().cloned().collect::<Vec<_>>(), expected);
    let by_arrival = list_file(site, "sort=arrived&order=asc&size=500");
    assert!(by_arrival.is_sorted(), "{by_arrival:?}");
    for column in ["updated", "folder", "rule", "state", "step", "provider", "version"] {
        let sorted: BTreeSet<_> = list_file(site, &format!("sort={column}&size=500")).into_iter().collect();
        assert_eq!(sorted.len(), expected.len(), "{column}");
    }
}

fn assert_pages(site: &Site, all: &[String]) {
    let first = site.get("/packages?size=5");
    assert!(first.text().contains("1 to 5 of"), "{}", first.text());
    let next =
        first.links("/packages?").into_iter().find(|link| link.contains("page=2")).expect("a next page");
    let upto =
        next.split('&').find(|part| part.starts_with("upto=") || part.starts_with("?upto=")).expect("an end");
    assert_eq!(upto.trim_start_matches("upto="), all[0], "the link does not move when packages arrive");
    let mut seen = Vec::new();
    for page in 1..=all.len().div_ceil(5) {
        seen.extend(list_page(site, &format!("size=5&page={page}&upto={}", all[0])));
    }
    assert_eq!(seen, all);
    assert_eq!(list_page(site, &format!("size=500&upto={}", all[3])), all[3..]);
    let page = site.get("/packages?size=5&page=2&sort=package");
    let file = page.links("/packages.json?").into_iter().next().expect("a file");
    let saved: Value = serde_json::from_slice(&site.get(&file).body).expect("JSON");
    assert_eq!(
        ids(&saved),
        list_page(site, "size=5&page=2&sort=package"),
        "the file has what the page shows"
    );
}

fn assert_csv(site: &Site, hostile: &str, all: &[String]) {
    let answer = site.get("/packages.csv?page=all");
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"packages.csv\""));
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = answer.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), all.len() + 1, "{text}");
    assert!(lines[0].starts_with("\"id\",\"package\""), "{text}");
    for (line, id) in lines[1..].iter().zip(all) {
        assert!(line.starts_with(&format!("\"{id}\",")), "{line}");
    }
    assert!(text.contains(&format!("\"'{hostile}\"")), "a formula is a text: {text}");
}
