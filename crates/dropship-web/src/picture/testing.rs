//! Checks pictures as an XML parser and a ruler see them.

use maud::Markup;
use roxmltree::{Document, Node};

use super::text::width;

/// Names that build servers could choose.
pub(super) const HOSTILE: [&str; 9] = [
    "",
    "upload",
    "<script>alert(1)</script>",
    "\"' onload=\"x\" &amp; ]]>",
    "\u{202e}gnp.exe\u{2066}\u{200f}",
    "\u{0}\u{1b}[2J\u{ffff}\n",
    "語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語語",
    "مرحبا بالعالم",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Each element on a line of its own, so that a difference can be read.
pub(super) fn lines(markup: &Markup) -> String {
    markup.0.replace("><", ">\n<")
}

/// Fails unless the markup is well-formed XML.
pub(super) fn well_formed(markup: &Markup) {
    let text = format!("<all>{}</all>", markup.0);
    if let Err(error) = Document::parse(&text) {
        panic!("{error}\n{text}");
    }
}

/// Fails unless each picture in the markup is well formed, has a title and a description, and has all of its parts inside of its
/// view box, without style attributes.
pub(super) fn check(markup: &Markup) {
    let text = format!("<all>{}</all>", markup.0);
    let document = match Document::parse(&text) {
        Ok(document) => document,
        Err(error) => panic!("{error}\n{text}"),
    };
    let pictures: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "svg")))
        .collect();
    assert!(!pictures.is_empty(), "no picture: {text}");
    for picture in pictures {
        check_picture(picture);
    }
    assert!(!text.contains("style=") && !text.contains("NaN") && !text.contains("inf\""), "{text}");
}

fn check_picture(picture: Node<'_, '_>) {
    let view: Vec<f64> = numbers(picture.attribute("viewBox").expect("a view box"));
    let (right, bottom) = (view[2], view[3]);
    assert_eq!(picture.attribute("role"), Some("img"));
    for child in ["title", "desc"] {
        let found = picture.children().find(|node| node.tag_name().name() == child).expect(child);
        assert!(found.text().is_some_and(|text| !text.trim().is_empty()), "empty {child}");
    }
    for node in picture.descendants().filter(Node::is_element) {
        if node.ancestors().any(|above| above.tag_name().name() == "defs") {
            continue;
        }
        for (x, y) in corners(node) {
            assert!(
                (-0.05..=right + 0.05).contains(&x) && (-0.05..=bottom + 0.05).contains(&y),
                "{x},{y} is outside of {right}x{bottom}: <{} {:?}> {:?}",
                node.tag_name().name(),
                node.attributes().map(|one| format!("{}={}", one.name(), one.value())).collect::<Vec<_>>(),
                node.text(),
            );
        }
    }
}

/// The outermost points of an element.
fn corners(node: Node<'_, '_>) -> Vec<(f64, f64)> {
    let number = |name: &str| node.attribute(name).map_or(0.0, |text| text.parse().expect("a number"));
    match node.tag_name().name() {
        "rect" => {
            let (x, y, width, height) = (number("x"), number("y"), number("width"), number("height"));
            assert!(width >= 0.0 && height >= 0.0, "a negative size");
            vec![(x, y), (x + width, y + height)]
        }
        "circle" => {
            let (x, y, r) = (number("cx"), number("cy"), number("r"));
            vec![(x - r, y - r), (x + r, y + r)]
        }
        "line" => vec![(number("x1"), number("y1")), (number("x2"), number("y2"))],
        "polyline" | "polygon" => numbers(node.attribute("points").expect("points"))
            .chunks(2)
            .map(|pair| (pair[0], pair[1]))
            .collect(),
        "text" => {
            let text: String =
                node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
            let (x, y, long) = (number("x"), number("y"), width(&text) as f64 * 6.4);
            let (start, end) = match node.attribute("text-anchor") {
                Some("middle") => (x - long / 2.0, x + long / 2.0),
                Some("end") => (x - long, x),
                _ => (x, x + long),
            };
            vec![(start, y - 10.0), (end, y + 3.0)]
        }
        _ => Vec::new(),
    }
}

fn numbers(text: &str) -> Vec<f64> {
    text.split([' ', ','])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().expect("a number"))
        .collect()
}
