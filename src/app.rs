//! The daemon's life: loaded, running, draining. Each stage is a type, so no order but this one compiles.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::model::{After, Config};
use crate::control;
use crate::depot::Depot;
use crate::metrics::Metrics;
use crate::notify::Notifier;
use crate::pipeline::{Brake, Clock, Context, Learnt, Names, Queue, Settings};
use crate::pulse::{Beat, Pulse};
use crate::reception::{Reception, Rulebook};
use crate::store::{Durable, Opening, Store, StoreError};
use crate::{accounts, observe, service};
use dropship_hardware::{Client, Observer};
use dropship_intake::Intake;

mod bound;
mod pages;
mod reach;
mod reload;
mod status_line;
mod upkeep;
mod watchdog;
mod witness;

pub use bound::OtherService;
use pages::Pages;
use reach::DaemonControl;
pub use reload::Reloader;
use witness::DaemonWitness;

/// How long the store may take to open.
const START: Duration = Duration::from_secs(30 * 60);
/// How long calls under way may take to end; a create may take five minutes to answer.
const DRAIN: Duration = Duration::from_secs(330);

/// How the daemon was asked to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// End when no job is queued, running or due within the next minute.
    pub until_idle: bool,
    /// Talk to a sandbox: nothing goes to Microsoft, and no dropped file is moved or deleted.
    pub sandbox: bool,
}

/// A daemon with its configuration, which has touched nothing yet.
pub struct Loaded {
    config: Config,
    options: Options,
}

/// A daemon that takes and works on packages.
pub struct Running {
    context: Arc<Context<Client>>,
    intake: Arc<Intake>,
    reloader: Arc<Reloader>,
    workers: JoinHandle<()>,
    socket: PathBuf,
    closing: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    watchdog: Option<watchdog::Watchdog>,
    options: Options,
}

/// How the daemon's life ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Well,
    /// The store failed.
    Broken(String),
}

impl Loaded {
    /// A daemon for this configuration.
    #[must_use]
    pub fn new(config: Config, options: Options) -> Self {
        Self { config, options }
    }

    /// Opens the store, binds the socket, watches the folders.
    ///
    /// # Errors
    /// Whatever keeps it from running, with what to do about it.
    pub async fn start(mut self) -> anyhow::Result<Running> {
        if self.options.sandbox {
            for folder in &mut self.config.folders {
                folder.after = After::Leave;
            }
        }
        let config = self.config;
        let home = config.store.path.clone();
        // A journal that has to be caught up with may take its time.
        let starting = service::extend_timeouts(START);
        let (store, opening) = open(&home, &config.control.socket).await?;
        tell_opening(&opening);
        let stopped = store.stopped();
        let pulse = Pulse::default();
        pulse.listen("store", store.beat());
        let store: Arc<dyn Store> = Arc::new(store);
        bound::check(&*store, &config, self.options.sandbox).await?;

        let metrics = Arc::new(Metrics::default());
        let counted = Arc::clone(&metrics);
        let observer = Observer::new(move |operation, status, took| counted.on_call(operation, status, took));
        let services = accounts::observed_clients(&config, self.options.sandbox, &observer)?;
        let draining = CancellationToken::new();
        let notifier =
            Notifier::start(&config.notify, &home, Arc::clone(&store), self.options.sandbox, &draining)?;
        let notifier = Arc::new(notifier);
        let scraped = config.metrics;
        let depot = Depot::open(&home).with_context(|| format!("cannot open {}", home.display()))?;
        let depot = depot.keeping_free(config.store.min_free);
        let open = store.open_jobs()?;
        let queue = Queue::default();
        let mut settings = Settings::of(&config.api);
        settings.sandbox = self.options.sandbox;
        settings.folders.replace(&config.folders);
        let socket = config.control.socket.clone();
        let (keep, most_waiting) = (config.store.keep, config.store.most_waiting);
        let specs = config.folders.clone();

        let (news, _) = watch::channel(None);
        let (broken, _) = watch::channel(None);
        let hear = Arc::new(std::sync::OnceLock::<Arc<Context<Client>>>::new());
        let rulebook = Rulebook { policy: accounts::policy(&config)?, outbox: home.join("outbox"), config };
        let tell = tell_later(&hear);
        let reception = Reception::new(Arc::clone(&store), depot.clone(), rulebook, tell);
        let reception = Arc::new(reception.holding_back(count_later(&hear), most_waiting));
        if opening.begun {
            let (adopting, sandbox) = (Arc::clone(&reception), self.options.sandbox);
            observe::taken_up(tokio::task::spawn_blocking(move || adopting.adopt(sandbox)).await??);
        }
        // Listed before anything can come in, gone through when all is up: there may be many.
        let copies = reception.copies()?;
        let sweeping = Arc::clone(&reception);
        let context = Arc::new(Context {
            brake: Brake::remembered(&*store)?,
            names: Names::of(&open),
            listings: crate::pipeline::Listings::default(),
            learnt: Learnt::remembered(&*store)?,
            store,
            queue,
            services,
            judge: Arc::clone(&reception) as Arc<dyn crate::pipeline::Judge>,
            depot,
            accounts: crate::pipeline::Accounts::default(),
            receipts: crate::pipeline::Receipts::default(),
            clock: Clock::Wall,
            settings,
            news,
            draining,
            broken,
            runtime: tokio::runtime::Handle::current(),
            witness: Arc::new(DaemonWitness::new(&pulse, Arc::clone(&metrics), Arc::clone(&notifier))),
        });
        if hear.set(Arc::clone(&context)).is_err() {
            return Err(anyhow!("the daemon was started twice"));
        }
        context.take_up()?;

        let intake = Arc::new(Intake::start(
            specs,
            Arc::clone(&reception) as _,
            Arc::new(observe::FolderLog),
            &context.draining,
        )?);
        let closing = CancellationToken::new();
        let attended = Beat::default();
        pulse.listen("intake", &attended);
        let reloader = Arc::new(Reloader::new(Arc::clone(&context), Arc::clone(&intake), reception));
        let handler = DaemonControl::new(Arc::clone(&reloader));
        let pages = pages::routes(Arc::new(Pages {
            context: Arc::clone(&context),
            intake: Arc::clone(&intake),
            metrics: Arc::clone(&metrics),
            notifier,
            pulse: pulse.clone(),
            since: jiff::Timestamp::now(),
        }));
        let scraping = match scraped {
            Some(address) => Some(pages::listen(address, pages.clone()).await?),
            None => None,
        };
        let serving = control::serve(&socket, Arc::new(handler), pages, closing.clone().cancelled_owned())
            .with_context(|| format!("cannot bind the control socket {}", socket.display()))?;
        let mut tasks = vec![
            tokio::spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!("the control socket ended: {error}");
                }
            }),
            tokio::spawn(upkeep::run(Arc::clone(&context), keep, home)),
            tokio::spawn(upkeep::end_with_the_store(Arc::clone(&context), stopped)),
            tokio::spawn(status_line::keep(Arc::clone(&context), Arc::clone(&intake), Arc::clone(&metrics))),
            tokio::spawn(watchdog::attend(Arc::clone(&intake), attended)),
        ];
        tasks.extend(scraping);
        let workers = tokio::spawn(crate::pipeline::run(Arc::clone(&context)));
        tokio::task::spawn_blocking(move || {
            if let Err(error) = sweeping.sweep(&copies) {
                tracing::error!("what is left of captured packages cannot be thrown away: {error}");
            }
        });
        drop(starting);
        let watchdog = watchdog::start(&pulse, &socket);
        let status = status_line::of(&context, &intake, &metrics);
        observe::ready(&status, self.options.sandbox);
        service::ready(&status);
        Ok(Running {
            context,
            intake,
            reloader,
            workers,
            socket,
            closing,
            tasks,
            watchdog,
            options: self.options,
        })
    }
}

impl Running {
    /// What the workers share; for those who want to watch.
    #[must_use]
    pub fn context(&self) -> &Arc<Context<Client>> {
        &self.context
    }

    /// Reads the configuration anew when it is asked to.
    #[must_use]
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Runs until it is asked to stop, is idle and was asked to stop then, or the store fails; then drains.
    pub async fn until(self, stop: impl Future<Output = ()>) -> Ended {
        let mut broken = self.context.broken.subscribe();
        let failed = async {
            match broken.wait_for(Option::is_some).await {
                Ok(why) => why.clone().unwrap_or_default(),
                Err(_) => String::new(),
            }
        };
        let why = tokio::select! {
            () = stop => None,
            () = self.idle(), if self.options.until_idle => None,
            why = failed => Some(why),
        };
        self.drain(why).await
    }

    /// Returns when nothing is left to do within the next minute.
    async fn idle(&self) {
        while tokio::time::timeout(Duration::from_secs(1), self.intake.initial_scan_done()).await.is_err() {
            // A look that waits for room ends when jobs do; when none will, it is not waited for.
            let soon = self.context.clock.after(Duration::from_secs(60));
            if self.intake.summary().backpressure > 0 && self.context.queue.is_idle_until(soon) {
                return;
            }
        }
        let mut news = self.context.news.subscribe();
        loop {
            let soon = self.context.clock.after(Duration::from_secs(60));
            if self.context.queue.is_idle_until(soon) && self.intake.summary().candidates == 0 {
                return;
            }
            // A look each second besides the news: a candidate that is given up tells nobody.
            drop(tokio::time::timeout(Duration::from_secs(1), news.changed()).await);
        }
    }

    /// Stops intake, lets calls under way end, and puts everything down.
    async fn drain(self, broken: Option<String>) -> Ended {
        service::stopping("Letting calls under way end");
        observe::stopping(self.context.queue.running());
        let began = std::time::Instant::now();
        let ending = service::extend_timeouts(DRAIN + Duration::from_secs(30));
        self.context.draining.cancel();
        let all = async {
            self.intake.stop().await;
            if let Err(error) = self.workers.await {
                tracing::error!("the workers ended badly: {error}");
            }
        };
        // What does not end by then is in doubt, and looked for at the next start.
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            observe::drain_gave_up(self.context.queue.running());
        }
        self.closing.cancel();
        for task in self.tasks {
            task.abort();
        }
        drop(std::fs::remove_file(&self.socket));
        drop((self.watchdog, ending));
        observe::stopped(began.elapsed());
        match broken {
            None => Ended::Well,
            Some(why) => Ended::Broken(why),
        }
    }
}

/// Opens the store. A command that looks into it while no daemon runs has its lock for a moment; a daemon keeps it.
async fn open(home: &Path, socket: &Path) -> anyhow::Result<(Durable, Opening)> {
    const MOMENT: Duration = Duration::from_secs(10);
    let began = std::time::Instant::now();
    loop {
        let home = home.to_owned();
        match tokio::task::spawn_blocking(move || Durable::open(&home)).await? {
            Err(StoreError::Locked { .. })
                if began.elapsed() < MOMENT && std::os::unix::net::UnixStream::connect(socket).is_err() =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// Reception begins before the context does: what it tells reaches the context once that is there.
fn tell_later(hear: &Arc<std::sync::OnceLock<Arc<Context<Client>>>>) -> crate::reception::Tell {
    let hear = Arc::clone(hear);
    Box::new(move |job, events| {
        if let Some(context) = hear.get() {
            context.runtime.block_on(context.tell(job, events));
        }
    })
}

fn count_later(hear: &Arc<std::sync::OnceLock<Arc<Context<Client>>>>) -> crate::reception::Count {
    let hear = Arc::clone(hear);
    Box::new(move |folder| hear.get().map(|context| context.crowd(folder)).unwrap_or_default())
}

fn tell_opening(opening: &Opening) {
    if opening.passed > 0 {
        tracing::warn!(
            event = "journal_damaged",
            "{} damaged lines of the journal were passed over; the database holds what they said",
            opening.passed
        );
    }
    if let Some((aside, why)) = &opening.quarantined {
        observe::store_mended(aside, why, opening.caught_up);
    } else if opening.caught_up > 0 && !opening.begun {
        tracing::info!(
            event = "store_caught_up",
            "The store caught up with {} lines of its journal",
            opening.caught_up
        );
    }
}
