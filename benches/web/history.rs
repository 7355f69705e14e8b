//! The events of a job that has ended, with their times.

use dropship_job::{
    Asset, ErrorKind, Event, Fault, Intent, JobId, Package, PlannedLabel, RemoteId, RemoteKind, WaitReason,
};
use dropship_rules::Plan;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::fleet::Release;

/// Events of one commit, and its time.
pub(crate) type Stage = (Timestamp, Vec<Event>);

/// How a job ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Succeeded,
    Rejected,
    Failed,
    Cancelled,
}

/// The history of a package.
pub(crate) struct History {
    /// The id of its job.
    pub(crate) job: JobId,
    /// Its events.
    pub(crate) stages: Vec<Stage>,
    /// The rule; empty without one.
    pub(crate) rule: String,
    /// Id of its product.
    pub(crate) product: RemoteId,
    /// Id of its submission.
    pub(crate) submission: RemoteId,
    /// Its labels.
    pub(crate) published: Vec<Published>,
    chance: Chance,
}

/// A label that was published.
pub(crate) struct Published {
    /// Its id.
    pub(crate) id: RemoteId,
    /// Its name.
    pub(crate) name: String,
    /// Its audiences.
    pub(crate) audiences: Vec<String>,
    /// When it was published.
    pub(crate) at: Timestamp,
}

/// Numbers that are the same in each run.
pub(crate) struct Chance(u64);

impl Chance {
    /// A number below `limit`.
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or_default() % limit
    }

    fn minutes(&mut self, least: i64, limit: i64) -> SignedDuration {
        SignedDuration::from_secs(60 * least + self.below(60 * (limit - least)))
    }
}

impl History {
    /// What happened to a package that arrived at this time. `plan` is the plan and its digest; without one it was rejected.
    pub(crate) fn of(
        release: &Release,
        arrived: Timestamp,
        plan: Option<(&Plan, String)>,
        outbox: String,
    ) -> Self {
        let milliseconds = u64::try_from(arrived.as_millisecond()).unwrap_or_default();
        let package = Package {
            name: release.file(),
            path: None,
            folder: Some(release.driver.folder.to_owned()),
            sha256: digest("package", release.number),
            size: 240_000,
            outbox,
        };
        let mut history = Self {
            job: JobId::new(milliseconds, release.number),
            stages: vec![(arrived, vec![Event::Arrived { package }])],
            rule: plan.as_ref().map(|(plan, _)| plan.rule.clone()).unwrap_or_default(),
            product: id(1, release.number),
            submission: id(2, release.number),
            published: Vec::new(),
            chance: Chance(u64::from(release.number) + 1),
        };
        history.chance.below(1);
        match plan {
            Some((plan, digest)) => history.live(release.number, plan, digest),
            None => {
                let fault = Fault::new(ErrorKind::NoRule, "no rule is for this package");
                history.after(SignedDuration::ZERO, vec![Event::Rejected { fault }]);
            }
        }
        history
    }

    fn live(&mut self, number: u32, plan: &Plan, plan_digest: String) {
        let outcome = match self.chance.below(100) {
            0..3 => Outcome::Rejected,
            3..7 => Outcome::Failed,
            7..9 => Outcome::Cancelled,
            _ => Outcome::Succeeded,
        };
        if outcome == Outcome::Rejected {
            let message = "the package is not signed";
            let fault = Fault::new(ErrorKind::Check("unsigned".to_owned()), message);
            return self.after(SignedDuration::from_secs(1), vec![Event::Rejected { fault }]);
        }
        let accepted = Event::Accepted {
            rule: plan.rule.clone(),
            account: plan.account.clone(),
            plan: plan_digest,
            content: None,
            labels: planned(plan),
            warnings: Vec::new(),
            vars: std::collections::BTreeMap::new(),
        };
        self.after(SignedDuration::from_secs(1), vec![accepted]);
        self.create(number, RemoteKind::Product, &plan.product.product_name, self.product);
        if outcome == Outcome::Cancelled {
            let duration = self.chance.minutes(5, 90);
            return self.after(duration, vec![Event::Cancelled { by: "anna".to_owned() }]);
        }
        self.create(number, RemoteKind::Submission, &plan.submission.name, self.submission);
        self.after(SignedDuration::from_secs(4), vec![Event::Uploaded { bytes: 240_000 }]);
        self.after(SignedDuration::from_secs(1), vec![Event::CommitIntended, Event::Committed]);
        self.wait(WaitReason::Signature { workflow: None });
        let is_reviewed = self.chance.below(12) == 0;
        let duration = if is_reviewed { self.chance.minutes(300, 1500) } else { self.chance.minutes(15, 75) };
        if outcome == Outcome::Failed {
            let message = "Microsoft: the package has a driver that is not signed for this system";
            let fault = Fault::new(ErrorKind::SigningFailed, message);
            return self.after(duration, vec![Event::Resumed, Event::Failed { fault }]);
        }
        self.after(duration, vec![Event::Resumed, Event::Signed]);
        let files = ["signed.zip", "driver-metadata.json", "certification-report"];
        let asset = |name: &str| Asset { name: name.to_owned(), size: 190_000, sha256: digest(name, number) };
        self.after(SignedDuration::from_secs(5), vec![Event::Collected { files: files.map(asset).into() }]);
        for (index, label) in plan.labels.iter().enumerate() {
            if let Some(after) = &label.after {
                let soak = i64::try_from(after.soak_seconds).unwrap_or_default();
                self.after(SignedDuration::from_secs(soak), Vec::new());
            }
            let remote = id(3 + u64::try_from(index).unwrap_or_default(), number);
            self.create(number, RemoteKind::Label(index), &label.name, remote);
            let is_last = index + 1 == plan.labels.len();
            if is_last {
                self.after(SignedDuration::from_secs(1), vec![Event::Labelled]);
            }
            let duration = self.chance.minutes(50, 240);
            self.after(duration, vec![Event::Published { label: index }]);
            let (name, audiences) = (label.name.clone(), label.audiences.clone());
            self.published.push(Published { id: remote, name, audiences, at: self.now() });
        }
        self.after(SignedDuration::from_secs(1), vec![Event::Succeeded]);
    }

    fn now(&self) -> Timestamp {
        self.stages.last().map_or(Timestamp::UNIX_EPOCH, |(at, _)| *at)
    }

    /// Adds events after some time. Those of the same minute are committed together.
    fn after(&mut self, duration: SignedDuration, events: Vec<Event>) {
        let at = self.now() + duration;
        match self.stages.last_mut() {
            Some((_, last)) if duration < SignedDuration::from_mins(1) => last.extend(events),
            _ => self.stages.push((at, events)),
        }
    }

    fn create(&mut self, number: u32, kind: RemoteKind, name: &str, remote: RemoteId) {
        let intent = Intent::new(name, digest(name, number), self.now());
        self.after(SignedDuration::from_secs(1), vec![Event::Intended { kind, intent }]);
        let created = Event::Created { kind, id: remote, adopted: false, go_live: None };
        self.after(SignedDuration::from_secs(1), vec![created]);
    }

    fn wait(&mut self, why: WaitReason) {
        let due = self.now();
        self.after(SignedDuration::from_secs(15), vec![Event::Waited { due, why, polled: true }]);
    }
}

/// The labels of a plan as its job knows them.
fn planned(plan: &Plan) -> Vec<PlannedLabel> {
    let index = |name: &String| plan.labels.iter().position(|label| label.name == *name);
    let labels = plan.labels.iter().map(|label| PlannedLabel {
        name: label.name.clone(),
        audiences: label.audiences.clone(),
        after: label.after.iter().flat_map(|after| &after.labels).filter_map(index).collect(),
        soak_seconds: label.after.as_ref().map_or(0, |after| after.soak_seconds),
        ..PlannedLabel::default()
    });
    labels.collect()
}

fn id(kind: u64, number: u32) -> RemoteId {
    RemoteId::new(1_152_921_504_000_000_000 + kind * 10_000_000 + u64::from(number))
}

/// A digest of something of a package.
pub(crate) fn digest(what: &str, number: u32) -> String {
    let digest = Sha256::digest(format!("{what} {number}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
