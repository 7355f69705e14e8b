//! Open Packaging Conventions: parts, content types, relationships.

use std::collections::{HashMap, HashSet};
use std::io;

use super::archive::Archive;
use super::xml;

/// The part that lists the content types of the other parts.
pub(super) const CONTENT_TYPES: &str = "[Content_Types].xml";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const TYPES: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
/// Types of the relationships that point to signatures.
pub(super) const ORIGIN: &str =
    "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin";
pub(super) const SIGNATURE: &str =
    "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/signature";
pub(super) const CERTIFICATE: &str =
    "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/certificate";

/// One relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relationship {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) target: String,
    pub(super) mode: String,
}

/// Content types by part name and by extension, both in lower case.
#[derive(Debug, Default)]
pub(super) struct ContentTypes {
    overrides: HashMap<String, String>,
    defaults: HashMap<String, String>,
}

/// Reads an XML part; the inner error is the fault of the part.
pub(super) fn part_text(archive: &Archive<'_>, name: &str) -> io::Result<Result<String, &'static str>> {
    let Some(entry) = archive.find(name) else {
        return Ok(Err("it is missing"));
    };
    Ok(archive.read(entry, xml::MAX_LENGTH)?.and_then(|bytes| xml::text(&bytes)))
}

impl ContentTypes {
    /// Reads `[Content_Types].xml`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document = xml::parse(text)?;
        let mut found = Self::default();
        for node in document.root_element().children().filter(roxmltree::Node::is_element) {
            let content = node.attribute("ContentType").unwrap_or_default().to_owned();
            if node.has_tag_name((TYPES, "Override")) {
                let name = node.attribute("PartName").unwrap_or_default();
                found.overrides.insert(name.trim_start_matches('/').to_lowercase(), content);
            } else if node.has_tag_name((TYPES, "Default")) {
                found
                    .defaults
                    .insert(node.attribute("Extension").unwrap_or_default().to_lowercase(), content);
            }
        }
        Ok(found)
    }

    /// The content type of a part: its own, otherwise that of its extension.
    pub(super) fn of(&self, part: &str) -> Option<&str> {
        let part = part.to_lowercase();
        let extension =
            part.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
        let default = || extension.and_then(|extension| self.defaults.get(extension));
        self.overrides.get(&part).or_else(default).map(String::as_str)
    }
}

/// Reads a relationships part.
pub(super) fn relationships(text: &str) -> Result<Vec<Relationship>, String> {
    let document = xml::parse(text)?;
    let nodes = document.descendants().filter(|node| node.has_tag_name((RELATIONSHIPS, "Relationship")));
    let field =
        |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap_or_default().to_owned();
    let found: Vec<Relationship> = nodes
        .map(|node| Relationship {
            id: field(node, "Id"),
            kind: field(node, "Type"),
            target: field(node, "Target"),
            mode: node.attribute("TargetMode").unwrap_or("Internal").to_owned(),
        })
        .collect();
    let ids: HashSet<&str> = found.iter().map(|relationship| relationship.id.as_str()).collect();
    if ids.len() != found.len() {
        return Err("two relationships have the same Id".into());
    }
    Ok(found)
}

/// The relationships transform (ECMA-376 part 2): the chosen relationships, sorted by id, in canonical form.
pub(super) fn transformed(mut chosen: Vec<&Relationship>) -> String {
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    let mut out = format!("<Relationships xmlns=\"{RELATIONSHIPS}\">");
    for relationship in chosen {
        let fields = [
            (" Id", &relationship.id),
            (" Target", &relationship.target),
            (" TargetMode", &relationship.mode),
            (" Type", &relationship.kind),
        ];
        out.push_str("<Relationship");
        for (name, value) in fields {
            out.push_str(name);
            out.push_str("=\"");
            xml::escape(&mut out, value, true);
            out.push('"');
        }
        out.push_str("></Relationship>");
    }
    out.push_str("</Relationships>");
    out
}

/// The name of a part's relationships part; for an empty name, that of the package itself.
pub(super) fn relationships_of(part: &str) -> String {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}_rels/{name}.rels")
}

/// Resolves a target against the part that owns the relationship, and returns the name of the target part.
pub(super) fn resolve(owner: &str, target: &str) -> String {
    let target = target.split(['?', '#']).next().unwrap_or_default();
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let folder = owner.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_resolved_against_their_owner() {
        assert_eq!(resolve("a/b/c.xml", "/x/y"), "x/y");
        assert_eq!(resolve("a/b/c.xml", "../y?z"), "a/y");
        assert_eq!(resolve("", "hck/data/x"), "hck/data/x");
        assert_eq!(relationships_of("a/b.x"), "a/_rels/b.x.rels");
        assert_eq!(relationships_of(""), "_rels/.rels");
    }
}
