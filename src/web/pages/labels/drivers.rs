//! The labels by driver and ring.

use std::collections::HashMap;

use dropship_web::page::labels::{DriverView, RingView};
use dropship_web::page::{MaybeLink, encoded};
use jiff::Timestamp;

use super::entry::Place;
use crate::web::words::{self, shown};

/// Maximum number of drivers that are shown.
const MAX_DRIVERS: usize = 20;

/// Maximum number of rings of a driver that are kept.
const MAX_RINGS: usize = 8;

/// The drivers, that of the newest package first.
#[derive(Default)]
pub(super) struct Drivers<'a> {
    /// Place in the list by the name of the first INF, and the number of the others.
    places: HashMap<(&'a str, usize), usize>,
    list: Vec<Driver<'a>>,
}

struct Driver<'a> {
    newest: Place<'a>,
    /// In the order of the rule of its newest package.
    rings: Vec<Ring<'a>>,
}

struct Ring<'a> {
    name: &'a str,
    live: Option<Place<'a>>,
    next: Option<Place<'a>>,
}

impl<'a> Drivers<'a> {
    /// Adds a label. Those of newer packages are added before.
    pub(super) fn add(&mut self, place: Place<'a>, now: Timestamp) {
        let (is_upcoming, live) = (place.is_upcoming(now), place.label.live());
        if !is_upcoming && live.is_none() {
            return;
        }
        let index = *self.places.entry(place.row.driver_key()).or_insert_with(|| {
            self.list.push(Driver { newest: place, rings: Vec::new() });
            self.list.len() - 1
        });
        let Some(ring) = self.list.get_mut(index).and_then(|driver| driver.ring(place.ring())) else {
            return;
        };
        if is_upcoming {
            ring.next = ring.next.or(Some(place));
        } else if ring.live.is_none_or(|known| live > known.label.live()) {
            ring.live = Some(place);
        }
    }

    /// The first drivers, and the number of the others.
    pub(super) fn views(&self) -> (Vec<DriverView>, usize) {
        let views = self.list.iter().take(MAX_DRIVERS).map(Driver::view);
        (views.collect(), self.list.len().saturating_sub(MAX_DRIVERS))
    }
}

impl<'a> Driver<'a> {
    fn ring(&mut self, name: &'a str) -> Option<&mut Ring<'a>> {
        let known = self.rings.iter().position(|ring| ring.name == name);
        let index = known.unwrap_or(self.rings.len());
        if known.is_none() && index < MAX_RINGS {
            self.rings.push(Ring { name, live: None, next: None });
        }
        self.rings.get_mut(index)
    }

    fn view(&self) -> DriverView {
        let (first, _) = self.newest.row.driver_key();
        DriverView {
            name: MaybeLink::to(shown(&self.newest.row.driver()), format!("/labels?q={}", encoded(first))),
            rings: self.rings.iter().map(Ring::view).collect(),
        }
    }
}

impl Ring<'_> {
    fn view(&self) -> RingView {
        let link = |place: Place<'_>| words::package_of(place.version(), &place.row.id);
        RingView {
            name: shown(self.name),
            live: self.live.and_then(|place| Some((link(place), place.label.live()?))),
            next: self
                .next
                .map(|place| (link(place), words::label(place.label.status), place.label.not_before)),
        }
    }
}
