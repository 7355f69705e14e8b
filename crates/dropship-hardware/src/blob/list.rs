//! The blocks that a blob has.

use std::collections::HashMap;

/// The blocks of a blob in the store, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StoredBlocks {
    /// Names of the committed blocks, in order.
    pub(super) committed: Vec<String>,
    /// Length of every block, committed or waiting for a block list.
    pub(super) lengths: HashMap<String, u64>,
}

/// Reads the response of Get Block List.
pub(super) fn read(xml: &str) -> Option<StoredBlocks> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let mut blocks = StoredBlocks::default();
    for block in document.descendants().filter(|node| node.has_tag_name("Block")) {
        let text = |name| block.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text());
        let (Some(name), Some(length)) =
            (text("Name"), text("Size").and_then(|size| size.trim().parse().ok()))
        else {
            continue;
        };
        if block.parent().is_some_and(|parent| parent.has_tag_name("CommittedBlocks")) {
            blocks.committed.push(name.trim().to_owned());
        }
        blocks.lengths.insert(name.trim().to_owned(), length);
    }
    Some(blocks)
}

/// Writes the body of Put Block List.
pub(super) fn write(names: &[String]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for name in names {
        xml.push_str("<Latest>");
        xml.push_str(name);
        xml.push_str("</Latest>");
    }
    xml.push_str("</BlockList>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_list_is_read_as_documented() {
        let blocks = read(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList><CommittedBlocks><Block><Name>YQ==</Name>\
             <Size>4</Size></Block></CommittedBlocks><UncommittedBlocks><Block><Name>Yg==</Name><Size>5</Size>\
             </Block></UncommittedBlocks></BlockList>",
        )
        .expect("list");
        assert_eq!(blocks.committed, ["YQ=="]);
        assert_eq!(blocks.lengths.get("Yg=="), Some(&5));
        assert_eq!(read("<BlockList/>"), Some(StoredBlocks::default()));
        assert_eq!(read("nonsense"), None);
    }
}
