//! The page `Who gets what`.

use std::num::NonZeroUsize;

use dropship_web::Markup;
use dropship_web::page::MaybeLink;
use dropship_web::page::who::{self, Field, WhoAnswer, WhoForm, WhoLabel, WhoView};

use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::site::Site;
use super::super::words;
use dropship_engine::operations::{OtherLabel, ReachingLabel, WhoQuery};
use dropship_glob::Glob;

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] = &["hardware_id", "os", "upcoming"];

/// Maximum number of labels of an answer that are shown.
const MAX_LABELS: usize = 100;

/// Maximum number of targets of a label that are shown.
const MAX_TARGETS: usize = 5;

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    let field = |name| Field { value: query.get(name).unwrap_or_default().to_owned(), fault: None };
    let mut form = WhoForm {
        hardware_id: field("hardware_id"),
        os: field("os"),
        upcoming: query.get("upcoming").is_some(),
    };
    let hardware_id = glob(&mut form.hardware_id);
    let os = glob(&mut form.os);
    if hardware_id.is_none() && form.hardware_id.fault.is_none() && (os.is_some() || form.upcoming) {
        form.hardware_id.fault = Some("enter a hardware id".to_owned());
    }
    let is_usable = form.os.fault.is_none();
    let mut answer = None;
    if let Some(hardware_id) = hardware_id.filter(|_| is_usable) {
        // One more shows whether there are more.
        let limit = NonZeroUsize::new(MAX_LABELS + 1);
        let labels = site.readings.who(&WhoQuery { hardware_id, os, upcoming: form.upcoming, limit })?;
        answer = Some(WhoAnswer {
            has_more: labels.len() > MAX_LABELS,
            labels: labels.iter().take(MAX_LABELS).map(label).collect(),
        });
    }
    Ok(who::content(&WhoView { form, answer }))
}

/// The glob of a field. A text that is none is noted as its fault.
fn glob(field: &mut Field) -> Option<Glob> {
    if field.value.is_empty() {
        return None;
    }
    Glob::new(&field.value).map_err(|error| field.fault = Some(error.to_string())).ok()
}

fn label(label: &ReachingLabel) -> WhoLabel {
    let targets = label.targets.iter().take(MAX_TARGETS);
    WhoLabel {
        name: words::package_of(&label.name, &label.job),
        id: label.id.to_string(),
        package: label.package.clone(),
        rule: label.rule.clone(),
        version: label.version.clone(),
        audiences: label.audiences.clone(),
        published: label.published,
        go_live: label.go_live,
        targets: targets
            .map(|target| [target.inf.clone(), target.operating_system.clone(), target.hardware_id.clone()])
            .collect(),
        more_targets: label.targets.len().saturating_sub(MAX_TARGETS),
        supersedes: label.supersedes.iter().map(other).collect(),
        superseded_by: label.superseded_by.iter().map(other).collect(),
    }
}

/// Another label: by its name, or by its id once it is not published any more.
pub(super) fn other(label: &OtherLabel) -> MaybeLink {
    match (&label.name, &label.job) {
        (Some(name), Some(job)) => words::package_of(name, job),
        _ => MaybeLink::name(format!("{} (not published any more)", label.id)),
    }
}
