//! Creating something at a service that has no idempotency keys and no delete.
//!
//! Before the call an intent is durable that names what is about to be made and the ids that bear
//! that name already. An answer closes it. Without an answer the thing is looked for: found and
//! proven ours, it is adopted; found and not proven, a person decides; absent, it is looked for
//! again after the time in which the service may still carry it out, and only then made again.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use super::hand::{Go, Hand, Stop};
use super::service::Service;
use crate::digest;
use dropship_hardware::{Class, Error, Fate};
use dropship_job::{Creation, Event, Fault, Intent, RemoteKind};

/// A create without an answer is repeated so often before a person has to look.
const REPEATS: u32 = 3;

/// How long a job waits for another one that creates the same name.
pub(super) const NAME_TAKEN: Duration = Duration::from_secs(5);

/// Something at the service that bears the wanted name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its id.
    pub(super) id: u64,
    /// What in it is not as requested, or what others did with it; nothing when it can be ours.
    pub(super) unlike: Option<String>,
}

/// Something that a job creates.
pub(super) trait Creatable<S: Service>: Send + Sync {
    /// What it is.
    fn kind(&self) -> RemoteKind;
    /// What it is, for people.
    fn noun(&self) -> &'static str;
    /// The name that it will bear.
    fn name(&self) -> &str;
    /// The whole request.
    fn request(&self) -> Value;
    /// Everything that bears the name, by a look that reached the end of the list.
    fn find(&self, service: &S) -> impl Future<Output = Result<Vec<Found>, Error>> + Send;
    /// The ids of what bears the name before it is made.
    fn existing_ids(&self, service: &S) -> impl Future<Output = Result<Vec<u64>, Error>> + Send {
        async { Ok(self.find(service).await?.iter().map(|found| found.id).collect()) }
    }
    /// Makes it; gives its id.
    fn make(&self, service: &S) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// Sees to it that the thing exists exactly once.
pub(super) async fn create<S: Service>(hand: &mut Hand<'_, S>, what: &impl Creatable<S>) -> Go {
    loop {
        match hand.job.creation(what.kind()) {
            Some(Creation::Done { .. }) => return Ok(()),
            Some(Creation::Intended(_)) => settle(hand, what).await?,
            Some(Creation::Open) => begin(hand, what).await?,
            None => {
                let message = format!("the plan has no such {}", what.noun());
                return hand.fail(Fault::new("plan-lost", message)).await;
            }
        }
    }
}

/// Takes the name of the thing; gives how long this job has had it.
pub(super) async fn name_taken<S: Service>(
    hand: &mut Hand<'_, S>,
    kind: RemoteKind,
    noun: &str,
    name: &str,
) -> Go<Duration> {
    let spell = hand.context.settings.uncertain.saturating_mul(3);
    match hand.context.names.take(&hand.job, kind, name, spell) {
        Some(held) => Ok(held),
        None => hand.wait(NAME_TAKEN, format!("another job is creating a {noun} named `{name}`")).await,
    }
}

/// Intends and calls.
async fn begin<S: Service>(hand: &mut Hand<'_, S>, what: &impl Creatable<S>) -> Go {
    let service = hand.service().await?;
    if hand.brake_holds().await {
        return hand.wait_paused().await;
    }
    name_taken(hand, what.kind(), what.noun(), what.name()).await?;
    let result = intend_and_call(hand, what, &service).await;
    // Kept while anything is in doubt, so that nobody else makes that name meanwhile.
    hand.context.names.release(&hand.job);
    result
}

async fn intend_and_call<S: Service>(hand: &mut Hand<'_, S>, what: &impl Creatable<S>, service: &S) -> Go {
    let kind = what.kind();
    let existing_ids = match hand.unless_draining(what.existing_ids(service)).await? {
        Ok(existing_ids) => existing_ids,
        Err(error) => return hand.trouble(error).await,
    };
    // Whoever waits long for a list may have lost the name meanwhile.
    name_taken(hand, kind, what.noun(), what.name()).await?;
    let context = hand.context;
    let Some(pass) = context.brake.pass(hand.job.package.folder.as_deref()).await else {
        return hand.wait_paused().await;
    };
    if context.draining.is_cancelled() {
        return Err(Stop::Draining);
    }
    let intent = Intent {
        name: what.name().to_owned(),
        request: digest(&what.request()),
        existing_ids,
        may_complete_until: context.clock.after(context.settings.uncertain),
        first_called: None,
        not_found_count: 0,
        reissued: 0,
        duplicate_check_at: None,
    };
    hand.record(vec![Event::Intended { kind, intent }]).await?;
    context.names.renew(&hand.job);
    let made = what.make(service).await;
    drop(pass);
    answered(hand, what, made).await
}

/// What the answer to a create comes to.
async fn answered<S: Service>(
    hand: &mut Hand<'_, S>,
    what: &impl Creatable<S>,
    made: Result<u64, Error>,
) -> Go {
    let kind = what.kind();
    let error = match made {
        Ok(id) => return hand.record_created(kind, id, false).await,
        Err(error) => error,
    };
    if error.fate == Fate::Uncertain {
        crate::observe::doubtful(&hand.job, what.noun(), &error.to_string());
        return Ok(());
    }
    let repeated = hand
        .job
        .creation(kind)
        .and_then(Creation::intent)
        .is_some_and(|intent| intent.duplicate_check_at.is_some());
    if repeated && error.class == Class::Reconcile {
        // That something of the kind exists may be the proof of the first call: it is looked for.
        return Ok(());
    }
    hand.record(vec![Event::NotCreated { kind, why: error.to_string() }]).await?;
    if error.class == Class::Reconcile {
        let message =
            format!("{error}; see what is there with `dropship api`, then approve, cancel or retry");
        return hand.hold(Fault::new("exists-already", message)).await;
    }
    hand.trouble(error).await
}

/// Finds out whether an intended create was carried out.
async fn settle<S: Service>(hand: &mut Hand<'_, S>, what: &impl Creatable<S>) -> Go {
    let kind = what.kind();
    let service = hand.service().await?;
    let Some(intent) = hand.job.creation(kind).and_then(Creation::intent).cloned() else { return Ok(()) };
    // Nobody else may be making that name while this one is looked for.
    let held = name_taken(hand, kind, what.noun(), what.name()).await?;
    // The time that counts is of a clock that nobody sets, and begins anew with the daemon.
    let uncertain = hand.context.settings.uncertain;
    if intent.not_found_count > 0 && held < uncertain {
        let why = "a create whose answer was lost may still be carried out";
        return hand.wait(uncertain.saturating_sub(held), why).await;
    }
    let found = match what.find(&service).await {
        Ok(found) => found,
        Err(error) => return hand.trouble(error).await,
    };
    let mut ours = Vec::new();
    let mut strange = Vec::new();
    for found in found {
        if intent.existing_ids.contains(&found.id) {
            continue;
        }
        match hand.context.store.owner(found.id).map_err(Stop::Store)? {
            Some(owner) if owner != hand.job.id => {}
            _ => match found.unlike {
                None => ours.push(found.id),
                Some(why) => strange.push(format!("{} ({why})", found.id)),
            },
        }
    }
    match (ours.as_slice(), strange.is_empty()) {
        ([id], true) => hand.record_created(kind, *id, true).await,
        ([], true) if intent.not_found_count == 0 => {
            let due = hand.context.clock.after(hand.context.settings.uncertain);
            hand.park(Event::NotFound { kind, due }).await
        }
        ([], true) => repeat(hand, what, &service).await,
        _ => {
            let ids = ours.iter().map(u64::to_string).chain(strange).collect::<Vec<_>>().join(", ");
            let message = format!(
                "the answer to creating the {} `{}` was lost, and what bears that name now cannot be told from ours: {ids}; \
                 look at them in Partner Center, then cancel this job, or approve to look again",
                what.noun(),
                what.name(),
            );
            hand.hold(Fault::new("ambiguous", message)).await
        }
    }
}

/// Calls again what was absent both times.
async fn repeat<S: Service>(hand: &mut Hand<'_, S>, what: &impl Creatable<S>, service: &S) -> Go {
    let context = hand.context;
    let intent = hand.job.creation(what.kind()).and_then(Creation::intent);
    let (noun, name) = (what.noun(), what.name());
    let request = digest(&what.request());
    if intent.is_some_and(|intent| intent.request != request) {
        let message = format!(
            "the {noun} `{name}` was never answered and is not to be found, and its request would be another one by now: {}; \
             approve to send that, or cancel",
            what.request(),
        );
        let fault = Fault::new("request-changed", message);
        return hand.park(Event::Held { fault, request: Some(request) }).await;
    }
    if intent.is_some_and(|intent| intent.reissued >= REPEATS) {
        let message = format!(
            "the {noun} `{name}` was asked for again and again, never answered, and is not to be found; look for it in \
             Partner Center, then approve to ask again, or cancel",
        );
        return hand.hold(Fault::new("unanswered", message)).await;
    }
    let Some(pass) = context.brake.pass(hand.job.package.folder.as_deref()).await else {
        return hand.wait_paused().await;
    };
    if context.draining.is_cancelled() {
        return Err(Stop::Draining);
    }
    let may_complete_until = context.clock.after(context.settings.uncertain);
    hand.record(vec![Event::Reissued { kind: what.kind(), may_complete_until }]).await?;
    context.names.renew(&hand.job);
    let made = what.make(service).await;
    drop(pass);
    answered(hand, what, made).await
}

/// The digest of a request: what an intent and an approval are bound to.
pub(super) fn digest(request: &Value) -> String {
    digest::of(request.to_string().as_bytes())
}
