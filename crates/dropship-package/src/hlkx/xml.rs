//! XML parts: parsing within limits, and Canonical XML 1.0.

use std::collections::HashSet;
use std::fmt::Write;

use encoding_rs::{UTF_16BE, UTF_16LE};
use roxmltree::{Attribute, Document, Node, NodeType, ParsingOptions};

/// Maximum length of an XML part.
pub(super) const MAX_LENGTH: u32 = 4 * 1024 * 1024;
/// Maximum number of nodes in a document.
const NODES: u32 = 250_000;
/// Maximum number of attributes of an element, and of prefixes in a document. The parser's time grows with the square of
/// the attributes, its memory with the product of prefixes and elements.
const ATTRIBUTES: usize = 64;
const PREFIXES: usize = 32;
/// Maximum depth of elements; those of kits have about 15. Readers look at all elements around an element.
const DEPTH: usize = 256;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Decodes an XML part: UTF-8, or UTF-16 with a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<String, &'static str> {
    let decoded = if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        UTF_16LE.decode_without_bom_handling_and_without_replacement(rest)
    } else if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        UTF_16BE.decode_without_bom_handling_and_without_replacement(rest)
    } else {
        let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        std::str::from_utf8(rest).ok().map(Into::into)
    };
    decoded.map(std::borrow::Cow::into_owned).ok_or("it is not in the encoding that it declares")
}

/// Parses a document. Document type declarations are refused.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    guard(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| error.to_string())?;
    // The parser treats a malformed declaration as a processing instruction, which would change the signed bytes.
    let is_declaration =
        |node: Node<'_, '_>| node.pi().is_some_and(|pi| pi.target.eq_ignore_ascii_case("xml"));
    if document.descendants().any(is_declaration) {
        return Err("its XML declaration is not well formed".into());
    }
    // The parser refuses duplicate attributes, but not a duplicate declaration of the default namespace.
    let defaults = |node: Node<'_, '_>| node.namespaces().filter(|one| one.name().is_none()).count();
    if document.descendants().any(|node| node.is_element() && defaults(node) > 1) {
        return Err("an element declares its default namespace twice".into());
    }
    Ok(document)
}

/// Refuses documents on which the parser would spend too much time or memory.
fn guard(text: &str) -> Result<(), &'static str> {
    let mut prefixes = HashSet::new();
    for (at, _) in text.match_indices("xmlns:") {
        let rest = text.get(at..).unwrap_or_default();
        prefixes.insert(rest.split(['=', ' ', '\t', '\r', '\n']).next().unwrap_or_default());
        if prefixes.len() > PREFIXES {
            return Err("it has more than 32 namespace prefixes");
        }
    }
    let (mut rest, mut depth) = (text, 0usize);
    while let Some((_, tag)) = rest.split_once('<') {
        let end = if tag.starts_with("!--") {
            "-->"
        } else if tag.starts_with("![CDATA[") {
            "]]>"
        } else if tag.starts_with('?') {
            "?>"
        } else {
            let is_empty;
            (rest, is_empty) = element(tag)?;
            depth = match tag.starts_with('/') {
                true => depth.saturating_sub(1),
                false => depth.saturating_add(usize::from(!is_empty)),
            };
            if depth > DEPTH {
                return Err("its elements are nested more than 256 levels deep");
            }
            continue;
        };
        let Some((_, after)) = tag.split_once(end) else {
            return Ok(());
        };
        rest = after;
    }
    Ok(())
}

/// Checks the number of attributes of a tag, and returns the text after it, and whether the tag is that of an empty element.
fn element(tag: &str) -> Result<(&str, bool), &'static str> {
    let (mut quote, mut count, mut before) = (None, 0usize, 0u8);
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                count = count.saturating_add(1);
                if count > ATTRIBUTES {
                    return Err("an element has more than 64 attributes");
                }
            }
            (None, b'>') => return Ok((tag.get(at..).unwrap_or_default(), before == b'/')),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        before = byte;
    }
    Ok(("", false))
}

/// Canonical XML 1.0 without comments, of a subtree or, given the root node, of a document.
pub(super) fn canonical(apex: Node<'_, '_>) -> String {
    let mut out = String::new();
    let root_at = apex.document().root_element().range().start;
    // Each step is a node to write, or the end tag of an element. A stack instead of recursion, because the document decides
    // the depth.
    let mut items = vec![CanonicalItem::Node(apex)];
    while let Some(step) = items.pop() {
        match step {
            CanonicalItem::Text(text) => out.push_str(&text),
            CanonicalItem::Node(node) => match node.node_type() {
                NodeType::Root => {
                    items.extend(node.children().rev().map(CanonicalItem::Node));
                }
                NodeType::Element => {
                    let name = open(&mut out, node, node == apex);
                    items.push(CanonicalItem::Text(format!("</{name}>")));
                    items.extend(node.children().rev().map(CanonicalItem::Node));
                }
                NodeType::Text if node.parent().is_some_and(|parent| parent.is_element()) => {
                    escape(&mut out, node.text().unwrap_or_default(), false);
                }
                NodeType::PI => instruction(&mut out, node, root_at),
                NodeType::Text | NodeType::Comment => {}
            },
        }
    }
    out
}

enum CanonicalItem<'a, 'i> {
    Node(Node<'a, 'i>),
    Text(String),
}

/// The name of an element or attribute as it is written.
fn qualified<'i>(document: &Document<'i>, start: usize) -> &'i str {
    let rest = document.input_text().get(start..).unwrap_or_default();
    rest.split(['=', ' ', '\t', '\r', '\n', '/', '>']).next().unwrap_or_default()
}

/// Writes a start tag, and returns its name.
fn open<'i>(out: &mut String, node: Node<'_, 'i>, apex: bool) -> &'i str {
    let name = qualified(node.document(), node.range().start.saturating_add(1));
    out.push('<');
    out.push_str(name);
    namespaces(out, node, apex);
    let mut attributes: Vec<Attribute<'_, '_>> = node.attributes().collect();
    if apex {
        // Attributes of the xml namespace are inherited from ancestors that are left out.
        for ancestor in node.ancestors().skip(1) {
            for attribute in ancestor.attributes().filter(|attribute| attribute.namespace() == Some(XML)) {
                if !attributes
                    .iter()
                    .any(|own| own.namespace() == Some(XML) && own.name() == attribute.name())
                {
                    attributes.push(attribute);
                }
            }
        }
    }
    attributes.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
    for attribute in attributes {
        out.push(' ');
        out.push_str(qualified(node.document(), attribute.range_qname().start));
        out.push_str("=\"");
        escape(out, attribute.value(), true);
        out.push('"');
    }
    out.push('>');
    name
}

/// Whether the start tag of an element may declare namespaces.
fn may_declare(node: Node<'_, '_>) -> bool {
    let range = node.range();
    let end = node.first_child().map_or(range.end, |child| child.range().start);
    node.document().input_text().get(range.start..end).is_none_or(|tag| tag.contains("xmlns"))
}

/// Writes the namespace declarations that differ from those of the parent element.
fn namespaces(out: &mut String, node: Node<'_, '_>, apex: bool) {
    // Most elements have none. Comparing all that apply to them would take a multiple of the time of everything else.
    if !apex && !may_declare(node) {
        return;
    }
    let parent = node.parent_element().filter(|_| !apex);
    let inherited =
        |prefix: Option<&str>| parent.and_then(|node| node.lookup_namespace_uri(prefix)).unwrap_or_default();
    let mut new: Vec<(&str, &str)> = Vec::new();
    for namespace in node.namespaces() {
        let implied = namespace.name() == Some("xml") && namespace.uri() == XML;
        if !implied && inherited(namespace.name()) != namespace.uri() {
            new.push((namespace.name().unwrap_or_default(), namespace.uri()));
        }
    }
    let default = node.lookup_namespace_uri(None).unwrap_or_default();
    if default.is_empty() && !inherited(None).is_empty() && !new.iter().any(|(prefix, _)| prefix.is_empty()) {
        new.push(("", ""));
    }
    new.sort_unstable();
    for (prefix, uri) in new {
        out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
        out.push_str(prefix);
        out.push_str("=\"");
        escape(out, uri, true);
        out.push('"');
    }
}

/// Writes a processing instruction; outside of the root element, which begins at `root_at`, a line end separates it.
fn instruction(out: &mut String, node: Node<'_, '_>, root_at: usize) {
    let Some(pi) = node.pi() else { return };
    let outside = node.parent().is_some_and(|parent| parent.is_root());
    let after = outside && node.range().start > root_at;
    let value = pi.value.map(|value| format!(" {value}")).unwrap_or_default();
    let text = format!("<?{}{value}?>", pi.target);
    // Writing to a string does not fail.
    let written = match (outside, after) {
        (false, _) => write!(out, "{text}"),
        (true, true) => write!(out, "\n{text}"),
        (true, false) => writeln!(out, "{text}"),
    };
    debug_assert!(written.is_ok());
}

/// Writes text with the escapes of Canonical XML.
pub(super) fn escape(out: &mut String, text: &str, attribute: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' if !attribute => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\n' if attribute => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c14n(text: &str) -> String {
        canonical(parse(text).unwrap().root())
    }

    #[test]
    fn document_is_written_in_canonical_form() {
        // After the examples of the recommendation, https://www.w3.org/TR/2001/REC-xml-c14n-20010315
        let text = "<?xml version=\"1.0\"?>\r\n<?style  a?>\n<!-- c --><doc b='2'   a = \"1&#9;&quot;\"><e   /><t>&lt;&#13;\"&gt;</t><![CDATA[<x>]]></doc>\n<?end?>";
        assert_eq!(
            c14n(text),
            "<?style a?>\n<doc a=\"1&#x9;&quot;\" b=\"2\"><e></e><t>&lt;&#xD;\"&gt;</t>&lt;x&gt;</doc>\n<?end?>"
        );
    }

    #[test]
    fn instructions_and_elements_of_a_large_document_cost_little_each() {
        // Each of them once was compared with all others, or with all prefixes.
        let instructions = "<?a?>".repeat(100_000);
        assert_eq!(c14n(&format!("{instructions}<a/>")).len(), 100_000 * 6 + 7);
        let prefixes: String = (0..PREFIXES).map(|n| format!(" xmlns:p{n}=\"urn:{n}\"")).collect();
        let text = format!("<a{prefixes}>{}</a>", "<b></b>".repeat(100_000));
        assert_eq!(c14n(&text).len(), text.len());
    }

    #[test]
    fn namespaces_are_declared_once_where_they_start() {
        let text = r#"<a xmlns="urn:a" xmlns:p="urn:p"><b xmlns="urn:a" p:z="1" y="2"><c xmlns=""><d xmlns:q="urn:q"/></c></b></a>"#;
        assert_eq!(
            c14n(text),
            r#"<a xmlns="urn:a" xmlns:p="urn:p"><b y="2" p:z="1"><c xmlns=""><d xmlns:q="urn:q"></d></c></b></a>"#
        );
        let document = parse(text).unwrap();
        let b = document.descendants().find(|node| node.has_tag_name(("urn:a", "b"))).unwrap();
        assert!(canonical(b).starts_with(r#"<b xmlns="urn:a" xmlns:p="urn:p" y="2" p:z="1">"#));
    }

    #[test]
    fn hostile_documents_are_refused_or_parsed_fast() {
        let attributes: String = (0..100_000).map(|i| format!(" a{i}='x'")).collect();
        assert!(parse(&format!("<a{attributes}/>")).is_err());
        let prefixes: String = (0..100).map(|i| format!("<a xmlns:p{i}='x'>")).collect();
        assert!(parse(&prefixes).unwrap_err().contains("prefixes"));
        assert!(parse("<?xml\rversion=\"1.0\"?><a/>").is_err());
        assert!(parse("<a xmlns='x' xmlns='y'><b/></a>").unwrap_err().contains("twice"));
        assert!(parse("<a xmlns='x'><b xmlns='y'><c xmlns=''/></b></a>").is_ok());
        assert!(parse("<a xmlns:p='x' xmlns:p='y'/>").is_err());
        assert!(parse("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").is_err());
        let deep = |levels| "<a>".repeat(levels) + "<b/>" + &"</a>".repeat(levels);
        assert_eq!(c14n(&deep(DEPTH)), deep(DEPTH).replace("<b/>", "<b></b>"));
        for levels in [DEPTH + 1, 100_000] {
            assert!(parse(&deep(levels)).unwrap_err().contains("nested"), "{levels}");
        }
        let wide = format!("<a>{}</a>", "<b c='>'></b><b/>".repeat(2 * DEPTH));
        assert!(parse(&wide).is_ok());
    }
}
