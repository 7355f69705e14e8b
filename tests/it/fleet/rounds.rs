//! Long lives of three daemons in which something fails in each round.
//!
//! `DROPSHIP_ROUNDS` sets the number of rounds; `DROPSHIP_SEED` repeats them.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dropship_sandbox::{Fault, FaultAction};
use jiff::Timestamp;

use super::nodes::{Fleet, NODES};
use super::proxy::Way;
use super::server::database_of_its_own;
use crate::fleet_objects::s3::S3;
use crate::harness::{Random, TIME_LIMIT, bytes};
use crate::storm::PackageTemplate;

/// Interval at which due repairs are made.
const TICK: Duration = Duration::from_millis(10);

fn rounds() -> usize {
    std::env::var("DROPSHIP_ROUNDS").map_or(15, |rounds| rounds.parse().expect("a number"))
}

/// Time in which nothing may be sent.
enum Pause {
    Off,
    Asked(usize, JoinHandle<(bool, Timestamp)>),
    On(Timestamp, Instant),
    Ending(usize, JoinHandle<(bool, Timestamp)>),
}

/// Runs a command; returns whether it succeeded, and when it ended.
fn run(mut command: Command) -> JoinHandle<(bool, Timestamp)> {
    std::thread::spawn(move || {
        let output = command.output().expect("the command runs");
        (output.status.success(), Timestamp::now())
    })
}

struct Life {
    fleet: Fleet,
    random: Random,
    packages: PackageTemplate,
    dropped: u64,
    pause: Pause,
    /// Whether the network of a node was down before the pause was answered: a call that had begun before may arrive late.
    is_pause_blurred: bool,
    /// How often each fault happened, and each pause was observed.
    counts: BTreeMap<&'static str, usize>,
}

impl Life {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn time(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.random.below(most))
    }

    fn drop_package(&mut self) {
        // One place in four is the folder of all nodes.
        let node = usize::try_from(self.random.below(NODES as u64 + 1)).expect("small");
        let node = Some(node).filter(|node| *node < NODES);
        let name = format!("p{}.cab", self.dropped);
        self.fleet.drop_package(node, &name, &self.packages.package(self.dropped));
        self.dropped += 1;
    }

    /// Lets time pass, while due repairs are made and a pause is observed.
    fn pass(&mut self, time: Duration) {
        let (started, (_keep, never)) = (Instant::now(), std::sync::mpsc::channel::<()>());
        loop {
            self.fleet.tick();
            self.observe_pause();
            if started.elapsed() >= time {
                return;
            }
            let _timed_out = never.recv_timeout(TICK);
        }
    }

    /// The next running node after this one.
    fn running_after(&self, node: usize) -> usize {
        let next = (1..=NODES).map(|step| (node + step) % NODES).find(|node| self.fleet.is_running(*node));
        next.unwrap_or(node)
    }

    fn observe_pause(&mut self) {
        self.pause = match std::mem::replace(&mut self.pause, Pause::Off) {
            Pause::Asked(node, thread) if thread.is_finished() => match thread.join().expect("it ends") {
                (true, answered) => Pause::On(answered, Instant::now() + self.time(1200)),
                (false, _) => self.ask(self.running_after(node)),
            },
            Pause::On(answered, until) if Instant::now() >= until => {
                if self.is_pause_blurred {
                    self.count("pauses while a network was down");
                } else {
                    self.assert_nothing_sent_since(answered);
                    self.count("pauses");
                }
                let node = self.running_after(0);
                Pause::Ending(node, run(self.fleet.command(node, &["resume"])))
            }
            Pause::Ending(node, thread) if thread.is_finished() => match thread.join().expect("it ends") {
                (true, _) => Pause::Off,
                (false, _) => {
                    let node = self.running_after(node);
                    Pause::Ending(node, run(self.fleet.command(node, &["resume"])))
                }
            },
            other => other,
        };
    }

    fn ask(&self, node: usize) -> Pause {
        Pause::Asked(node, run(self.fleet.command(node, &["pause"])))
    }

    /// Uploads that have begun may go on: a pause stops the commit.
    fn assert_nothing_sent_since(&self, answered: Timestamp) {
        let sent: Vec<_> = (self.fleet.env.sandbox.control().requests().into_iter())
            .filter(|request| request.at > answered && request.method != "GET")
            .filter(|request| !["token", "blob"].contains(&request.operation))
            .collect();
        assert!(sent.is_empty(), "paused at {answered}: {sent:#?}\n{}", self.fleet.logs());
    }

    /// Lets something fail.
    fn fail(&mut self) {
        let node = usize::try_from(self.random.below(NODES as u64)).expect("small");
        let way = |random: &mut Random| [Way::Open, Way::Closed, Way::Stalled][random.below(3) as usize];
        let kind = match self.random.below(100) {
            0..14 => {
                let down = self.time(4000);
                self.fleet.kill(node, down);
                "kills"
            }
            14..36 => {
                let time = self.time(6000);
                self.fleet.freeze(node, time);
                "freezes"
            }
            36..44 if self.fleet.has_networks() => {
                let time = self.time(6000);
                self.fleet.cut_network(node, time);
                // Once the pause is answered, no call is in flight.
                self.is_pause_blurred |= matches!(self.pause, Pause::Asked(..));
                "cuts from the network"
            }
            36..52 => {
                let (way, time) = (way(&mut self.random), self.time(6000));
                self.fleet.cut_database(node, way, time);
                "cuts from the database"
            }
            52..66 => {
                let (way, time) = (way(&mut self.random), self.time(3000));
                self.fleet.cut_service(node, way, time);
                "cuts from the service"
            }
            66..71 => {
                let (how, down) = (["INT", "QUIT"][self.random.below(2) as usize], self.time(1500));
                self.fleet.stop_server(how, down);
                "restarts of the server"
            }
            71..72 => {
                if self.fleet.fail_over() {
                    "failovers"
                } else {
                    "failovers that came too late"
                }
            }
            72..80 => {
                self.fleet.database.cut_connections();
                "ends of all connections"
            }
            80..86 if self.fleet.storage.is_some() => {
                let time = self.time(3000);
                self.fleet.fail_storage(time);
                "outages of the object storage"
            }
            80..93 => {
                self.fail_at_service();
                "faults of the service"
            }
            _ => {
                if let Pause::Off = self.pause {
                    self.is_pause_blurred = self.fleet.is_a_network_down();
                    self.pause = self.ask(node);
                }
                "requests for a pause"
            }
        };
        self.count(kind);
    }

    /// Has the service fail, or answer late or not at all.
    fn fail_at_service(&mut self) {
        let operations =
            ["create_product", "create_submission", "create_label", "commit", "blob", "get_submission"];
        let operation = operations[self.random.below(operations.len() as u64) as usize];
        let action = match self.random.below(5) {
            0 => FaultAction::DropAfter,
            1 => FaultAction::Late { ms: 100 + self.random.below(800), cut: true },
            2 => FaultAction::Delay { ms: self.random.below(1500) },
            3 => FaultAction::status(503),
            _ => FaultAction::DropBefore,
        };
        self.fleet.env.sandbox.control().fault(Fault::on(operation, action)).expect("a fault");
    }

    /// Repairs everything, and waits until each package has succeeded.
    fn end(&mut self) {
        self.fleet.env.sandbox.control().clear_faults();
        let started = Instant::now();
        self.fleet.repair_all();
        while !matches!(self.pause, Pause::Off) {
            self.pass(TICK);
            assert!(started.elapsed() < TIME_LIMIT, "the pause does not end\n{}", self.fleet.logs());
        }
        loop {
            self.pass(Duration::from_millis(200));
            let receipts = self.fleet.receipts();
            let done = receipts.iter().filter(|receipt| receipt["state"] == "succeeded").count();
            if done as u64 == self.dropped {
                return;
            }
            let open: Vec<_> = receipts.iter().filter(|receipt| receipt["state"] != "succeeded").collect();
            assert!(
                started.elapsed() < TIME_LIMIT,
                "{done} of {} succeeded: {open:#?}\n{}",
                self.dropped,
                self.fleet.logs()
            );
        }
    }
}

// Two fleets share the rounds: most of the time they wait for something.
#[test]
fn fleet_that_fails_in_every_way_loses_and_doubles_nothing() {
    live(rounds().div_ceil(2), None);
}

#[test]
fn fleet_on_object_storage_that_fails_in_every_way_loses_and_doubles_nothing() {
    live(rounds() / 2, Some(S3::start()));
}

fn live(rounds: usize, storage: Option<S3>) {
    let Some(database) = database_of_its_own() else { return };
    let packages = PackageTemplate::new(&bytes("cab/good-signed.cab"));
    let (fleet, random) = (Fleet::new(database, storage), Random::new());
    let (pause, counts) = (Pause::Off, BTreeMap::new());
    let mut life = Life { fleet, random, packages, dropped: 0, pause, is_pause_blurred: false, counts };
    let started = Instant::now();
    for _ in 0..rounds {
        if life.dropped == 0 || life.random.below(2) == 0 {
            life.drop_package();
        }
        life.fail();
        let time = life.time(600);
        life.pass(time);
    }
    life.end();
    let count = usize::try_from(life.dropped).expect("small");
    assert_eq!(life.fleet.env.created(), (count, count, count), "{}", life.fleet.logs());
    assert_eq!(life.fleet.receipts().len(), count);
    assert_eq!(
        life.fleet.left(),
        0,
        "files whose packages have succeeded are deleted\n{}",
        life.fleet.logs()
    );
    let jobs =
        life.fleet.database.sql("SELECT count(DISTINCT topic) FROM dropship.lines WHERE topic ~ '^[0-9a-z]'");
    assert_eq!(jobs, count.to_string(), "jobs in the journal");
    assert!(!life.fleet.is_logged("panicked"), "{}", life.fleet.logs());
    let taken =
        life.fleet.database.sql("SELECT count(*) FROM dropship.lines WHERE line LIKE '%\"entries\":[]%'");
    eprintln!(
        "{rounds} rounds in {:.1?}: {} packages, 0 lost, 0 doubled; the lease was taken {taken} times, {} nodes ended without it; {:?}",
        started.elapsed(),
        count,
        life.fleet.ends,
        life.counts
    );
}
