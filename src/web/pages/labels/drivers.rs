//! The labels by driver and ring.

use std::collections::HashMap;

use dropship_web::page::labels::{DriverView, RingView};
use dropship_web::page::{MaybeLink, encoded};
use jiff::Timestamp;

use super::entry::RowLabel;
use crate::web::words::{self, escape};

/// Maximum number of drivers that are shown.
const MAX_DRIVERS: usize = 20;

/// Maximum number of rings of a driver that are kept.
const MAX_RINGS: usize = 8;

/// The drivers, that of the newest package first.
#[derive(Default)]
pub(super) struct Drivers<'a> {
    /// Index in `list` by the name of the first INF, and the number of the others.
    indices: HashMap<(&'a str, usize), usize>,
    list: Vec<Driver<'a>>,
    /// The same by the number of the driver, which is quicker.
    by_number: Vec<Option<usize>>,
}

struct Driver<'a> {
    newest: RowLabel<'a>,
    /// In the order of the rule of its newest package.
    rings: Vec<Ring<'a>>,
}

struct Ring<'a> {
    name: &'a str,
    /// The label that went live last, and when.
    live: Option<(Timestamp, RowLabel<'a>)>,
    /// The label of the newest package that is still to come.
    next: Option<RowLabel<'a>>,
}

impl<'a> Drivers<'a> {
    /// Adds a label. Those of newer packages are added before. `is_upcoming`: it is still to be requested, published or live.
    pub(super) fn add(&mut self, row_label: RowLabel<'a>, is_upcoming: bool) {
        let live = row_label.label.live();
        if !is_upcoming && live.is_none() {
            return;
        }
        let index = self.index_of(row_label);
        let Some(ring) = self.list.get_mut(index).and_then(|driver| driver.ring(row_label.ring())) else {
            return;
        };
        if is_upcoming {
            ring.next = ring.next.or(Some(row_label));
        } else if ring.live.is_none_or(|(known, _)| live > Some(known)) {
            ring.live = live.map(|live| (live, row_label));
        }
    }

    /// Index in `list` of the driver of a label.
    fn index_of(&mut self, row_label: RowLabel<'a>) -> usize {
        let number = row_label.row.driver_number.and_then(|number| usize::try_from(number).ok());
        if let Some(index) = number.and_then(|number| *self.by_number.get(number)?) {
            return index;
        }
        let index = *self.indices.entry(row_label.row.driver_key()).or_insert_with(|| {
            self.list.push(Driver { newest: row_label, rings: Vec::new() });
            self.list.len() - 1
        });
        if let Some(number) = number {
            if self.by_number.len() <= number {
                self.by_number.resize(number + 1, None);
            }
            self.by_number[number] = Some(index);
        }
        index
    }

    /// The first drivers, and the number of the others.
    pub(super) fn views(&self) -> (Vec<DriverView>, usize) {
        let views = self.list.iter().take(MAX_DRIVERS).map(Driver::view);
        (views.collect(), self.list.len().saturating_sub(MAX_DRIVERS))
    }
}

impl<'a> Driver<'a> {
    fn ring(&mut self, name: &'a str) -> Option<&mut Ring<'a>> {
        // Most names are shared: two at the same place are the same text.
        let known = self.rings.iter().position(|ring| std::ptr::eq(ring.name, name) || ring.name == name);
        let index = known.unwrap_or(self.rings.len());
        if known.is_none() && index < MAX_RINGS {
            self.rings.push(Ring { name, live: None, next: None });
        }
        self.rings.get_mut(index)
    }

    fn view(&self) -> DriverView {
        let (first, _) = self.newest.row.driver_key();
        DriverView {
            name: MaybeLink::to(escape(&self.newest.row.driver()), format!("/labels?q={}", encoded(first))),
            rings: self.rings.iter().map(Ring::view).collect(),
        }
    }
}

impl Ring<'_> {
    fn view(&self) -> RingView {
        let link = |row_label: RowLabel<'_>| words::package_of(row_label.version(), &row_label.row.id);
        RingView {
            name: escape(self.name),
            live: self.live.map(|(live, row_label)| (link(row_label), live)),
            next: self.next.map(|row_label| {
                (link(row_label), words::label(row_label.label.status), row_label.label.not_before)
            }),
        }
    }
}
