//! People who read the pages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::site::get;

/// Number of people, each with an open Overview that is updated live.
const PEOPLE: usize = 10;

/// Time between two pages of a person.
const PAUSE: Duration = Duration::from_secs(2);

/// Readers until they are dropped.
pub(crate) struct Readers {
    stop: Arc<AtomicBool>,
    pages: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// People who read these pages in turn.
    pub(crate) fn start(port: u16, targets: &[String]) -> Self {
        let (stop, pages) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut threads = Vec::new();
        for person in 0..PEOPLE {
            let (stop, pages, targets) = (Arc::clone(&stop), Arc::clone(&pages), targets.to_vec());
            threads.push(std::thread::spawn(move || {
                let _live = live(port, Arc::clone(&stop));
                for target in targets.iter().cycle().skip(person) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    get(port, target);
                    pages.fetch_add(1, Ordering::Relaxed);
                    std::thread::park_timeout(PAUSE);
                }
            }));
        }
        Self { stop, pages, threads }
    }

    /// Ends them; returns how many pages they have read.
    pub(crate) fn stop(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            thread.join().expect("a reader");
        }
        self.pages.load(Ordering::Relaxed)
    }
}

/// Reads a stream of the Overview until the readers stop.
fn live(port: u16, stop: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the port");
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit");
        stream.write_all(b"GET /live/overview HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut buffer = [0; 1 << 16];
        while !stop.load(Ordering::Relaxed) {
            if let Ok(0) = stream.read(&mut buffer) {
                return;
            }
        }
    })
}
