//! A store that remembers many packages, and what the next one reads of it.

use std::sync::Arc;
use std::time::Duration;

use super::super::fixtures::sha256;
use super::Simulation;
use dropship_job::{JobId, Label, State};
use dropship_store::{Commit, Entry, PublishedLabel, Reads, Store};

impl Simulation {
    /// Writes copies of the only job to the store: other packages of the same driver, each with its objects, its file and its
    /// published labels. Half of them are of an older version, for other devices.
    pub(crate) async fn remember_copies_of_the_first_job(&self, count: u64) {
        let job = self.jobs().pop().expect("a job");
        let events = self.memory.history(job.id()).expect("its history").into_iter().map(|entry| entry.event);
        let entry = Entry::Job { job: job.id().clone(), rev: 0, events: events.collect() };
        let mut entries = vec![entry];
        for id in job.labels().iter().filter_map(Label::id) {
            let known = self.memory.published_label(id).expect("read").expect("a published label");
            let targets = self.memory.targets_of_label(id).expect("its targets");
            entries.push(Entry::LabelPublished { label: Box::new(PublishedLabel { targets, ..known }) });
            let check = self.memory.label_check(id).expect("read").expect("a check");
            entries.push(Entry::LabelChecked { label: id, check });
        }
        let text = serde_json::to_string(&entries).expect("JSON");
        let package = job.package();
        let path = package.path.clone().expect("a path");
        let remotes: Vec<_> = [job.product().id(), job.submission().id()]
            .into_iter()
            .chain(job.labels().iter().map(Label::id))
            .flatten()
            .collect();
        for number in 0..count {
            let digest = sha256(&number.to_be_bytes());
            let id = JobId::new(1_600_000_000_000 + number, 0);
            let mut text = text
                .replace(job.id().as_str(), id.as_str())
                .replace(&package.sha256, &digest)
                .replace(job.content().expect("its content"), &sha256(digest.as_bytes()))
                .replace(&path, &format!("{path}-{number}.cab"));
            // As whole values: the digits of a time may contain those of an id.
            for (position, remote) in (0..).zip(&remotes) {
                let copy = 500_000 + number * 10 + position;
                for (before, after) in [(":", ","), (":", "}"), ("\"", "\""), ("[", ","), ("[", "]")] {
                    text =
                        text.replace(&format!("{before}{remote}{after}"), &format!("{before}{copy}{after}"));
                }
            }
            if number % 2 == 1 {
                text = text.replace("dev_1", &format!("dev_{number:05}")).replace("1.0.0.0", "0.9.0.0");
            }
            let mut entries: Vec<Entry> = serde_json::from_str(&text).expect("entries");
            entries.push(Entry::KnownFile {
                folder: package.folder.clone().expect("a folder"),
                path: format!("{path}-{number}.cab"),
                identity: digest.clone(),
                sha256: digest,
                job: id.clone(),
            });
            entries.push(Entry::ReceiptWritten { job: id, rev: job.rev() });
            self.memory.commit(Commit::new(entries)).committed().await.expect("committed");
        }
    }

    /// Drops one package, lets a daemon carry it to its end, and returns what was read for it.
    pub(crate) async fn reads_of_package(&self, name: &str, bytes_of: &str) -> Reads {
        let daemon = self.start();
        let jobs_before = self.jobs().len();
        let before = self.memory.reads();
        self.drop_package(name, bytes_of);
        let path = self.drop_path(name);
        let work = async {
            assert!(daemon.offer(path).await, "the package is received");
            while !daemon.pipeline.queue.is_empty() || daemon.pipeline.queue.running() > 0 {
                tokio::time::sleep(Duration::from_secs(61)).await;
            }
            daemon.pipeline.shutdown.cancel();
        };
        tokio::join!(crate::pipeline::worker::run(Arc::clone(&daemon.pipeline)), work);
        let after = self.memory.reads();
        let jobs = self.jobs();
        let job = jobs.iter().find(|job| job.package().name == format!("{name}.cab")).expect("its job");
        assert_eq!((jobs.len(), job.state()), (jobs_before + 1, &State::Succeeded));
        Reads {
            lookups: after.lookups - before.lookups,
            pairs: after.pairs - before.pairs,
            bytes: after.bytes - before.bytes,
        }
    }
}
