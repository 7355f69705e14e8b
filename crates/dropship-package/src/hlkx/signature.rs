//! XML digital signatures of a package: the parts that a signature covers, and the verification of its value.
//!
//! The structure is that of `System.IO.Packaging.PackageDigitalSignature`, with which the HLK signs.

use std::collections::{BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node, NodeType};

use crate::budget::Meter;
use crate::signature::algorithm::Hash;
use crate::signature::certificate::Certificate;
use crate::signature::ecdsa::{self, SignatureEncoding};
use crate::signature::public_key::PublicKey;
use crate::signature::timestamp;
use crate::signature::value::verify_pkcs1;
use crate::signature::value_fault::ValueFault;

use super::xml;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const OPC: &str = "http://schemas.openxmlformats.org/package/2006/digital-signature";
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const RELATIONSHIP_TRANSFORM: &str = "http://schemas.openxmlformats.org/package/2006/RelationshipTransform";
/// Signature algorithms: an RSA scheme or ECDSA, and the digest.
const ALGORITHMS: [(&str, KeyType, Hash); 7] = [
    ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", KeyType::Rsa, Hash::Sha1),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", KeyType::Rsa, Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", KeyType::Rsa, Hash::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", KeyType::Rsa, Hash::Sha512),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", KeyType::Ecdsa, Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", KeyType::Ecdsa, Hash::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", KeyType::Ecdsa, Hash::Sha512),
];
const DIGESTS: [(&str, Hash); 4] = [
    ("http://www.w3.org/2000/09/xmldsig#sha1", Hash::Sha1),
    ("http://www.w3.org/2001/04/xmlenc#sha256", Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", Hash::Sha384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", Hash::Sha512),
];
/// Maximum number of references of a manifest: twice the maximum number of entries of an archive, and some more.
const REFERENCES: usize = 140_000;
/// Maximum number of objects that a signature refers to; a package needs one.
const OBJECTS: usize = 8;
/// Maximum number of certificates inside a signature.
const CERTIFICATES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyType {
    Rsa,
    Ecdsa,
}

/// The algorithm of a signature value.
#[derive(Debug, Clone)]
enum Algorithm {
    Known(KeyType, Hash),
    /// By its URI.
    Unknown(String),
}

/// How the bytes of a part are prepared for its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transform {
    /// Unchanged.
    Raw,
    /// As canonical XML.
    Canonical,
    /// Only the relationships with these ids or types.
    Relationships { ids: BTreeSet<String>, kinds: BTreeSet<String> },
}

impl Transform {
    /// The transform without its parameters.
    fn kind(&self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Canonical => 1,
            Self::Relationships { .. } => 2,
        }
    }
}

/// One part that a manifest covers.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// Its name without the leading slash, as written in the manifest.
    pub(super) part: String,
    /// Its content type.
    pub(super) content_type: Option<String>,
    pub(super) transform: Transform,
    pub(super) hash: Hash,
    pub(super) digest: Vec<u8>,
}

/// A parsed signature.
#[derive(Debug)]
pub(super) struct XmlSignature {
    /// True if SHA-1 is used anywhere in it.
    pub(super) sha1: bool,
    algorithm: Algorithm,
    /// The canonical form of `SignedInfo`, which the value signs.
    message: String,
    value: Vec<u8>,
    /// True if the objects that hold the manifests are unchanged since signing.
    pub(super) objects_hold: bool,
    /// The parts that the manifests cover.
    pub(super) references: Vec<Reference>,
    /// Certificates inside the signature, in DER.
    pub(super) certificates: Vec<Vec<u8>>,
    /// A timestamp token over the value, in BER or DER.
    pub(super) token: Option<Vec<u8>>,
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name((DS, name)))
}

fn algorithm<'a>(node: Node<'a, '_>, name: &'static str) -> &'a str {
    child(node, name).and_then(|node| node.attribute("Algorithm")).unwrap_or_default()
}

/// Decodes the base64 of an element; white space is ignored.
fn octets(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let text: String = node.children().filter_map(|child| child.text()).collect();
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(text).ok()
}

fn digest(reference: Node<'_, '_>) -> Result<(Hash, Vec<u8>), String> {
    let name = algorithm(reference, "DigestMethod");
    let known = DIGESTS.iter().find(|(uri, _)| *uri == name);
    let (_, hash) = known.ok_or_else(|| format!("the digest algorithm {name} is not known"))?;
    let value = child(reference, "DigestValue").and_then(octets).ok_or("a digest is not base64")?;
    Ok((*hash, value))
}

impl XmlSignature {
    /// Reads a signature part.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let document = xml::parse(text)?;
        let root = document.root_element();
        if !root.has_tag_name((DS, "Signature")) {
            return Err("it is not an XML signature".into());
        }
        let info = child(root, "SignedInfo").ok_or("it has no SignedInfo")?;
        if algorithm(info, "CanonicalizationMethod") != C14N {
            return Err("its canonical form is not the one that packages use".into());
        }
        let name = algorithm(info, "SignatureMethod");
        let known = ALGORITHMS.iter().find(|(uri, ..)| *uri == name);
        let algorithm = match known {
            Some((_, family, hash)) => Algorithm::Known(*family, *hash),
            None => Algorithm::Unknown(name.to_owned()),
        };
        let mut found = Self {
            sha1: matches!(algorithm, Algorithm::Known(_, Hash::Sha1)),
            algorithm,
            message: xml::canonical(info),
            value: child(root, "SignatureValue").and_then(octets).ok_or("its value is not base64")?,
            objects_hold: true,
            references: Vec::new(),
            certificates: Vec::new(),
            token: None,
        };
        let mut signed = HashSet::new();
        for reference in info.children().filter(|node| node.has_tag_name((DS, "Reference"))) {
            let id = object_id(reference)?;
            if signed.len() >= OBJECTS || !signed.insert(id) {
                return Err("it refers to an object twice, or to too many objects".into());
            }
            found.object(&document, reference, id)?;
        }
        if found.references.is_empty() {
            return Err("it signs no parts".into());
        }
        let mut twice = HashSet::new();
        for reference in &found.references {
            let part = percent_decoded(&reference.part).to_lowercase();
            if !twice.insert((part, reference.transform.kind())) {
                let part = reference.part.escape_debug();
                return Err(format!("it refers to the part {part} twice with the same transform"));
            }
        }
        found.token = unsigned_content(root, &signed)?;
        for node in root.descendants().filter(|node| node.has_tag_name((DS, "X509Certificate"))) {
            if found.certificates.len() >= CERTIFICATES {
                return Err("it contains too many certificates".into());
            }
            found.certificates.push(octets(node).ok_or("a certificate in it is not base64")?);
        }
        Ok(found)
    }

    /// Follows a reference of `SignedInfo` to its object, and reads the manifest in it.
    fn object(&mut self, document: &Document<'_>, reference: Node<'_, '_>, id: &str) -> Result<(), String> {
        // With two elements of the same id, one could be verified and the other one used.
        let mut same = document.descendants().filter(|node| node.attribute("Id") == Some(id));
        let (Some(object), None) = (same.next(), same.next()) else {
            return Err(format!("the id {id} does not occur exactly once"));
        };
        if let Transform::Relationships { .. } = transforms(reference)? {
            return Err("an object is signed through a transform for parts".into());
        }
        let (hash, wanted) = digest(reference)?;
        self.sha1 |= hash == Hash::Sha1;
        self.objects_hold &= hash.of(xml::canonical(object).as_bytes()).as_ref() == wanted;
        let own = object.has_tag_name((DS, "Object")) && object.parent() == Some(document.root_element());
        let Some(manifest) = child(object, "Manifest").filter(|_| own) else {
            return Ok(());
        };
        for reference in manifest.children().filter(|node| node.has_tag_name((DS, "Reference"))) {
            if self.references.len() >= REFERENCES {
                return Err("it signs more parts than any package has".into());
            }
            let uri = reference.attribute("URI").unwrap_or_default();
            let (part, query) = uri.split_once('?').unwrap_or((uri, ""));
            let (hash, digest) = digest(reference)?;
            self.sha1 |= hash == Hash::Sha1;
            self.references.push(Reference {
                part: part.trim_start_matches('/').to_owned(),
                content_type: query.strip_prefix("ContentType=").map(percent_decoded),
                transform: transforms(reference)?,
                hash,
                digest,
            });
        }
        Ok(())
    }

    /// Verifies a timestamp token over the value. A token that does not match it would be content that nothing covers.
    pub(super) fn verify_token(&self, meter: &Meter) -> Result<(), String> {
        self.token.as_ref().map_or(Ok(()), |token| timestamp::verify_token(token, &self.value, meter))
    }

    /// Verifies the value with a certificate's key.
    pub(super) fn verify(&self, certificate: &Certificate<'_>, meter: &Meter) -> Result<(), ValueFault> {
        if !meter.may_verify() {
            return Err(ValueFault::Bad);
        }
        let message = self.message.as_bytes();
        match (&self.algorithm, certificate.key) {
            (Algorithm::Known(KeyType::Rsa, hash), key) => verify_pkcs1(key, *hash, message, &self.value),
            (Algorithm::Known(KeyType::Ecdsa, hash), PublicKey::Ec { curve, point }) => {
                ecdsa::verify(curve, *hash, SignatureEncoding::Fixed, point, message, &self.value)
            }
            (Algorithm::Known(KeyType::Ecdsa, _), key) => {
                Err(ValueFault::Unsupported(format!("an ECDSA signature algorithm, with {}", key.describe())))
            }
            (Algorithm::Unknown(uri), _) => Err(ValueFault::Unsupported(format!("the algorithm {uri}"))),
        }
    }
}

/// The id of the object that a reference of `SignedInfo` names.
fn object_id<'a>(reference: Node<'a, '_>) -> Result<&'a str, String> {
    let uri = reference.attribute("URI").unwrap_or_default();
    let id = uri.strip_prefix('#').filter(|id| !id.is_empty());
    id.ok_or_else(|| "it refers to something outside of the signature".to_owned())
}

/// Refuses content of a signature that the value does not cover: other objects, text, comments. Returns the timestamp token,
/// which tools add after signing, and which can be verified in another way.
fn unsigned_content(root: Node<'_, '_>, signed: &HashSet<&str>) -> Result<Option<Vec<u8>>, String> {
    let mut token = None;
    let mut once = HashSet::new();
    for child in root.children() {
        let name = match child.node_type() {
            NodeType::Element if child.tag_name().namespace() == Some(DS) => child.tag_name().name(),
            NodeType::Text if child.text().is_none_or(|text| text.trim().is_empty()) => continue,
            _ => return Err("it has content that its value does not cover".into()),
        };
        match name {
            "SignedInfo" | "SignatureValue" | "KeyInfo" if once.insert(name) => {}
            "Object" if child.attribute("Id").is_some_and(|id| signed.contains(id)) => {}
            "Object" if token.is_none() => token = Some(token_in(child)?),
            _ => return Err(format!("it has an element {name} that its value does not cover")),
        }
    }
    Ok(token)
}

/// The token in an object that holds a timestamp and nothing else, as signing tools for OPC packages write it.
fn token_in(object: Node<'_, '_>) -> Result<Vec<u8>, String> {
    const UNSIGNED: &str = "it has an object that its value does not cover";
    let mut elements = object.children().filter(|node| !node.is_text());
    let (Some(stamp), None) = (elements.next(), elements.next()) else { return Err(UNSIGNED.into()) };
    if stamp.tag_name().name() != "TimeStamp" {
        return Err(UNSIGNED.into());
    }
    let is_empty =
        |node: &Node<'_, '_>| node.descendants().all(|inner| inner.text().is_none_or(str::is_empty));
    let (tokens, others): (Vec<_>, Vec<_>) =
        stamp.children().partition(|node| node.tag_name().name() == "EncodedTime");
    let ([encoded], true) = (tokens.as_slice(), others.iter().all(is_empty)) else {
        return Err(UNSIGNED.into());
    };
    octets(*encoded).ok_or_else(|| UNSIGNED.into())
}

/// The transforms of a reference, combined into one.
fn transforms(reference: Node<'_, '_>) -> Result<Transform, String> {
    let Some(list) = child(reference, "Transforms") else {
        return Ok(Transform::Raw);
    };
    let mut found = Transform::Raw;
    for node in list.children().filter(|node| node.has_tag_name((DS, "Transform"))) {
        let name = node.attribute("Algorithm").unwrap_or_default();
        found = match (name, found) {
            (C14N, Transform::Raw | Transform::Canonical) => Transform::Canonical,
            // The result of the relationships transform is canonical already.
            (C14N, chosen @ Transform::Relationships { .. }) => chosen,
            (RELATIONSHIP_TRANSFORM, Transform::Raw) => {
                let all = |name: &'static str, attribute: &'static str| -> BTreeSet<String> {
                    let nodes = node.children().filter(|child| child.has_tag_name((OPC, name)));
                    nodes.filter_map(|node| node.attribute(attribute)).map(str::to_owned).collect()
                };
                Transform::Relationships {
                    ids: all("RelationshipReference", "SourceId"),
                    kinds: all("RelationshipsGroupReference", "SourceType"),
                }
            }
            _ => return Err(format!("the transform {name} is not one that packages use")),
        };
    }
    Ok(found)
}

/// Decodes the percent-encoding of a URI. Returned unchanged if the result is not UTF-8.
pub(super) fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        let pair = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = pair.filter(|_| *first == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(value.unwrap_or(*first));
        bytes = if value.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}
