//! The way of a package: its steps, how long each took, and where it is now.

use maud::{Markup, html};

use super::duration::duration;
use super::frame::{at, frame};
use super::text::shorten;
use super::way_step::{RADIUS, StepState, WIDTH, WayStep};
use super::way_time;
use crate::text::clean;

/// Height of the picture.
const HEIGHT: u32 = 150;
/// Distance of the first and last step from the edges.
const MARGIN: f64 = 54.0;
/// Vertical position of the circles.
const CIRCLE_Y: f64 = 32.0;
/// Width of a column of text.
const COLUMN: f64 = 7.2;
/// Maximum number of steps in the picture; the table has all.
const MAX_STEPS: usize = 12;

/// The way of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// The steps, in their order.
    pub steps: Vec<WayStep>,
}

impl WayStep {
    /// The step as a sentence.
    fn sentence(&self) -> String {
        let (name, word) = (clean(&self.name), self.state.word());
        let took = self.took.map(|took| format!(", {}", duration(took))).unwrap_or_default();
        let note = self.note.as_deref().map(|note| format!(": {}", clean(note))).unwrap_or_default();
        format!("{name}: {word}{took}{note}")
    }
}

impl Way {
    /// The picture. `id` is unique in the page.
    #[must_use]
    pub fn picture(&self, id: &str) -> Markup {
        if self.steps.is_empty() {
            return html! { p.empty { "The package has not started its way." } };
        }
        let description: Vec<_> = self.steps.iter().map(WayStep::sentence).collect();
        let shown = &self.steps[..self.steps.len().min(MAX_STEPS)];
        let content = html! {
            g.way {
                @for (index, step) in shown.iter().enumerate() {
                    (node(shown, index, step))
                }
            }
            (way_time::strip(shown))
        };
        frame(id, (WIDTH, HEIGHT), "Way of the package", &description.join(". "), &content)
    }

    /// The same as a table.
    #[must_use]
    pub fn table(&self) -> Markup {
        html! {
            table.data {
                caption { "Steps of the package" }
                thead { tr { th scope="col" { "Step" } th scope="col" { "State" } th.number scope="col" { "Time" } th scope="col" { "Note" } } }
                tbody {
                    @for step in &self.steps {
                        tr {
                            th scope="row" { (clean(&step.name)) }
                            td { (step.state.word()) }
                            td.number { (step.took.map_or_else(|| "–".to_owned(), duration)) }
                            td { (step.note.as_deref().map(clean).unwrap_or_default()) }
                        }
                    }
                }
            }
        }
    }
}

/// Distance between two steps.
fn gap(count: usize) -> f64 {
    match count {
        0 | 1 => 0.0,
        count => (f64::from(WIDTH) - 2.0 * MARGIN) / (count - 1) as f64,
    }
}

/// A step, and the line from the step before it.
fn node(steps: &[WayStep], index: usize, step: &WayStep) -> Markup {
    let gap = gap(steps.len());
    let x = if steps.len() == 1 { f64::from(WIDTH) / 2.0 } else { MARGIN + gap * index as f64 };
    let text_width = if steps.len() == 1 { f64::from(WIDTH) / 2.0 } else { gap.min(2.0 * MARGIN) - 6.0 };
    let columns = (text_width / COLUMN) as usize;
    let is_now = !step.state.is_past() && step.state != StepState::Ahead;
    let line = if steps[..index].iter().all(|step| step.state.is_past()) { "link past" } else { "link" };
    html! {
        @if index > 0 {
            line class=(line) x1=(at(x - gap + RADIUS + 3.0)) y1=(at(CIRCLE_Y)) x2=(at(x - RADIUS - 3.0)) y2=(at(CIRCLE_Y)) {}
        }
        g class=(format!("step {}", step.state.class())) {
            title { (step.sentence()) }
            @if step.state == StepState::Held || step.state == StepState::Failed {
                rect.node x=(at(x - RADIUS)) y=(at(CIRCLE_Y - RADIUS)) width=(at(2.0 * RADIUS)) height=(at(2.0 * RADIUS)) rx="4" {}
            } @else {
                circle.node cx=(at(x)) cy=(at(CIRCLE_Y)) r=(at(RADIUS)) {}
            }
            (step.state.shape(x, CIRCLE_Y))
            text class=(if is_now { "name now" } else { "name" }) x=(at(x)) y="68" text-anchor="middle" { (shorten(&step.name, columns)) }
            text.took x=(at(x)) y="86" text-anchor="middle" { (text_below(step, columns)) }
        }
    }
}

/// The text below the name: the duration of a complete step, the state and the duration of another one.
fn text_below(step: &WayStep, columns: usize) -> String {
    let took = step.took.map(duration);
    match (step.state, took) {
        (StepState::Done, Some(took)) => shorten(&took, columns),
        (StepState::Ahead, _) => String::new(),
        (state, Some(took)) if columns >= 12 => shorten(&format!("{} {took}", state.word()), columns + 2),
        (state, _) => shorten(state.word(), columns),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::picture::testing::{self, HOSTILE};

    fn step(name: &str, state: StepState, seconds: Option<u64>) -> WayStep {
        WayStep { name: name.to_owned(), state, took: seconds.map(Duration::from_secs), note: None }
    }

    fn held() -> Way {
        let done = [
            ("inspect", 2),
            ("product", 5),
            ("submission", 3),
            ("upload", 190),
            ("commit", 1),
            ("sign", 14_700),
        ];
        let mut steps: Vec<_> =
            done.into_iter().map(|(name, seconds)| step(name, StepState::Done, Some(seconds))).collect();
        steps.push(step("collect", StepState::Done, Some(24)));
        let note = Some("the rule asks for an approval of this label".to_owned());
        steps.push(WayStep { note, ..step("label", StepState::Held, Some(7_200)) });
        steps.push(step("publish", StepState::Ahead, None));
        Way { steps }
    }

    #[test]
    fn way_of_a_held_package_looks_as_recorded() {
        insta::assert_snapshot!(testing::lines(&held().picture("way")));
    }

    #[test]
    fn way_without_steps_is_a_sentence() {
        assert_eq!(
            Way::default().picture("way").into_string(),
            "<p class=\"empty\">The package has not started its way.</p>"
        );
    }

    #[test]
    fn way_of_any_steps_stays_in_its_picture() {
        let states = [
            StepState::Done,
            StepState::Running,
            StepState::Waiting,
            StepState::Held,
            StepState::Failed,
            StepState::Cancelled,
            StepState::Ahead,
            StepState::Skipped,
        ];
        for count in [1, 2, 9, 12, 13, 200] {
            for seconds in [None, Some(0), Some(1), Some(u64::MAX)] {
                for (index, name) in HOSTILE.iter().enumerate() {
                    let steps = (0..count).map(|at| WayStep {
                        note: Some((*name).to_owned()),
                        ..step(name, states[(at + index) % states.len()], seconds)
                    });
                    let way = Way { steps: steps.collect() };
                    testing::check(&way.picture("way"));
                    testing::well_formed(&way.table());
                }
            }
        }
    }

    #[test]
    fn way_names_each_state_without_colour() {
        let way = Way { steps: vec![step("upload", StepState::Failed, Some(70))] };
        let picture = way.picture("way").into_string();
        assert!(
            picture.contains("failed 1 min 10 s")
                && picture.contains("<title>upload: failed, 1 min 10 s</title>"),
            "{picture}"
        );
    }
}
