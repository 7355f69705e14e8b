//! XML digital signatures of a package: the parts that a signature covers, and the verification of its value.
//!
//! The structure is that of `System.IO.Packaging.PackageDigitalSignature`, with which the HLK signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};

use crate::signature::algorithm::Hash;
use crate::signature::certificate::Certificate;
use crate::signature::ecdsa::{self, Form};
use crate::signature::public_key::PublicKey;
use crate::signature::value::verify_pkcs1;
use crate::signature::value_fault::ValueFault;

use super::xml;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const OPC: &str = "http://schemas.openxmlformats.org/package/2006/digital-signature";
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const RELATIONSHIP_TRANSFORM: &str = "http://schemas.openxmlformats.org/package/2006/RelationshipTransform";
/// Signature algorithms: an RSA scheme or ECDSA, and the digest.
const ALGORITHMS: [(&str, Family, Hash); 7] = [
    ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", Family::Rsa, Hash::Sha1),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", Family::Rsa, Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", Family::Rsa, Hash::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Family::Rsa, Hash::Sha512),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Family::Ecdsa, Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", Family::Ecdsa, Hash::Sha384),
    ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", Family::Ecdsa, Hash::Sha512),
];
const DIGESTS: [(&str, Hash); 4] = [
    ("http://www.w3.org/2000/09/xmldsig#sha1", Hash::Sha1),
    ("http://www.w3.org/2001/04/xmlenc#sha256", Hash::Sha256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", Hash::Sha384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", Hash::Sha512),
];
/// Maximum number of references of a manifest: twice the maximum number of entries of an archive, and some more.
const REFERENCES: usize = 140_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    Ecdsa,
}

/// The algorithm of a signature value.
#[derive(Debug, Clone)]
enum Algorithm {
    Known(Family, Hash),
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
    Relationships { ids: Vec<String>, kinds: Vec<String> },
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
        };
        for reference in info.children().filter(|node| node.has_tag_name((DS, "Reference"))) {
            found.object(&document, reference)?;
        }
        if found.references.is_empty() {
            return Err("it signs no parts".into());
        }
        let inside = root.descendants().filter(|node| node.has_tag_name((DS, "X509Certificate")));
        found.certificates = inside.take(16).filter_map(octets).collect();
        Ok(found)
    }

    /// Follows a reference of `SignedInfo` to its object, and reads the manifest in it.
    fn object(&mut self, document: &Document<'_>, reference: Node<'_, '_>) -> Result<(), String> {
        let uri = reference.attribute("URI").unwrap_or_default();
        let id = uri.strip_prefix('#').filter(|id| !id.is_empty());
        let id = id.ok_or("it refers to something outside of the signature")?;
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

    /// Verifies the value with a certificate's key.
    pub(super) fn verify(&self, certificate: &Certificate<'_>) -> Result<(), ValueFault> {
        let message = self.message.as_bytes();
        match (&self.algorithm, certificate.key) {
            (Algorithm::Known(Family::Rsa, hash), key) => verify_pkcs1(key, *hash, message, &self.value),
            (Algorithm::Known(Family::Ecdsa, hash), PublicKey::Ec { curve, point }) => {
                ecdsa::verify(curve, *hash, Form::Fixed, point, message, &self.value)
            }
            (Algorithm::Known(Family::Ecdsa, _), key) => {
                Err(ValueFault::Unsupported(format!("an ECDSA signature algorithm, with {}", key.describe())))
            }
            (Algorithm::Unknown(uri), _) => Err(ValueFault::Unsupported(format!("the algorithm {uri}"))),
        }
    }
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
                let all = |name: &'static str, attribute: &'static str| -> Vec<String> {
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
