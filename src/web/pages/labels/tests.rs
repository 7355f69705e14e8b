use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::web::rows::{LabelRow, Row, contains_word, testing};
use dropship_job::JobId;
use dropship_job::testing::at;

/// The labels that have all words, text by text: those of the newest package first.
fn labels_with<'a>(rows: &'a Rows, words: &[&str]) -> Vec<(&'a Row, usize, &'a LabelRow)> {
    let labels = rows
        .newest_first()
        .flat_map(|row| row.labels.iter().enumerate().map(move |(index, label)| (row, index, label)));
    let has_all = |(row, _, label): &(&Row, usize, &LabelRow)| {
        words.iter().all(|word| {
            contains_word(&label.name, word)
                || contains_word(&row.package, word)
                || contains_word(row.driver_key().0, word)
                || row.version().is_some_and(|version| contains_word(version, word))
                || row.id.as_str() == *word
        })
    };
    labels.filter(has_all).collect()
}

/// The name of a driver, and of its rings with the package that is live and the one that is next.
type Driver = (String, Vec<(String, Option<String>, Option<String>)>);

/// The drivers with their rings, by plain look-ups.
fn drivers_of(labels: &[(&Row, usize, &LabelRow)], now: Timestamp) -> Vec<Driver> {
    let mut drivers: Vec<Driver> = Vec::new();
    let mut live_at: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    for (row, _, label) in labels {
        let (is_upcoming, live) = (label.is_upcoming(row.stored_state().has_ended(), now), label.live());
        if !is_upcoming && live.is_none() {
            continue;
        }
        let driver = row.driver();
        if !drivers.iter().any(|(name, _)| *name == driver) {
            drivers.push((driver.clone(), Vec::new()));
        }
        let (_, rings) = drivers.iter_mut().find(|(name, _)| *name == driver).expect("it was added");
        let ring = label.ring.as_deref().unwrap_or(&label.name).to_owned();
        if !rings.iter().any(|(name, ..)| *name == ring) {
            rings.push((ring.clone(), None, None));
        }
        let (_, is_live, next) = rings.iter_mut().find(|(name, ..)| *name == ring).expect("it was added");
        let version = Some(row.version().unwrap_or(&row.package).to_owned());
        let known = live_at.get(&(driver.clone(), ring.clone()));
        if is_upcoming {
            *next = next.take().or(version);
        } else if known.is_none() || live > known.copied() {
            *is_live = version;
            live_at.insert((driver, ring), live.expect("it is live"));
        }
    }
    drivers
}

#[test]
fn labels_and_drivers_with_filters_equal_those_of_a_full_search() {
    let kept = testing::rows();
    let rows = kept.read();
    // Some labels are live already, others go live later.
    let now = at(20_000_000);
    let window =
        calendar::CalendarWindow::of(&QueryParameters::read(None, PARAMETERS).expect("a query"), now)
            .expect("days");
    let rings = || rows.newest_first().flat_map(|row| &*row.labels).filter_map(|label| label.ring.as_deref());
    let known: BTreeSet<&str> = rings().collect();
    assert!(known.len() > 3 && known.contains("Test Ring"), "{known:?}");
    let job = rows.newest_first().find(|row| !row.labels.is_empty()).expect("a label").id.to_string();
    let searches: [&[&str]; 12] = [
        &[],
        &["audio"],
        &["test", "ring"],
        &["wifi", "broad"],
        &["οδος"],
        &["σασ"],
        &["plain"],
        &["inf"],
        &["22.1", "broad"],
        &["no-such-text"],
        &[&job],
        &[&job[..9]],
    ];
    let mut totals = BTreeSet::new();
    for words in searches {
        let filters =
            [None, Some(LabelStatus::Published), Some(LabelStatus::Planned), Some(LabelStatus::InDoubt)];
        for (state, ring) in
            filters.into_iter().flat_map(|state| [None, Some("Test Ring")].map(|ring| (state, ring)))
        {
            let with_words = labels_with(&rows, words);
            let shown = with_words.iter().copied().filter(|(_, _, label)| {
                state.is_none_or(|state| label.status == state)
                    && ring.is_none_or(|ring| label.ring.as_deref() == Some(ring))
            });
            let shown: Vec<_> = shown.collect();
            let rings: BTreeSet<_> =
                with_words.iter().filter_map(|(_, _, label)| label.ring.as_deref()).collect();
            let drivers = drivers_of(&shown, now);
            for page in 1..=shown.len().div_ceil(SIZE).max(1) {
                let words = words.iter().map(|word| (*word).to_owned()).collect();
                let wanted = LabelQuery { words, state, ring: ring.map(str::to_owned), page };
                let found = MatchingLabels::of(&rows, &wanted, &window, now);
                assert_eq!(found.total, shown.len(), "{:?}", wanted.words);
                let places =
                    shown.iter().skip(wanted.start()).take(SIZE).map(|(row, index, _)| (&row.id, *index));
                assert!(
                    found.page.iter().map(|entry| (&entry.job, entry.index)).eq(places),
                    "{:?}",
                    wanted.words
                );
                assert!(
                    found.rings.iter().map(String::as_str).eq(rings.iter().copied()),
                    "{:?}",
                    found.rings
                );
                let name = |link: &dropship_web::page::MaybeLink| link.name.clone();
                let found_drivers: Vec<Driver> = found
                    .drivers
                    .iter()
                    .map(|driver| {
                        let rings = driver.rings.iter().map(|ring| {
                            (
                                ring.name.clone(),
                                ring.live.as_ref().map(|(link, _)| name(link)),
                                ring.next.as_ref().map(|(link, ..)| name(link)),
                            )
                        });
                        (name(&driver.name), rings.collect())
                    })
                    .collect();
                let shown_drivers: Vec<Driver> = drivers
                    .iter()
                    .take(found_drivers.len())
                    .cloned()
                    .map(|(driver, rings)| {
                        let escape = |text: String| words::escape(&text);
                        let rings = rings
                            .into_iter()
                            .map(|(ring, live, next)| (escape(ring), live.map(escape), next.map(escape)));
                        (escape(driver), rings.collect())
                    })
                    .collect();
                assert_eq!(
                    (found_drivers.len() + found.more_drivers, found_drivers),
                    (drivers.len(), shown_drivers)
                );
                totals.insert(found.total);
            }
        }
    }
    assert!(totals.len() > 10, "{totals:?}");
}

#[test]
fn calendar_reads_only_the_records_of_labels_that_do_not_exist_yet() {
    let kept = testing::rows();
    let rows = kept.read();
    let now = at(13_000_000);
    let window =
        calendar::CalendarWindow::of(&QueryParameters::read(None, PARAMETERS).expect("a query"), now)
            .expect("days");
    for state in [None, Some(LabelStatus::Published), Some(LabelStatus::Planned)] {
        let wanted = LabelQuery { words: Vec::new(), state, ring: None, page: 1 };
        let found = MatchingLabels::of(&rows, &wanted, &window, now);
        let read = std::cell::RefCell::new(Vec::new());
        let mut reaches = Reaches::new(|job| {
            read.borrow_mut().push(job.clone());
            Ok(Vec::new())
        });
        let view = calendar::of(&mut reaches, found.visible, &window, "", now).expect("a calendar");
        assert!(view.calendar.groups.iter().any(|group| !group.rows.is_empty()), "{state:?}");
        drop(reaches);
        let read = read.into_inner();
        let is_new =
            |id: &JobId| rows.get(id).is_some_and(|row| row.labels.iter().any(|label| label.id.is_none()));
        assert!(read.iter().all(is_new), "{read:?}");
        assert_eq!(read.is_empty(), state == Some(LabelStatus::Published), "{read:?}");
        assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "each is read once: {read:?}");
    }
}
