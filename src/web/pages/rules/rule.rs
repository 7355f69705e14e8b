//! A rule in words.

use dropship_web::page::MaybeLink;
use dropship_web::page::rules::{RuleLabel, RuleView};

use super::packages::RulePackages;
use crate::web::words::{escape, package_link};
use dropship_hardware::TestHarness;
use dropship_rules::Rule;
use dropship_rules::duration;
use dropship_rules::rule::{Destination, LabelRule, ProductRule, Strategy};

/// A rule, and the packages that it matched.
pub(super) fn view(rule: &Rule, matched: Option<&RulePackages>) -> RuleView {
    let conditions =
        rule.matching.clauses.iter().map(|clause| format!("{} is {}", clause.fact, clause.condition));
    let nots = rule.matching.not.iter().map(|not| format!("not if {not}"));
    RuleView {
        name: rule.name.clone(),
        folders: rule.folders.clone(),
        conditions: conditions.chain(nots).collect(),
        account: rule.account.clone(),
        product: product(&rule.product),
        labels: rule.labels.iter().map(|label| self::label(rule, label)).collect(),
        packages: matched.map_or(0, |matched| matched.count),
        last: matched.map(|matched| {
            let (job, package, at) = &matched.last;
            (MaybeLink::to(escape(package), package_link(job)), *at)
        }),
    }
}

fn product(product: &ProductRule) -> String {
    let harness = match &product.test_harness {
        TestHarness::Attestation => "attestation".to_owned(),
        TestHarness::Hlk => "HLK".to_owned(),
        TestHarness::Hck => "HCK".to_owned(),
        other => other.to_string(),
    };
    let name = product.name.as_ref().map(|name| format!(" {}", name.source())).unwrap_or_default();
    let strategy = match product.strategy {
        Strategy::New => "a new product for each package:".to_owned(),
        Strategy::PerVersion => "one product for each version:".to_owned(),
        Strategy::ExistingId(id) => format!("the product {id}"),
        Strategy::ExistingName => "the product of that name:".to_owned(),
    };
    format!("{harness}, {strategy}{name}")
}

fn label(rule: &Rule, label: &LabelRule) -> RuleLabel {
    let audiences: Vec<_> = label.audiences.iter().map(|audience| audience.source()).collect();
    let mut details = vec![match &label.destination {
        Destination::WindowsUpdate if audiences.is_empty() => "everyone on Windows Update".to_owned(),
        Destination::WindowsUpdate => format!("for {}", audiences.join(" and ")),
        Destination::AnotherPartner { partners, .. } => {
            let partners: Vec<_> = partners.iter().map(ToString::to_string).collect();
            format!("for partner {}", partners.join(" and "))
        }
    }];
    if let Some(before) = label.after.and_then(|index| rule.labels.get(index)) {
        let soak = if label.soak.is_zero() {
            String::new()
        } else {
            format!(" and {}", duration::format(label.soak))
        };
        details.push(format!("after {}{soak}", before.name.source()));
    }
    details.extend(label.go_live.map(|date| format!("goes live {date}")));
    match label.hold.operators() {
        0 => {}
        1 => details.push("waits for the approval of an operator".to_owned()),
        several => details.push(format!("waits for the approval of {several} operators")),
    }
    if !label.blackout.is_empty() {
        let days: Vec<_> = label.blackout.iter().map(ToString::to_string).collect();
        details.push(format!("not on {}", days.join(" and ")));
    }
    if label.supersede {
        details.push("supersedes older versions".to_owned());
    }
    RuleLabel { name: label.name.source().to_owned(), details }
}
