//! All that outlives a daemon (folders, store, service), daemons that live in it one after the other, and what must
//! be true of it at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::cloud::{Cloud, TAKES};
use super::fragile::Fragile;
use super::material::{PROVIDER, SIGNED, Wants, configuration, fixture, sha256};
use super::points::{Point, Side, Tripwire};
use crate::config::{self, Environment};
use crate::control::{ActiveJobs, JobAction, JobService};
use crate::depot::Depot;
use crate::intake::{Desk, Find, Identity, Receipt};
use crate::pipeline::{
    Accounts, Brake, Clock, Context, Judge, Learnt, Listings, Names, Queue, Receipts, Settings, forget_ended,
    note, withdraw,
};
use crate::reception::{Reception, Rulebook};
use crate::store::{Filter, Memory, Store};
use crate::{accounts, outbox};
use dropship_job::{Event, Job, State, Step};

/// Nothing in these worlds takes longer.
const FOREVER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Between the publishing of the first label and the creation of the second.
const SOAK: Duration = Duration::from_secs(2 * 3600);

/// Everything that outlives a daemon.
pub(super) struct World {
    home: tempfile::TempDir,
    memory: Arc<Memory>,
    pub(super) wire: Arc<Tripwire>,
    pub(super) cloud: Cloud,
    clock: Clock,
    rulebook: PathBuf,
    /// Products that somebody else made.
    strangers: BTreeSet<u64>,
    /// Jobs that ended so long ago are forgotten when nothing else is left to do.
    pub(super) keep: Option<Duration>,
}

/// A daemon.
struct Daemon {
    context: Arc<Context<Cloud>>,
    reception: Arc<Reception>,
}

/// What the operator does.
pub(super) enum Deed {
    /// To the job.
    Act(JobAction),
    /// Labels on their way are withdrawn.
    Withdraw,
    /// A label is changed by hand; then the job is approved.
    Edit,
}

/// What the operator does to a job that no worker has in hand.
pub(super) type Operator<'a> = &'a mut dyn FnMut(&Job) -> Option<Deed>;

impl World {
    /// An empty world whose clock is tokio's, in memory where the machine has a place for that.
    pub(super) fn new() -> Self {
        Self::with(Wants::default())
    }

    /// The same, with rules that ask for more.
    pub(super) fn with(wants: Wants) -> Self {
        let shm = Path::new("/dev/shm");
        let home = tempfile::Builder::new().prefix("dropship").tempdir_in(shm);
        let home = home.or_else(|_| tempfile::tempdir()).expect("a folder");
        let wire = Arc::new(Tripwire::new());
        fs::create_dir(home.path().join("drop")).expect("a drop folder");
        fs::create_dir(home.path().join("store")).expect("a store");
        let rulebook = home.path().join("dropship.toml");
        fs::write(&rulebook, configuration(home.path(), wants)).expect("a configuration");
        let cloud = Cloud::new(Arc::clone(&wire), SIGNED.clone());
        let clock = Clock::tokio(jiff::Timestamp::now());
        Self {
            home,
            memory: Arc::default(),
            wire,
            cloud,
            clock,
            rulebook,
            strangers: BTreeSet::new(),
            keep: None,
        }
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::new(Fragile { memory: Arc::clone(&self.memory), wire: Arc::clone(&self.wire) })
    }

    fn dropped(&self, name: &str) -> PathBuf {
        self.home.path().join("drop").join(format!("{name}.cab"))
    }

    /// A build server drops bytes of a fixture under a name.
    pub(super) fn drop_package(&self, name: &str, bytes_of: &str) {
        let staged = self.home.path().join("drop/staged.part");
        fs::write(&staged, fixture(&format!("cab/{bytes_of}.cab"))).expect("a copy");
        fs::rename(&staged, self.dropped(name)).expect("a rename");
    }

    /// Somebody else creates a product of the name that a package of this name gets.
    pub(super) fn stranger(&mut self, name: &str) {
        let id = self.cloud.stranger(&format!("{PROVIDER} {name}"));
        self.strangers.insert(id);
    }

    /// Digests of what lies in the drop folder.
    fn lying(&self) -> BTreeSet<String> {
        let items = fs::read_dir(self.home.path().join("drop")).expect("the folder").flatten();
        items.map(|item| sha256(&fs::read(item.path()).expect("a file"))).collect()
    }

    /// Somebody takes a file away.
    pub(super) fn take_away(&self, name: &str) {
        let _was_there = fs::remove_file(self.dropped(name)).is_ok();
    }

    /// A daemon begins, with what the store remembers.
    fn start(&self) -> Daemon {
        let store = self.store();
        let depot = Depot::open(&self.home.path().join("store")).expect("a depot").keeping_free(Some(0));
        let config =
            config::load(&self.rulebook, &Environment::default()).unwrap_or_else(|report| panic!("{report}"));
        let mut settings = Settings::of(&config.api);
        settings.workers = 3;
        let policy = accounts::policy(&config).expect("a policy");
        let rulebook = Rulebook { policy, outbox: self.home.path().join("store/outbox"), config };
        let hear = Arc::new(std::sync::OnceLock::<Arc<Context<Cloud>>>::new());
        let told = Arc::clone(&hear);
        let tell = Box::new(move |job: &Job, events: &[Event]| {
            let context = told.get().expect("the daemon began");
            context.runtime.block_on(context.tell(job, events));
        });
        let reception = Arc::new(Reception::new(Arc::clone(&store), depot.clone(), rulebook, tell));
        reception.sweep(&reception.copies().expect("listed")).expect("swept");
        let open = store.open_jobs().expect("open jobs");
        let context = Arc::new(Context {
            witness: Arc::new(()),
            brake: Brake::remembered(&*store).expect("a brake"),
            names: Names::of(&open),
            listings: Listings::default(),
            learnt: Learnt::remembered(&*store).expect("learnt"),
            queue: Queue::default(),
            services: BTreeMap::from([("default".to_owned(), self.cloud.clone())]),
            judge: Arc::clone(&reception) as Arc<dyn Judge>,
            depot,
            accounts: Accounts::default(),
            receipts: Receipts::default(),
            clock: self.clock,
            settings,
            news: watch::channel(None).0,
            draining: CancellationToken::new(),
            broken: watch::channel(None).0,
            runtime: Handle::current(),
            store,
        });
        assert!(hear.set(Arc::clone(&context)).is_ok(), "a daemon begins once");
        context.take_up().expect("taken up");
        Daemon { context, reception }
    }

    /// A daemon lives until nothing is left to do, or until it dies: then gives where.
    pub(super) async fn live(&self, operator: Operator<'_>) -> Option<(Point, Side)> {
        let daemon = self.start();
        let life = async {
            tokio::join!(super::super::run(Arc::clone(&daemon.context)), async {
                daemon.look().await;
                daemon.rest(operator).await;
                if let Some(keep) = self.keep {
                    let _dead = forget_ended(&daemon.context, keep).await.is_err();
                }
                daemon.context.draining.cancel();
            });
        };
        tokio::select! {
            biased;
            () = self.wire.tripped() => {}
            () = life => {}
        }
        drop(daemon);
        // Virtual time stands still until every blocking call of the dead daemon has ended.
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.wire.reset()
    }

    /// Daemons live until one comes to rest; gives where the others died.
    pub(super) async fn come_to_rest(&self, operator: Operator<'_>) -> Vec<(Point, Side)> {
        let mut deaths = Vec::new();
        while let Some(death) = self.live(operator).await {
            deaths.push(death);
            let lost = self.copies_lost();
            assert!(lost.is_empty(), "{lost:?} after {deaths:?}");
            assert!(deaths.len() < 100, "it dies again and again: {deaths:?}");
        }
        deaths
    }

    /// A daemon lives for so long, then dies or is asked to end.
    pub(super) async fn live_for(&self, span: Duration, drained: bool) -> Option<(Point, Side)> {
        let daemon = self.start();
        let life = async {
            tokio::join!(super::super::run(Arc::clone(&daemon.context)), daemon.look(), async {
                tokio::time::sleep(span).await;
                if drained {
                    daemon.context.draining.cancel();
                }
            });
        };
        let kill = async {
            tokio::time::sleep(span).await;
            if drained {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.wire.tripped() => {}
            () = kill => {}
            () = life => {}
        }
        drop(daemon);
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.wire.reset()
    }

    /// All jobs, oldest first.
    pub(super) fn jobs(&self) -> Vec<Job> {
        let mut jobs = self.memory.jobs(&Filter::default()).expect("jobs");
        jobs.reverse();
        jobs
    }

    /// Writes to the store as somebody who asks the daemon through its socket does.
    pub(super) fn service(&self) -> JobService {
        JobService::new(self.store(), Arc::new(Nobody), false)
    }

    /// Jobs whose captured copy is gone before the signed package is back (I1).
    fn copies_lost(&self) -> Vec<String> {
        let depot = Depot::open(&self.home.path().join("store")).expect("a depot");
        let jobs = self.jobs().into_iter();
        let needs = jobs.filter(|job| job.accepted && !job.state.has_ended() && job.step <= Step::Upload);
        needs
            .filter(|job| !depot.package(&job.id).exists())
            .map(|job| format!("{} lost its copy", job.id))
            .collect()
    }

    /// What is not as it must be once everything is at rest; `dropped` are the digests of all that ever was dropped.
    pub(super) fn violations(&self, dropped: &BTreeSet<String>) -> Vec<String> {
        let mut wrong = self.copies_lost();
        let jobs = self.jobs();
        let found: BTreeSet<_> = jobs.iter().map(|job| job.package.sha256.clone()).collect();
        if jobs.len() != found.len() {
            wrong.push(format!("I1: {} jobs for {} packages", jobs.len(), found.len()));
        }
        wrong.extend(found.difference(dropped).map(|sha256| format!("I1: {sha256} was never dropped")));
        wrong.extend(self.lying().difference(&found).map(|sha256| format!("I1: {sha256} has no job")));
        let sky = self.cloud.sky();
        let twins = self.twins();
        let owner = |id: u64| self.memory.owner(id).expect("an owner").filter(|_| true);
        let all = sky.products.keys().chain(sky.submissions.keys()).chain(sky.labels.keys());
        for id in all.filter(|id| owner(**id).is_none() && !twins.contains(id)) {
            let doubted = jobs.iter().any(|job| !job.state.has_ended() && job.doubt().is_some());
            if !doubted && !self.strangers.contains(id) {
                wrong.push(format!("I2: {id} at the service is nobody's"));
            }
        }
        for (id, sent) in &sky.submissions {
            let Some(job) = owner(*id).and_then(|id| jobs.iter().find(|job| job.id == id)) else { continue };
            if sent.uploaded.as_ref().is_some_and(|sha256| *sha256 != job.package.sha256) {
                wrong.push(format!("I5: {id} holds other bytes than job {} has", job.id));
            }
        }
        for (id, label) in &sky.labels {
            let Some(job) = owner(*id).and_then(|id| jobs.iter().find(|job| job.id == id)) else { continue };
            if !job.labels.iter().any(|asked| asked.name == label.name) {
                wrong.push(format!("label {id} `{}` was not asked for", label.name));
            }
        }
        drop(sky);
        for job in &jobs {
            wrong.extend(self.wrong_in(job));
        }
        wrong
    }

    fn wrong_in(&self, job: &Job) -> Vec<String> {
        let mut wrong = Vec::new();
        if !job.ghosts.is_empty() {
            wrong.push(format!("nobody looked for what came late of {}: {:?}", job.id, job.ghosts));
        }
        if !job.state.has_ended() && !matches!(job.state, State::Held { .. }) {
            wrong.push(format!("I4: job {} is {} and nothing moves it", job.id, job.state.kind().as_str()));
        }
        let story = self.memory.story(&job.id).expect("a story");
        let events = || story.iter().map(|told| (told.at, &told.event));
        match dropship_job::fold(&job.id, events()) {
            Ok(Some(again)) if again == *job => {}
            other => wrong.push(format!("I3: the story of {} folds to something else: {other:?}", job.id)),
        }
        let published = |name: &str| {
            job.labels.iter().find(|label| label.name.ends_with(name)).and_then(|label| label.published)
        };
        if let (Some(ring), Some(wide)) = (published("ring"), published("wide")) {
            let between = Duration::try_from(wide.duration_since(ring)).unwrap_or_default();
            if between < SOAK + TAKES {
                wrong.push(format!("the second label of {} came {between:?} after the first", job.id));
            }
        }
        let receipt = Path::new(&job.package.outbox).join(outbox::RECEIPT);
        let receipt: Value =
            fs::read(&receipt).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        if receipt["state"] != job.state.kind().as_str() {
            wrong.push(format!(
                "the receipt of {} says {}, not {}",
                job.id,
                receipt["state"],
                job.state.kind().as_str()
            ));
        }
        wrong
    }

    /// How long things took, as the store remembers it.
    pub(super) fn learnt(&self) -> Vec<(String, String)> {
        self.memory.flags("took/").expect("flags")
    }

    /// Ids that dropship told of as nobody's.
    pub(super) fn twins(&self) -> BTreeSet<u64> {
        let stories = self.jobs().into_iter().flat_map(|job| self.memory.story(&job.id).expect("a story"));
        let twins = stories.filter_map(|told| match told.event {
            Event::Twins { ids, .. } => Some(ids),
            _ => None,
        });
        twins.flatten().collect()
    }
}

impl Daemon {
    /// A full look at the drop folder, as intake does it.
    async fn look(&self) {
        let (reception, rulebook) = (Arc::clone(&self.reception), self.reception.rulebook());
        let looked = tokio::task::spawn_blocking(move || {
            let folder = &rulebook.config.folders[0];
            let mut items: Vec<_> = fs::read_dir(&folder.path).expect("the folder").flatten().collect();
            items.sort_by_key(fs::DirEntry::file_name);
            for item in items {
                let identity = Identity::from(&item.metadata().expect("a file"));
                if reception.knows(&folder.name, &item.path(), &identity, None) {
                    continue;
                }
                let find = Find {
                    folder: folder.name.clone(),
                    root: folder.path.clone(),
                    path: item.path(),
                    name: item.file_name(),
                    identity,
                    settled: true,
                    stale: true,
                    backlog: false,
                    sidecar: None,
                };
                if reception.receive(&find) != Receipt::Taken {
                    return;
                }
            }
            reception.looked(&folder.name);
        });
        looked.await.expect("a look");
    }

    /// Returns when nothing happens by itself any more, and the operator has nothing to do.
    async fn rest(&self, operator: Operator<'_>) {
        let began = tokio::time::Instant::now();
        while self.operated(operator).await
            || !self.context.queue.is_empty()
            || self.context.queue.running() > 0
        {
            tokio::time::sleep(Duration::from_secs(61)).await;
            let open = self.context.store.open_jobs().expect("open jobs");
            assert!(began.elapsed() < FOREVER, "it never comes to rest: {open:#?}");
        }
    }

    /// The operator goes through the jobs; true when something was done.
    async fn operated(&self, operator: Operator<'_>) -> bool {
        let mut jobs = self.context.store.jobs(&Filter::default()).expect("jobs");
        jobs.reverse();
        let service = JobService::new(
            Arc::clone(&self.context.store),
            Arc::new(Listener(Arc::clone(&self.context))),
            false,
        );
        let mut done = false;
        jobs.retain(|job| !self.context.queue.is_running(&job.id));
        for job in jobs {
            let Some(deed) = operator(&job) else { continue };
            done = true;
            let (store, by) = (&*self.context.store, "the operator");
            match deed {
                Deed::Withdraw => {
                    // A daemon that dies of it is done with.
                    let Ok((events, _)) = withdraw(store, &self.context.services, &job, by).await else {
                        continue;
                    };
                    let job = store.job(&job.id).expect("a job").expect("the job");
                    self.context.tell(&job, &events).await;
                }
                Deed::Edit => {
                    let event = Event::Edited { label: 0, by: by.to_owned(), update: "{}".to_owned() };
                    if let Ok(Some(job)) = note(store, &job.id, event.clone()).await {
                        self.context.tell(&job, &[event]).await;
                    }
                    let _dead =
                        service.act(&job.id, &JobAction::Approve { request: None }, by).await.is_err();
                }
                Deed::Act(act) => {
                    let result = service.act(&job.id, &act, by).await;
                    assert!(result.is_ok() || self.context.store.job(&job.id).is_ok(), "{result:?}");
                }
            }
        }
        done
    }
}

/// Without a daemon nobody has a job in hand.
struct Nobody;

impl ActiveJobs for Nobody {
    fn is_running(&self, _: &dropship_job::JobId) -> bool {
        false
    }

    fn on_event(&self, _: &Job, _: &[Event]) {}
}

/// The daemon hears of what the operator did.
struct Listener(Arc<Context<Cloud>>);

impl ActiveJobs for Listener {
    fn is_running(&self, id: &dropship_job::JobId) -> bool {
        self.0.queue.is_running(id)
    }

    fn on_event(&self, job: &Job, events: &[Event]) {
        let (context, job, events) = (Arc::clone(&self.0), job.clone(), events.to_vec());
        self.0.runtime.spawn(async move { context.tell(&job, &events).await });
    }
}

/// Runs in a world of paused time.
pub(super) fn in_paused_time<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(test)
}
