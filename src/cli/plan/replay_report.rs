//! The differences that a replay has found, as text or JSON. Memory depends on the number of causes, not on the targets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};

use anyhow::Context;
use serde_json::json;

use crate::cli::output::Output;
use dropship_engine::replay::{PackageDifferences, describe};
use dropship_job::counted;
use dropship_redact::Escaped;
use dropship_redact::mask_json;
use dropship_rules::comparison::{Cause, CauseCount, PlanDifference, Summary};

/// Number of targets of each direction that the text names for one label.
const NAMED_TARGETS: usize = 20;

/// Collects the differences of packages.
pub(super) struct ReplayReport {
    summary: Summary,
    planned: usize,
    /// Number of packages whose facts are gone.
    pub(super) facts_gone: usize,
    /// Number of packages that no rule was asked for: the inspection has rejected them, or has not ended.
    pub(super) not_planned: usize,
    details: Details,
}

/// The differences of each package.
enum Details {
    /// Only counts are printed.
    None,
    /// Lines by cause.
    Text(BTreeMap<Cause, Vec<String>>),
    /// JSON objects, separated by commas, in a file without a name: they may be many.
    Json(BufWriter<File>),
}

impl ReplayReport {
    /// An empty report.
    ///
    /// # Errors
    /// When no temporary file can be created.
    pub(super) fn new(json: bool, verbose: bool) -> io::Result<Self> {
        let details = match (json, verbose) {
            (true, _) => Details::Json(BufWriter::new(tempfile::tempfile()?)),
            (false, true) => Details::Text(BTreeMap::new()),
            (false, false) => Details::None,
        };
        Ok(Self { summary: Summary::default(), planned: 0, facts_gone: 0, not_planned: 0, details })
    }

    /// Adds a package that was planned again.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub(super) fn add(&mut self, package: &PackageDifferences) -> io::Result<()> {
        self.planned += 1;
        if package.differences.is_empty() {
            return Ok(());
        }
        self.summary.add(&package.differences);
        match &mut self.details {
            Details::None => {}
            Details::Text(causes) => add_lines(causes, package),
            Details::Json(file) => {
                let separator = if self.summary.packages() > 1 { ",\n" } else { "\n" };
                write!(file, "{separator}{}", mask_json(&serde_json::to_string(package)?))?;
            }
        }
        Ok(())
    }

    /// Whether any package would be planned differently.
    pub(super) fn is_different(&self) -> bool {
        self.summary.packages() > 0
    }

    /// Prints the report: nothing as text if there are no differences.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub(super) fn print(self, output: &Output) -> anyhow::Result<()> {
        let text = self.text();
        match self.details {
            Details::Json(file) => {
                let counts = json!({
                    "planned": self.planned,
                    "different": self.summary.packages(),
                    "facts_gone": self.facts_gone,
                    "not_planned": self.not_planned,
                    "causes": self.summary.causes(),
                });
                print_json(&counts.to_string(), file)
            }
            Details::None | Details::Text(_) => {
                if self.summary.packages() > 0 {
                    output.say(text.trim_end());
                }
                if self.facts_gone > 0 {
                    output.note(&format!(
                        "{} cannot be planned again: the store no longer has their facts",
                        packages(self.facts_gone)
                    ));
                }
                Ok(())
            }
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{} of {} would be planned differently\n",
            self.summary.packages(),
            packages(self.planned)
        );
        for CauseCount { cause, counts } in self.summary.causes() {
            let labels = match counts.labels {
                0 => String::new(),
                more => format!(", {}", counted(more, "label")),
            };
            let targets = match (counts.targets_added, counts.targets_removed) {
                (0, 0) => String::new(),
                (added, removed) => format!(", targets +{added} -{removed}"),
            };
            text.push_str(&format!("\n{cause}\n  {}{labels}{targets}\n", packages(counts.packages)));
            if let Details::Text(causes) = &self.details {
                for line in causes.get(&cause).into_iter().flatten() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }
}

fn packages(count: usize) -> String {
    counted(count, "package")
}

fn add_lines(causes: &mut BTreeMap<Cause, Vec<String>>, package: &PackageDifferences) {
    let mut by_cause: BTreeMap<&Cause, Vec<&PlanDifference>> = BTreeMap::new();
    for difference in &package.differences {
        by_cause.entry(&difference.cause).or_default().push(difference);
    }
    for (cause, differences) in by_cause {
        let lines = causes.entry(cause.clone()).or_default();
        lines.push(format!("  {} (job {})", Escaped(&package.package), package.job));
        let described = differences.into_iter().flat_map(|one| describe(one, NAMED_TARGETS));
        lines.extend(described.map(|line| format!("    {line}")));
    }
}

/// Prints the counts and the packages of a file as one document.
fn print_json(counts: &str, packages: BufWriter<File>) -> anyhow::Result<()> {
    let mut file = packages.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = (|| {
        out.write_all(counts.strip_suffix('}').unwrap_or(counts).as_bytes())?;
        out.write_all(b",\"packages\":[")?;
        io::copy(&mut file, &mut out)?;
        out.write_all(b"]}\n")?;
        out.flush()
    })();
    match printed {
        // The reader, such as `head`, has closed the pipe.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("cannot write to standard output"),
    }
}
