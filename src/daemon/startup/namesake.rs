//! Refuses to start beside another machine that runs under the name of this node.
//!
//! The name decides which folders a node watches, so two machines with one name would both note the files of one folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dropship_redact::Escaped;
use dropship_store::{Namesake, SharedStore, StoreError};

/// Interval between checks of the signs of life of the other machine.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Another machine, or another folder on this one, runs under the name of this node.
#[derive(Debug, thiserror::Error)]
#[error(
    "[store] node: {place} runs as node `{name}` too, and was last heard of at {last_seen:.0}; give each node a name of its own, and a \
     copied machine an empty folder for [store] path as well, or end that daemon first"
)]
pub struct NameTaken {
    name: String,
    place: String,
    last_seen: jiff::Timestamp,
}

impl NameTaken {
    fn of(name: &str, other: &Namesake, is_here: bool) -> Self {
        let host = if other.host.is_empty() { "of an unknown name" } else { &other.host };
        let place = if is_here {
            "a daemon with another [store] path on this machine".to_owned()
        } else {
            format!("host `{}` (boot id {})", Escaped(host), Escaped(other.boot()))
        };
        Self { name: Escaped(name).to_string(), place, last_seen: other.last_seen }
    }
}

/// Waits until no other place lives under the name of this node.
///
/// The last sign of life of a machine that lost its power does not differ from one of a running machine. But a running machine
/// gives the next sign within 10 seconds. Without a next sign, this node starts after 30 seconds.
///
/// # Errors
/// [`NameTaken`] once the other place has given a further sign of life, [`StoreError::Cancelled`] once `cancelled` is set, and
/// [`StoreError::Unusable`] when the database cannot be used. This waits while the database does not respond.
pub(super) async fn wait_for_silence(
    store: &Arc<SharedStore>,
    cancelled: &Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let mut first_seen: Option<Namesake> = None;
    loop {
        let queried_store = Arc::clone(store);
        let found = match tokio::task::spawn_blocking(move || queried_store.namesake()).await? {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => Some(found),
            Err(StoreError::Away { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if let (Some(found), Some(node)) = (found, store.node()) {
            let name_taken = || NameTaken::of(&node.name, &found, found.is_on_machine_of(node));
            match first_seen.as_ref().filter(|first_seen| first_seen.incarnation == found.incarnation) {
                Some(first_seen) if found.last_seen > first_seen.last_seen => return Err(name_taken().into()),
                Some(_) => {}
                None => {
                    tracing::warn!(
                        event = "name_taken_waits",
                        "{}; this daemon waits for up to 30 s to see whether that one lives",
                        name_taken()
                    );
                    first_seen = Some(found);
                }
            }
        }
        if cancelled.load(Ordering::Relaxed) {
            return Err(StoreError::Cancelled.into());
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}
