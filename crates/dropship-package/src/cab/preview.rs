//! What the inspection of a cabinet needs of its bulk, from its bytes in their order.

use std::io;

use ring::digest::{Algorithm, Digest, SHA256};

use super::content::ContentBytes;
use super::contents::{self, CabContents};
use super::header::Header;
use super::listing::{self, CabListing};
use crate::completeness::HEAD;
use crate::hash::{self, Sequence};
use crate::input::Input;
use crate::signature::algorithm::Hash;

static ONLY_SHA256: [&Algorithm; 1] = [&SHA256];

/// The SHA-256 digests of a cabinet.
#[derive(Debug)]
pub(crate) struct CabDigests {
    len: u64,
    header: Header,
    content: Option<ContentBytes>,
    signed: Digest,
    moved: Option<Digest>,
}

/// The files of a cabinet that an inspection reads.
#[derive(Debug)]
pub(crate) struct CabFiles {
    len: u64,
    header: Header,
    files: Files,
}

/// The listing, and the contents of the files that are read.
pub(super) type Files = (Result<CabListing, &'static str>, CabContents);

/// Computes the digests.
pub(crate) fn preview_digests(input: Input<'_>) -> io::Result<CabDigests> {
    let header = read_header(input)?;
    let content = ContentBytes::read(input, &header)?;
    let signed =
        Sequence { ranges: &header.signed_ranges(), algorithms: &ONLY_SHA256, ..Sequence::default() };
    let moved = moved(content.as_ref());
    let mut computed = hash::digest(input, &[signed, moved], false)?.sequences.into_iter();
    let mut first = || computed.next().and_then(|digests| digests.first().copied());
    let signed = first().ok_or_else(|| io::Error::other("no digest"))?;
    Ok(CabDigests { len: input.len(), moved: first(), content, signed, header })
}

/// Reads the files.
pub(crate) fn preview_files(input: Input<'_>) -> io::Result<CabFiles> {
    let header = read_header(input)?;
    let files = read_files(input, &header)?;
    Ok(CabFiles { len: input.len(), header, files })
}

fn read_header(input: Input<'_>) -> io::Result<Header> {
    Header::read(&input.read_up_to(0, HEAD)?).ok_or_else(|| io::Error::other("no header"))
}

/// The bytes of the content whose place an unusual reserve has moved; nothing for any other cabinet.
pub(super) fn moved(content: Option<&ContentBytes>) -> Sequence<'_> {
    match content {
        Some(ContentBytes::Moved { head, rest }) => {
            Sequence { prefix: head, ranges: std::slice::from_ref(rest), algorithms: &ONLY_SHA256 }
        }
        Some(ContentBytes::Signed) | None => Sequence::default(),
    }
}

impl CabDigests {
    /// The digests of the signed bytes and of a moved content, if they are those that an inspection of this cabinet needs.
    pub(super) fn of(
        &self,
        input: Input<'_>,
        (header, content): (&Header, Option<&ContentBytes>),
        hashes: &[Hash],
    ) -> Option<Vec<Vec<Digest>>> {
        let is_same_cabinet =
            self.len == input.len() && self.header == *header && self.content.as_ref() == content;
        let is_sha256_only = hashes.iter().all(|hash| *hash == Hash::Sha256);
        let signed = hashes.iter().map(|_| self.signed).collect();
        (is_same_cabinet && is_sha256_only).then(|| vec![signed, self.moved.into_iter().collect()])
    }
}

impl CabFiles {
    /// The files of this cabinet.
    pub(super) fn of(&self, input: Input<'_>, header: &Header) -> Option<Files> {
        (self.len == input.len() && self.header == *header).then(|| self.files.clone())
    }
}

/// Lists the files, and reads the INFs and the PE headers of drivers.
pub(super) fn read_files(input: Input<'_>, header: &Header) -> io::Result<Files> {
    if header.is_of_a_set {
        return Ok((Ok(CabListing::default()), CabContents::default()));
    }
    let listing = listing::read(input, header)?;
    let contents = match &listing {
        Ok(listing) => contents::read(input, header, listing)?,
        Err(_) => CabContents::default(),
    };
    Ok((listing, contents))
}
