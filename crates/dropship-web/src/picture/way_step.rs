//! The steps of a way, and their shapes.

use std::time::Duration;

use maud::{Markup, html};

use super::shape;

/// Width of the picture.
pub(super) const WIDTH: u32 = 960;
/// Radius of the circles.
pub(super) const RADIUS: f64 = 15.0;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayStep {
    /// Its name.
    pub name: String,
    /// Its progress.
    pub state: StepState,
    /// The time that the package has spent in it, until now if it has not ended; absent before it.
    pub took: Option<Duration>,
    /// What it waits for, or why it failed.
    pub note: Option<String>,
}

/// Progress of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It is complete.
    Done,
    /// A worker processes it.
    Running,
    /// It continues automatically.
    Waiting,
    /// An operator has to decide.
    Held,
    /// It failed, or the package was rejected in it.
    Failed,
    /// An operator cancelled the job in it.
    Cancelled,
    /// It has not started.
    Ahead,
    /// It is not needed.
    Skipped,
}

impl StepState {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Held => "on hold",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Ahead => "not started",
            Self::Skipped => "not needed",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Running => "run",
            Self::Waiting => "wait",
            Self::Held => "held",
            Self::Failed => "bad",
            Self::Cancelled | Self::Skipped => "off",
            Self::Ahead => "ahead",
        }
    }

    pub(super) fn shape(self, x: f64, y: f64) -> Markup {
        match self {
            Self::Done => shape::check(x, y, RADIUS),
            Self::Running => shape::play(x, y, RADIUS),
            Self::Waiting => shape::clock(x, y, RADIUS),
            Self::Held => shape::pause(x, y, RADIUS),
            Self::Failed => shape::cross(x, y, RADIUS),
            Self::Cancelled | Self::Skipped => shape::minus(x, y, RADIUS),
            Self::Ahead => html! {},
        }
    }

    /// Whether the package has left the step behind.
    pub(super) fn is_past(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }
}
