//! Reads the documents and their code blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// A Markdown file of the repository.
pub(super) struct Document {
    /// Path relative to the repository, such as `docs/rules.md`.
    pub(super) name: String,
    pub(super) text: String,
}

/// A code block.
pub(super) struct Block {
    /// Document and line of the block, for messages.
    pub(super) place: String,
    pub(super) language: String,
    /// The words of the info string after the language.
    pub(super) marks: Vec<String>,
    /// The code, without the indentation of the block.
    pub(super) code: String,
}

impl Block {
    pub(super) fn is(&self, language: &str, mark: &str) -> bool {
        self.language == language && self.marks.iter().any(|word| word == mark)
    }
}

pub(super) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Document {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(repository().join(name)).expect("a document");
        Self { name: name.to_owned(), text }
    }

    /// The code blocks, in order.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(info) = line.trim_start().strip_prefix("```") else { continue };
            let indent = line.len() - line.trim_start().len();
            let mut code = String::new();
            for (_, line) in lines.by_ref() {
                if line.trim() == "```" {
                    break;
                }
                code.push_str(line.get(indent..).unwrap_or_default());
                code.push('\n');
            }
            let mut words = info.split_whitespace().map(str::to_owned);
            let place = format!("{}:{}", self.name, number + 1);
            blocks.push(Block {
                place,
                language: words.next().unwrap_or_default(),
                marks: words.collect(),
                code,
            });
        }
        blocks
    }

    /// The lines outside of code blocks.
    pub(super) fn prose(&self) -> String {
        let mut is_code = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            } else if !is_code {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        prose
    }
}

/// The documents for users: `README.md`, `SECURITY.md` and `docs/*.md`.
pub(super) fn for_users() -> Vec<Document> {
    let mut names = vec!["README.md".to_owned(), "SECURITY.md".to_owned()];
    names.extend(markdown_in("docs"));
    names.iter().map(|name| Document::read(name)).collect()
}

/// All documents, including those for contributors.
pub(super) fn all() -> Vec<Document> {
    let mut documents = for_users();
    let mut names = vec!["CONTRIBUTING.md".to_owned(), "CHANGELOG.md".to_owned()];
    names.extend(markdown_in("docs/adr"));
    names.extend(markdown_in("tests/it/harness"));
    documents.extend(names.iter().map(|name| Document::read(name)));
    documents
}

fn markdown_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(repository().join(folder)).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let markdown = files.filter(|path: &PathBuf| path.extension().is_some_and(|end| end == "md"));
    let name = |path: PathBuf| {
        path.file_name().and_then(|name| name.to_str()).map(|name| format!("{folder}/{name}"))
    };
    let mut names: Vec<_> = markdown.filter_map(name).collect();
    names.sort();
    assert!(!names.is_empty(), "{folder} has no documents");
    names
}
