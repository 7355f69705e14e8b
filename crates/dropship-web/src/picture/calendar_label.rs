//! The labels of a calendar: the spans and the events in the life of each.

use jiff::Timestamp;
use jiff::civil::Date;

/// Labels that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarGroup {
    /// The name of the group.
    pub name: String,
    /// Its labels.
    pub rows: Vec<CalendarRow>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarRow {
    /// Its name.
    pub name: String,
    /// Its state, in a word.
    pub state: String,
    /// What takes time.
    pub spans: Vec<Span>,
    /// What happens at one time.
    pub marks: Vec<Mark>,
    /// Days on which it does not go live.
    pub blackout: Vec<Date>,
}

/// A time with a beginning and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its meaning.
    pub kind: SpanKind,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end; absent if it is not known.
    pub to: Option<Timestamp>,
}

/// The meaning of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanKind {
    /// It waits for a date.
    Waits,
    /// The label before it has to be live for some time first.
    Soak,
    /// It waits for an operator.
    Held,
    /// Microsoft processes it.
    Processing,
    /// It is published.
    Live,
}

/// Something that happens at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its meaning.
    pub kind: MarkKind,
    /// When it happens.
    pub at: Timestamp,
}

/// The meaning of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// It was published.
    Published,
    /// It goes live, or is requested, at this time and not before.
    NotBefore,
    /// Microsoft refused it, or it is gone.
    Failed,
    /// It was withdrawn.
    Withdrawn,
}

impl SpanKind {
    /// All of them, in the order of the legend.
    pub(super) const ALL: [Self; 5] = [Self::Waits, Self::Soak, Self::Held, Self::Processing, Self::Live];

    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Waits => "waits for its date",
            Self::Soak => "soak",
            Self::Held => "on hold",
            Self::Processing => "at Microsoft",
            Self::Live => "published",
        }
    }
}

impl MarkKind {
    /// All of them, in the order of the legend.
    pub(super) const ALL: [Self; 4] = [Self::Published, Self::NotBefore, Self::Failed, Self::Withdrawn];

    /// The words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Published => "publication",
            Self::NotBefore => "not before",
            Self::Failed => "refused or gone",
            Self::Withdrawn => "withdrawn",
        }
    }
}
