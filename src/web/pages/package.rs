//! The page of one package.

use std::time::Duration;

use dropship_web::Markup;
use dropship_web::page::package::{
    self, ApprovalView, FileView, HistoryStep, InfView, NamedValue, Notice, PackageLabelView, PackageView,
    StepView, ValueView,
};
use dropship_web::page::{Tone, encoded};
use dropship_web::picture::StepState;
use jiff::Timestamp;

use super::super::query::QueryParameters;
use super::super::refusal::RequestRefusal;
use super::super::site::Site;
use super::super::words::{self, escape};
use super::partner_center::PartnerCenter;
use crate::control::PackageRecord;
use crate::wording::{self, Clock, Lines, StepHistory};
use dropship_config::outbox_layout::{ERRORS, RECEIPT};
use dropship_engine::outbox::{LabelReceipt, Receipt};
use dropship_job::{ErrorKind, Fault, JobId, StateKind, Step, counted};
use dropship_package::{Facts, InfFacts};
use dropship_rules::plan::{LabelPlan, Plan, StrategyPlan};
use dropship_rules::rule::RuleChange;

/// The parameters of the page.
pub(crate) const PARAMETERS: &[&str] = &[];

/// Maximum number of INFs, and of hardware ids of an INF.
const MAX_INFS: usize = 20;
const MAX_IDS: usize = 20;

/// Maximum number of lines of the history: the last ones of each step.
const MAX_LINES: usize = 60;

/// Maximum length of a request, in bytes.
const MAX_REQUEST: usize = 256 << 10;

/// The content of the page. It may block.
pub(crate) fn content(site: &Site, id: &JobId, _query: &QueryParameters) -> Result<Markup, RequestRefusal> {
    let live = format!("/live/packages/{}", encoded(id.as_str()));
    Ok(package::content(&view(site, id)?, &live, Timestamp::now()))
}

/// What the page shows now.
pub(crate) fn view(site: &Site, id: &JobId) -> Result<PackageView, RequestRefusal> {
    let job = site.readings.job(id)?;
    let record = site.readings.record(id)?;
    let (facts, plan) = match &record {
        Some(PackageRecord::Planned(snapshot)) => (Some(&snapshot.facts), Some(&snapshot.plan)),
        Some(PackageRecord::Rejected(rejected)) => (Some(&rejected.facts), None),
        None => (None, None),
    };
    let partner_center = PartnerCenter::of(&site.readings.configuration().config, site.sandbox, &job);
    let history = wording::steps(&job, &Clock::utc());
    let mut view = PackageView {
        id: id.to_string(),
        package: escape(&job.package),
        badge: words::state(job.state),
        summary: summary(&job),
        notices: notices(&job),
        stages: stages(&job, &history),
        facts: package_properties(&job, facts, &partner_center),
        labels: job.labels.iter().map(|label| label_view(label, plan, &partner_center)).collect(),
        approvals: approvals(&job),
        files: files(site, &job),
        history: history.iter().map(history_step).collect(),
        ..PackageView::default()
    };
    if let Some(facts) = facts {
        view.infs = facts.infs.iter().take(MAX_INFS).map(inf_view).collect();
        view.more_infs = facts.infs.len().saturating_sub(MAX_INFS);
    }
    if let Some(plan) = plan {
        view.plan = plan_properties(plan);
        view.requests = vec![
            ("Request for the product".to_owned(), request(&plan.product)),
            ("Request for the submission".to_owned(), request(&plan.submission)),
        ];
    }
    Ok(view)
}

fn summary(job: &Receipt) -> String {
    let step = job.step;
    match (job.state, &job.waits_for) {
        (StateKind::Waiting, Some(reason)) => escape(&format!("Step {step}, waiting for {reason}")),
        (state, _) if state.has_ended() => format!("Ended in step {step}: {state}"),
        (state, _) => format!("Step {step}, {state}"),
    }
}

fn notices(job: &Receipt) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(waits) = words::approval_of(job) {
        let advice = format!(
            "Read the request below, and run the command there. `dropship cancel {}` ends the job.",
            job.id
        );
        notices.push(Notice { tone: Tone::Hold, text: vec![waits, advice] });
    } else if let Some(error) = &job.error {
        let tone = match job.state {
            StateKind::Failed | StateKind::Rejected => Tone::Bad,
            StateKind::Held => Tone::Hold,
            _ => Tone::Wait,
        };
        let text = [format!("{}: {}", error.kind, error.message)].into_iter().chain(wording::advice(job));
        notices.push(Notice { tone, text: text.map(|text| escape(&text)).collect() });
    } else if let Some(advice) = wording::advice(job) {
        notices.push(Notice { tone: Tone::Hold, text: vec![escape(&advice)] });
    }
    let pending = job.not_withdrawn.iter().map(ToString::to_string);
    let after = job.after_failed.iter().map(|failed| failed.message.clone());
    let others = pending.chain(after).chain(job.warnings.iter().cloned());
    notices.extend(others.map(|text| Notice { tone: Tone::Hold, text: vec![escape(&text)] }));
    notices
}

/// The steps with the time that each took. A step that was repeated counts as one.
fn stages(job: &Receipt, history: &[StepHistory]) -> Vec<StepView> {
    let stage = |step: Step| {
        let mut took: Option<Duration> = None;
        let mut since = None;
        for part in history.iter().filter(|part| part.step == step) {
            let spent = Duration::try_from(part.duration).unwrap_or_default();
            match part.is_going_on {
                true => since = Some(part.start),
                false => took = Some(took.unwrap_or_default().saturating_add(spent)),
            }
        }
        let is_current = step == job.step;
        let error = job.error.as_ref().map(|error| error.message.as_str());
        let state = match (is_current, took.is_some()) {
            (true, _) => step_state(job.state),
            (false, true) if step < job.step => StepState::Done,
            (false, false) if step < job.step => StepState::Skipped,
            (false, _) => StepState::Ahead,
        };
        let note = error.or(job.waits_for.as_deref()).filter(|_| is_current).map(escape);
        StepView { name: step.to_string(), state, took, since, note }
    };
    Step::ALL.into_iter().map(stage).collect()
}

/// The progress of the step that a job is in.
fn step_state(state: StateKind) -> StepState {
    match state {
        StateKind::Queued | StateKind::Waiting => StepState::Waiting,
        StateKind::Running => StepState::Running,
        StateKind::Held => StepState::Held,
        StateKind::Succeeded => StepState::Done,
        StateKind::Failed | StateKind::Rejected => StepState::Failed,
        StateKind::Cancelled => StepState::Cancelled,
    }
}

fn named_value(name: &str, value: ValueView) -> NamedValue {
    NamedValue { name: name.to_owned(), value }
}

fn named_text(name: &str, value: &str) -> NamedValue {
    named_value(name, ValueView::Text(escape(value)))
}

fn package_properties(
    job: &Receipt,
    facts: Option<&Facts>,
    partner_center: &PartnerCenter,
) -> Vec<NamedValue> {
    let mut list = vec![
        named_value("Arrived", ValueView::Time(job.created)),
        named_value("Last change", ValueView::Time(job.updated)),
    ];
    list.extend(job.folder.as_deref().map(|folder| named_text("Folder", folder)));
    list.extend(job.path.as_deref().map(|path| named_text("From", path)));
    if let Some(rule) = &job.rule {
        let note = match job.rule_change {
            Some(RuleChange::Changed) => " (changed since the package was planned; it keeps its plan)",
            Some(RuleChange::Gone) => " (no longer exists; the package keeps its plan)",
            None => "",
        };
        list.push(named_text("Rule", &format!("{rule}{note}")));
    }
    list.extend(job.account.as_deref().map(|account| named_text("Account", account)));
    list.extend(partner_center.product().map(|value| named_value("Product", value)));
    list.extend(partner_center.submission().map(|value| named_value("Submission", value)));
    if let Some(workflow) = &job.workflow {
        list.push(named_text("At Microsoft", &format!("{} {}", workflow.step, workflow.state)));
    }
    list.extend(job.due.map(|due| named_value("Next check", ValueView::Time(due))));
    if job.attempts > 0 {
        list.push(named_text("Attempts", &format!("{} failed at this step", job.attempts)));
    }
    list.push(named_text("Size", &dropship_web::text::size(job.size)));
    if let Some(signer) = facts.and_then(|facts| facts.signer.as_ref()) {
        list.push(named_text("Signed by", &signer.name));
    }
    if let Some(facts) = facts.filter(|facts| !facts.architectures.is_empty()) {
        let architectures: Vec<_> = facts.architectures.iter().map(String::as_str).collect();
        list.push(named_text("Architectures", &architectures.join(", ")));
    }
    list.push(named_value("SHA-256", ValueView::Code(job.sha256.clone())));
    list.push(named_value("Job", ValueView::Code(job.id.to_string())));
    list.extend(job.vars.iter().map(|(name, value)| named_text(&escape(&format!("vars.{name}")), value)));
    list
}

fn inf_view(inf: &InfFacts) -> InfView {
    let text = |value: &Option<String>| value.as_deref().map(escape).unwrap_or_default();
    let version = [&inf.version, &inf.date].into_iter().filter_map(Option::as_deref).map(escape);
    InfView {
        name: escape(&inf.name),
        provider: text(&inf.provider),
        class: text(&inf.class),
        version: version.collect::<Vec<_>>().join(", "),
        hardware_ids: inf.hardware_ids.len(),
        first_ids: inf.hardware_ids.iter().take(MAX_IDS).map(|id| escape(id)).collect(),
    }
}

fn label_view(label: &LabelReceipt, plan: Option<&Plan>, partner_center: &PartnerCenter) -> PackageLabelView {
    let planned = plan.and_then(|plan| plan.labels.iter().find(|planned| planned.name == label.name));
    let is_approval = |error: &&Fault| error.kind == ErrorKind::Approval;
    let errors = label.error.iter().filter(|error| !is_approval(error));
    let mut notes: Vec<_> = errors.map(|error| error.message.clone()).collect();
    if let (Some(step), Some(state)) = (&label.step, &label.state) {
        notes.push(format!("Microsoft: {step} {state}"));
    }
    notes.extend(label.drift.as_ref().map(|drift| format!("it {} (seen {:.0})", drift.message, drift.since)));
    let pair = |(name, value): (String, String)| (escape(&name), escape(&value));
    PackageLabelView {
        name: escape(&label.name),
        badge: words::label(label.status),
        id: label.id.and_then(|id| partner_center.label(id)),
        audiences: label.audiences.iter().map(|name| escape(name)).collect(),
        not_before: label.not_before,
        notes: notes.iter().map(|note| escape(note)).collect(),
        plan: planned.map(|plan| label_properties(plan).into_iter().map(pair).collect()).unwrap_or_default(),
    }
}

fn approvals(job: &Receipt) -> Vec<ApprovalView> {
    let pair = |(name, value): (String, String)| (escape(&name), escape(&value));
    let approval = |page: &dropship_engine::approval::ApprovalPage| ApprovalView {
        label: escape(&page.label),
        problem: page.problem.as_deref().map(escape),
        facts: wording::approval_lines(page, &Clock::utc()).into_properties().into_iter().map(pair).collect(),
        body: page.content.as_ref().map(|content| request(&content.body)),
        command: escape(&page.command),
    };
    job.approval.iter().map(approval).collect()
}

fn plan_properties(plan: &Plan) -> Vec<NamedValue> {
    let product = match &plan.strategy {
        StrategyPlan::New => "a new product for this package".to_owned(),
        StrategyPlan::PerVersion => "one product for each name".to_owned(),
        StrategyPlan::ExistingId(id) => format!("the product {id}"),
        StrategyPlan::ExistingName => "the product of this name".to_owned(),
    };
    let list = |values: &[String]| values.join(", ");
    vec![
        named_text("Product", &plan.product.product_name),
        named_text("Which product", &product),
        named_text("Submission", &plan.submission.name),
        named_text("Signatures", &list(&plan.product.requested_signatures)),
        named_text("Labels", &list(&plan.labels.iter().map(|label| label.name.clone()).collect::<Vec<_>>())),
    ]
}

/// A request as JSON, within a limit.
fn request(body: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at < MAX_REQUEST).last();
    match end {
        Some(end) if text.len() > MAX_REQUEST => {
            format!("{}\n…", dropship_redact::EscapedLines(&text[..end]))
        }
        _ => dropship_redact::EscapedLines(&text).to_string(),
    }
}

/// The results, with a link to those that are in the outbox now.
fn files(site: &Site, job: &Receipt) -> Vec<FileView> {
    let file = |name: &str, size: Option<u64>| {
        let found = site.readings.result_size(job, name).ok();
        let is_there = found.is_some();
        FileView {
            name: escape(name),
            size: size.or(found),
            link: is_there.then(|| format!("{}/files/{}", words::package_link(&job.id), encoded(name))),
        }
    };
    let mut files: Vec<_> = job.files.iter().map(|asset| file(&asset.name, Some(asset.size))).collect();
    let others =
        [ERRORS, RECEIPT].into_iter().filter(|name| job.files.iter().all(|file| file.name != **name));
    files.extend(others.map(|name| file(name, None)).filter(|file| file.link.is_some()));
    files
}

fn history_step(step: &StepHistory) -> HistoryStep {
    let skipped = step.lines.len().saturating_sub(MAX_LINES);
    let mut lines: Vec<_> = step.lines.iter().skip(skipped).map(|(at, text)| (*at, escape(text))).collect();
    if skipped > 0 {
        lines.insert(
            0,
            (
                step.start,
                format!("{}; `dropship show` lists the whole history", counted(skipped, "earlier event")),
            ),
        );
    }
    HistoryStep {
        step: step.step.to_string(),
        start: step.start,
        took: (!step.is_going_on).then_some(step.duration),
        lines,
    }
}

/// The settings of a planned label, as names and values.
fn label_properties(plan: &LabelPlan) -> Vec<(String, String)> {
    let mut lines = Lines::new(String::new());
    wording::add_label_lines(&mut lines, plan);
    lines.into_properties()
}
