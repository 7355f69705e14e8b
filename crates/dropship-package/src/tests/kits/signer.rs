//! Signs kit packages with a key of its own, so that their content is inspected, whatever it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::certificate::{Certificate, certificate, name, purpose};

/// Names and contents, in the order of the archive.
pub type Parts = Vec<(String, Vec<u8>)>;

pub const CONTENT_TYPES: &str = "[Content_Types].xml";
pub const RELATIONSHIPS: &str = "_rels/.rels";
pub const PACKAGE_INFO: &str = "hck/data/PackageInfo.xml";
pub const ORIGIN: &str = "package/services/digital-signature/origin.psdsor";
const ORIGIN_LINKS: &str = "package/services/digital-signature/_rels/origin.psdsor.rels";
pub const SIGNATURE: &str = "package/services/digital-signature/xml-signature/s.psdsxs";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const LINKS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const LINKS_TYPE: &str = "application/vnd.openxmlformats-package.relationships+xml";
const OTHER_TYPE: &str = "application/octet";
const INFO: &str = "<Package KitVersion=\"10.1\" PackageVersion=\"3.2.0.0\" Type=\"SubmissionPackage\"><ProductInstance><Codes>\
                    <Code Name=\"WINDOWS_v100_X64_GE_FULL\"></Code></Codes></ProductInstance></Package>";

/// How a reference prepares its part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// Unchanged.
    Raw,
    /// As canonical XML. The part must be in that form already.
    Canonical,
}

/// A key and its certificate, which names another issuer.
pub struct KitSigner {
    pub key: EcdsaKeyPair,
    pub certificate: Vec<u8>,
}

/// Names of the issuer and the subject of the signer's certificate.
pub const ISSUER: &str = "Hostile CA";
const SUBJECT: &str = "Hostile Signer";

impl KitSigner {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
        let key = key.expect("the key");
        let certificate = certificate(&Certificate {
            issuer: &name(ISSUER),
            subject: &name(SUBJECT),
            serial: &[1],
            point: key.public_key().as_ref(),
            extensions: &[purpose(3)],
        });
        Self { key, certificate }
    }

    /// The certificate as a PEM file. Listed in `[signers] roots`, it is trusted as a signer.
    pub fn pem(&self) -> String {
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&self.certificate)
        )
    }

    /// Signs the manifest with these references: the content of the signature part.
    pub fn signature(&self, references: &str) -> String {
        let object = |xmlns: &str| {
            format!("<Object{xmlns} Id=\"idPackageObject\"><Manifest>{references}</Manifest></Object>")
        };
        let declared = format!(" xmlns=\"{DS}\"");
        let info = |xmlns: &str| {
            format!(
                "<SignedInfo{xmlns}><CanonicalizationMethod Algorithm=\"{C14N}\"></CanonicalizationMethod><SignatureMethod \
                 Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"></SignatureMethod><Reference \
                 URI=\"#idPackageObject\">{}</Reference></SignedInfo>",
                digest_elements(object(&declared).as_bytes())
            )
        };
        let value = self.key.sign(&SystemRandom::new(), info(&declared).as_bytes()).expect("signed");
        format!(
            "<Signature{declared}>{}<SignatureValue>{}</SignatureValue><KeyInfo><X509Data><X509Certificate>{}</X509Certificate>\
             </X509Data></KeyInfo>{}</Signature>",
            info(""),
            STANDARD.encode(value.as_ref()),
            STANDARD.encode(&self.certificate),
            object("")
        )
    }

    /// The parts with a signature over all of them but the content types.
    pub fn signed(&self, parts: &Parts, prepared: impl Fn(&str) -> Prepared) -> Parts {
        let references = parts.iter().filter(|(name, _)| name != CONTENT_TYPES);
        let references = references.map(|(name, content)| reference(name, prepared(name), content));
        let signature = self.signature(&references.collect::<String>());
        with_signature(parts, signature)
    }
}

/// The parts with this signature, which need not fit them.
pub fn with_signature(parts: &Parts, signature: String) -> Parts {
    let link = link(
        "S",
        "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/signature",
        SIGNATURE,
    );
    let mut all = parts.clone();
    all.push((ORIGIN.to_owned(), Vec::new()));
    all.push((ORIGIN_LINKS.to_owned(), links(&[link]).into_bytes()));
    all.push((SIGNATURE.to_owned(), signature.into_bytes()));
    all
}

/// A reference of a manifest to a part, whose name is well formed in XML.
pub fn reference(name: &str, prepared: Prepared, content: &[u8]) -> String {
    let kind = if name.ends_with(".rels") { LINKS_TYPE } else { OTHER_TYPE };
    let transforms = match prepared {
        Prepared::Raw => String::new(),
        Prepared::Canonical => {
            format!("<Transforms><Transform Algorithm=\"{C14N}\"></Transform></Transforms>")
        }
    };
    format!(
        "<Reference URI=\"/{name}?ContentType={kind}\">{transforms}{}</Reference>",
        digest_elements(content)
    )
}

pub fn digest_elements(content: &[u8]) -> String {
    format!(
        "<DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></DigestMethod><DigestValue>{}</DigestValue>",
        STANDARD.encode(digest(&SHA256, content))
    )
}

pub fn link(id: &str, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"{id}\" Target=\"/{target}\" Type=\"{kind}\"></Relationship>")
}

pub fn links(links: &[String]) -> String {
    format!("<Relationships xmlns=\"{LINKS}\">{}</Relationships>", links.concat())
}

/// The parts of a small kit package, without a signature.
pub fn kit() -> Parts {
    let root = links(&[
        link("R1", "http://microsoft.com/schemas/windows/kits/hardware/2010/packageinfo", PACKAGE_INFO),
        link(
            "R2",
            "http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin",
            ORIGIN,
        ),
    ]);
    let types = format!(
        "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default ContentType=\"{LINKS_TYPE}\" \
         Extension=\"rels\"></Default><Default ContentType=\"{OTHER_TYPE}\" Extension=\"xml\"></Default><Default \
         ContentType=\"{OTHER_TYPE}\" Extension=\"bin\"></Default></Types>"
    );
    vec![
        (CONTENT_TYPES.to_owned(), types.into_bytes()),
        (RELATIONSHIPS.to_owned(), root.into_bytes()),
        (PACKAGE_INFO.to_owned(), INFO.as_bytes().to_vec()),
        ("hck/data/results.bin".to_owned(), vec![7; 3000]),
    ]
}
