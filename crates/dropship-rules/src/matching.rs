//! Conditions of a rule on the facts of a package.

use std::fmt;

use dropship_package::facts::InfFacts;

use crate::date::DateRange;
use crate::input::MatchInput;
use crate::version::VersionRange;
use dropship_glob::Glob;

mod fact;

pub use fact::Fact;
use fact::FactValue;

/// Number of values that a reason quotes.
const QUOTED_VALUES: usize = 3;

/// `match` of a rule: every clause must hold, and no `not` table may hold as a whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matching {
    /// Conditions that must all hold.
    pub clauses: Vec<Clause>,
    /// The rule does not match if all conditions of one of these tables hold.
    pub not: Vec<Matching>,
}

/// One key of `match`.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The fact that is compared.
    pub fact: Fact,
    /// The values that it may have.
    pub condition: Condition,
}

/// The values that a fact may have.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Texts that match one of these globs.
    Globs(Vec<Glob>),
    /// Versions in one of these ranges.
    Versions(Vec<VersionRange>),
    /// Dates in one of these ranges.
    Dates(Vec<DateRange>),
    /// True or false.
    Flag(bool),
}

/// How many INFs of a package must fulfil a condition on INFs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InfCount {
    /// Each: a rule for one provider must not match a package that also contains another provider's driver.
    Every,
    /// One is enough: an exclusion of a provider must also exclude a package that contains another driver besides.
    Any,
}

impl InfCount {
    /// The count inside of a `not`: each direction is the one that lets fewer packages through.
    fn inside_not(self) -> Self {
        match self {
            Self::Every => Self::Any,
            Self::Any => Self::Every,
        }
    }
}

/// Which conditions hold for a package.
#[derive(Debug, Default)]
pub(crate) struct MatchReport {
    /// Number of conditions that hold.
    pub(crate) held: usize,
    /// One sentence for each condition that does not hold.
    pub(crate) reasons: Vec<String>,
    /// The key of each condition that does not hold.
    pub(crate) keys: Vec<String>,
}

/// Whether each condition holds for a package, and whether each `not` table excludes the package.
#[derive(Debug)]
pub(crate) struct MatchVerdicts {
    /// For each clause: it holds.
    pub(crate) conditions: Vec<bool>,
    /// For each `not` table: it excludes the package.
    pub(crate) exclusions: Vec<bool>,
}

impl Condition {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Globs(globs) => dropship_glob::any(globs, value),
            Self::Versions(ranges) => ranges.iter().any(|range| range.contains(value)),
            Self::Dates(ranges) => ranges.iter().any(|range| range.contains(value)),
            Self::Flag(flag) => value == if *flag { "true" } else { "false" },
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> = match self {
            Self::Globs(globs) => globs.iter().map(|glob| format!("\"{glob}\"")).collect(),
            Self::Versions(ranges) => ranges.iter().map(|range| format!("\"{}\"", range.as_str())).collect(),
            Self::Dates(ranges) => ranges.iter().map(|range| format!("\"{}\"", range.as_str())).collect(),
            Self::Flag(flag) => return flag.fmt(f),
        };
        f.write_str(&quoted.join(" or "))
    }
}

impl Clause {
    fn holds(&self, input: &MatchInput<'_>, count: InfCount) -> bool {
        // Nearly every rule names one of these facts; they are compared without allocating a list.
        match (self.fact, &self.condition) {
            (Fact::File, condition) => return condition.holds(input.file),
            (Fact::Kind, condition) => return condition.holds(input.facts.kind.as_str()),
            (Fact::Provider, condition) => {
                let infs = &input.facts.infs;
                let holds = |inf: &InfFacts| condition.holds(inf.provider.as_deref().unwrap_or_default());
                return match count {
                    InfCount::Every => !infs.is_empty() && infs.iter().all(holds),
                    InfCount::Any => infs.iter().any(holds),
                };
            }
            _ => {}
        }
        let values = self.fact.values(input);
        let holds = |value: &FactValue<'_>| self.condition.holds(&value.text);
        match self.fact.of_every_inf() && count == InfCount::Every {
            true => !values.is_empty() && values.iter().all(holds),
            false => values.iter().any(holds),
        }
    }

    /// Why the clause does not hold; meaningless if it does.
    fn reason(&self, input: &MatchInput<'_>) -> String {
        let values = self.fact.values(input);
        let (fact, condition) = (self.fact, &self.condition);
        if values.is_empty() {
            return format!("the package has no {fact}, and the rule requires {condition}");
        }
        let unfit = values.iter().filter(|value| !condition.holds(&value.text)).take(QUOTED_VALUES);
        let shown = unfit.map(|value| match (value.text.is_empty(), value.inf) {
            (true, Some(inf)) => format!("none ({inf})"),
            (false, Some(inf)) if input.facts.infs.len() > 1 => format!("\"{}\" ({inf})", value.text),
            _ => format!("\"{}\"", value.text),
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = if values.len() > QUOTED_VALUES && !fact.of_every_inf() { " …" } else { "" };
        format!("{fact} {shown}{more} does not fit {condition}")
    }
}

impl Matching {
    /// Whether all conditions hold.
    #[must_use]
    pub fn matches(&self, input: &MatchInput<'_>) -> bool {
        self.holds(input, InfCount::Every)
    }

    fn holds(&self, input: &MatchInput<'_>, count: InfCount) -> bool {
        self.clauses.iter().all(|clause| clause.holds(input, count))
            && !self.not.iter().any(|not| not.holds(input, count.inside_not()))
    }

    /// Whether each condition holds, and whether each `not` table excludes the package.
    pub(crate) fn verdicts(&self, input: &MatchInput<'_>) -> MatchVerdicts {
        MatchVerdicts {
            conditions: self.clauses.iter().map(|clause| clause.holds(input, InfCount::Every)).collect(),
            exclusions: self.not.iter().map(|not| not.holds(input, InfCount::Any)).collect(),
        }
    }

    /// Which conditions hold, and why the others do not.
    pub(crate) fn report(&self, input: &MatchInput<'_>) -> MatchReport {
        let mut report = MatchReport::default();
        for clause in &self.clauses {
            match clause.holds(input, InfCount::Every) {
                true => report.held += 1,
                false => {
                    report.reasons.push(clause.reason(input));
                    report.keys.push(format!("match.{}", clause.fact));
                }
            }
        }
        for not in &self.not {
            match not.holds(input, InfCount::Any) {
                true => {
                    report.reasons.push(format!("`not` excludes it: {not}"));
                    report.keys.push("match.not".to_owned());
                }
                false => report.held += 1,
            }
        }
        report
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses = self.clauses.iter().map(|clause| format!("{} {}", clause.fact, clause.condition));
        let nots = self.not.iter().map(|not| format!("not ({not})"));
        f.write_str(&clauses.chain(nots).collect::<Vec<_>>().join(" and "))
    }
}
