//! Links between documents, and from the alert rules to them.

use std::collections::BTreeSet;
use std::fs;

use super::blocks::{Document, all, repository};

/// The anchors of a document's headings, as they are rendered.
fn anchors(document: &Document) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in document.prose().lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        let anchor = kept.collect::<String>().replace(' ', "-");
        let numbered = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(numbered).find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

/// The targets of the links in a document.
fn targets(document: &Document) -> Vec<String> {
    let prose = document.prose();
    let links = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    links.map(|(target, _)| target.to_owned()).collect()
}

/// Why a link is wrong.
fn fault(from: &str, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let file = match path {
        "" => repository().join(from),
        _ => repository().join(folder).join(path),
    };
    let Ok(file) = fs::canonicalize(&file) else { return Some(format!("{from}: {target} does not exist")) };
    let anchor = anchor?;
    let name = file.strip_prefix(fs::canonicalize(repository()).ok()?).ok()?.to_str()?.to_owned();
    let known = anchors(&Document::read(&name));
    (!known.contains(anchor)).then(|| format!("{from}: {name} has no heading for #{anchor}"))
}

#[test]
fn links_between_documents_lead_to_files_and_headings() {
    let mut faults = Vec::new();
    let mut links = 0;
    for document in all() {
        for target in targets(&document) {
            links += 1;
            faults.extend(fault(&document.name, &target));
        }
    }
    assert!(links > 50, "only {links} links found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn links_of_alert_rules_and_dashboard_lead_to_headings() {
    let mut faults = Vec::new();
    for file in ["alerts.yml", "alerts.test.yml", "dashboard.json"] {
        let text = fs::read_to_string(repository().join("config/monitoring").join(file)).expect("a file");
        for rest in text.split("docs/").skip(1) {
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_./#".contains(letter);
            let link: String = rest.chars().take_while(|letter| is_part(*letter)).collect();
            if link.contains(".md") {
                faults.extend(fault("README.md", &format!("docs/{}", link.trim_end_matches('.'))));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn index_links_every_document_for_users() {
    let linked: BTreeSet<_> = targets(&Document::read("docs/README.md")).into_iter().collect();
    for document in super::blocks::for_users() {
        let name = document.name.strip_prefix("docs/").map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("../{}", document.name));
        assert!(linked.contains(&name) || name.ends_with("README.md"), "docs/README.md does not link {name}");
    }
}
