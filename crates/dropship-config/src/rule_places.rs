//! Where the parts of rules are written, for reports about rules that passed every check.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::source::SourceText;
use super::sources;
use dropship_rules::rule_tests::Segment;

/// A line of a file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulePlace {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for RulePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// The places of all rules.
#[derive(Debug, Default)]
pub struct RulePlaces {
    /// The file and the table of each rule, by name.
    rules: BTreeMap<String, (PathBuf, LocatedValue)>,
    /// The file and the table `[defaults.label]`.
    label_defaults: Option<(PathBuf, LocatedValue)>,
}

/// A value and its line.
#[derive(Debug)]
struct LocatedValue {
    line: usize,
    content: LocatedContent,
}

#[derive(Debug)]
enum LocatedContent {
    Table(BTreeMap<String, LocatedValue>),
    List(Vec<LocatedValue>),
    Text(String),
    Other,
}

impl RulePlaces {
    /// Reads the files of a configuration again. Files that cannot be read have no places.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let mut places = Self::default();
        for unit in sources::gather(path, &mut Vec::new()) {
            let Ok(document) = DeTable::parse(&unit.source.text) else { continue };
            let root = table(&unit.source, document.get_ref());
            places.add(&unit.source.path, root);
        }
        places
    }

    /// Where a part of a rule is written. A key that the rule takes from `[defaults.label]` is there; a key that is not written
    /// has the place of the table that it would be in.
    #[must_use]
    pub fn of(&self, rule: &str, path: &[Segment]) -> Option<RulePlace> {
        let (file, root) = self.rules.get(rule)?;
        let (found, rest) = root.follow(path);
        let (file, line) = match (path, &self.label_defaults) {
            ([Segment::Key("label"), Segment::Entry(_), key @ ..], Some((default, label)))
                if !rest.is_empty() && label.has_path(key) =>
            {
                (default, label.follow(key).0.line)
            }
            _ => (file, found.line),
        };
        Some(RulePlace { file: file.clone(), line })
    }

    fn add(&mut self, file: &Path, mut root: BTreeMap<String, LocatedValue>) {
        if let Some(LocatedValue { content: LocatedContent::List(rules), .. }) = root.remove("rule") {
            for rule in rules {
                let Some(name) = rule.text_of("name") else { continue };
                self.rules.entry(name.to_owned()).or_insert_with(|| (file.to_owned(), rule));
            }
        }
        if let Some(LocatedValue { content: LocatedContent::Table(mut defaults), .. }) =
            root.remove("defaults")
            && let Some(label) = defaults.remove("label")
        {
            self.label_defaults.get_or_insert_with(|| (file.to_owned(), label));
        }
    }
}

impl LocatedValue {
    fn new(source: &SourceText, at: usize, value: &DeValue<'_>) -> Self {
        let content = match value {
            DeValue::Table(inner) => LocatedContent::Table(table(source, inner)),
            DeValue::Array(items) => {
                let item = |item: &Spanned<DeValue<'_>>| Self::new(source, item.span().start, item.get_ref());
                LocatedContent::List(items.iter().map(item).collect())
            }
            DeValue::String(text) => LocatedContent::Text(text.to_string()),
            _ => LocatedContent::Other,
        };
        Self { line: source.line(at), content }
    }

    fn text_of(&self, key: &str) -> Option<&str> {
        match &self.content {
            LocatedContent::Table(table) => match &table.get(key)?.content {
                LocatedContent::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The deepest node on the way, and the keys and entries that are not written. One value stands for a list of one.
    fn follow<'a>(&self, path: &'a [Segment]) -> (&Self, &'a [Segment]) {
        let Some((first, rest)) = path.split_first() else { return (self, path) };
        let next = match (first, &self.content) {
            (Segment::Key(key), LocatedContent::Table(table)) => table.get(*key),
            (Segment::Entry(index), LocatedContent::List(items)) => items.get(*index),
            (
                Segment::Entry(_),
                LocatedContent::Table(_) | LocatedContent::Text(_) | LocatedContent::Other,
            ) => Some(self),
            (Segment::Key(_), _) => None,
        };
        next.map_or((self, path), |next| next.follow(rest))
    }

    fn has_path(&self, path: &[Segment]) -> bool {
        self.follow(path).1.is_empty()
    }
}

/// The entries of a table. The line of an entry is that of its key.
fn table(source: &SourceText, table: &DeTable<'_>) -> BTreeMap<String, LocatedValue> {
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        (key.get_ref().to_string(), LocatedValue::new(source, key.span().start, value.get_ref()))
    };
    table.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Segment::{Entry, Key};

    #[test]
    fn place_of_a_key_is_its_line_also_in_inline_tables_and_defaults() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dropship.toml");
        let text = "[defaults.label]\naudiences = [\n  \"a\",\n  \"b\",\n]\n[[rule]]\nname = \"r\"\nmatch = { file = \"x\",\n  not = [\n { inf = \"a\" },\n { inf = \"b\" }] }\n\
                    [[rule.label]]\nname = \"l\"\n[rule.label.hardware_ids]\nexclude = \"*\"\n";
        std::fs::write(&path, text).expect("written");
        let places = RulePlaces::read(&path);
        let line = |segments: &[Segment]| places.of("r", segments).map(|place| place.line);
        assert_eq!(line(&[Key("match"), Key("file")]), Some(8));
        assert_eq!(line(&[Key("match"), Key("not"), Entry(1)]), Some(11));
        let label = [Key("label"), Entry(0)];
        assert_eq!(line(&label), Some(12));
        let with = |rest: &[Segment]| line(&[&label, rest].concat());
        assert_eq!(with(&[Key("hardware_ids"), Key("exclude"), Entry(0)]), Some(15));
        assert_eq!(with(&[Key("audiences"), Entry(1)]), Some(4));
        assert_eq!(with(&[Key("hold")]), Some(12), "a key that is not written");
        assert_eq!(line(&[]), Some(6));
        assert_eq!(places.of("other", &[]), None);
    }
}
