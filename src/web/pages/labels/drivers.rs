//! The labels by driver and ring.

use std::collections::BTreeMap;

use dropship_web::page::MaybeLink;
use dropship_web::page::labels::{DriverView, RingView};
use jiff::Timestamp;

use super::entry::Entry;
use super::package_of;
use crate::web::query::encoded;
use crate::web::words::{self, shown};

/// Maximum number of drivers that are shown.
const MAX_DRIVERS: usize = 20;

/// Maximum number of rings of a driver that are shown.
const MAX_RINGS: usize = 8;

/// The rings of a driver, in the order of the rule of its newest package.
type Rings<'a> = Vec<(&'a str, Ring<'a>)>;

#[derive(Default)]
struct Ring<'a> {
    live: Option<&'a Entry>,
    next: Option<&'a Entry>,
}

/// The drivers of these labels, that of the newest package first, and the number of those that are not shown.
pub(super) fn of(entries: &[&Entry], now: Timestamp) -> (Vec<DriverView>, usize) {
    let mut order = Vec::new();
    let mut drivers: BTreeMap<&str, Rings<'_>> = BTreeMap::new();
    for entry in entries {
        let rings = drivers.entry(&entry.driver).or_insert_with(|| {
            order.push(&*entry.driver);
            Vec::new()
        });
        add(rings, entry, now);
    }
    // A driver of which nothing is published or comes next has nothing to show.
    order.retain(|driver| {
        let rings = drivers.get(driver).into_iter().flatten();
        rings.clone().any(|(_, ring)| ring.live.is_some() || ring.next.is_some())
    });
    let more = order.len().saturating_sub(MAX_DRIVERS);
    let view = |driver: &str| {
        let rings = drivers.get(driver).into_iter().flatten().take(MAX_RINGS);
        DriverView {
            name: MaybeLink::to(shown(driver), format!("/labels?q={}", encoded(driver))),
            rings: rings.map(|(name, ring)| ring_view(name, ring)).collect(),
        }
    };
    (order.into_iter().take(MAX_DRIVERS).map(view).collect(), more)
}

/// Entries come newest package first: the first one that fits stays.
fn add<'a>(rings: &mut Rings<'a>, entry: &'a Entry, now: Timestamp) {
    let place = match rings.iter().position(|(name, _)| *name == entry.ring()) {
        Some(place) => place,
        None => {
            rings.push((entry.ring(), Ring::default()));
            rings.len() - 1
        }
    };
    let Some((_, ring)) = rings.get_mut(place) else { return };
    if entry.is_upcoming(now) {
        ring.next = ring.next.or(Some(entry));
    } else if let Some(live) = entry.label.live() {
        let is_later = |known: &Entry| known.label.live().is_none_or(|other| live > other);
        ring.live = Some(ring.live.filter(|known| !is_later(known)).unwrap_or(entry));
    }
}

fn ring_view(name: &str, ring: &Ring<'_>) -> RingView {
    let link = |entry: &Entry| package_of(&shown(entry.version_text()), &entry.job);
    RingView {
        name: shown(name),
        live: ring.live.and_then(|entry| Some((link(entry), entry.label.live()?))),
        next: ring.next.map(|entry| (link(entry), words::label(entry.label.status), entry.label.not_before)),
    }
}
