//! Entry point of the fuzz target `xml`.

use super::info::HlkxInfo;
use super::opc::{self, ContentTypes};
use super::{signature, xml};

/// Parses XML and writes its canonical form, which must stay the same when it is parsed and written again.
pub(crate) fn xml_round(bytes: &[u8]) {
    let Ok(text) = xml::text(bytes) else { return };
    let _links = opc::relationships(&text);
    let _types = ContentTypes::read(&text);
    let _info = HlkxInfo::read(&text);
    let _signature = signature::XmlSignature::read(&text);
    if let Ok(document) = xml::parse(&text) {
        let once = xml::canonical(document.root());
        if let Ok(again) = xml::parse(&once) {
            assert_eq!(xml::canonical(again.root()), once, "canonical form is a fixed point");
        }
    }
}
