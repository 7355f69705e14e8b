//! Checks the timestamps of a signature: RFC 3161 tokens and the older counter-signatures.

use jiff::Timestamp;

use super::algorithm::Hash;
use super::certificate::{Certificate, TIME_STAMPING};
use super::path::{PathSearch, through};
use super::signed_data::{SignedData, SignerInfo};
use super::{time, verify};
use crate::ber;
use crate::budget::Meter;
use crate::checks::{Check, Report};
use crate::der::{DerError, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, Tlv};
use crate::policy::Policy;

/// Unsigned attributes that contain a token: Microsoft's, and that of RFC 3161.
const TOKENS: [&[u8]; 2] =
    [&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 3, 3, 1], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 2, 14]];
const COUNTER_SIGNATURE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 6];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 1, 4];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNING_TIME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 5];

/// Maximum number of timestamps of one signature; tools create one or two.
const MAX_TIMESTAMPS: usize = 8;

/// A timestamp that matches its signature.
pub(crate) struct VerifiedTimestamp {
    /// Its time.
    pub(crate) time: Timestamp,
    /// Name of the authority.
    pub(crate) authority: String,
    /// The chain of the authority in DER, as far as the token contains it.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// A timestamp that matches its signature, before its authority is checked.
struct SignedTimestamp<'a> {
    time: Timestamp,
    hash: Hash,
    leaf: Certificate<'a>,
    certificates: Vec<Certificate<'a>>,
}

/// Checks all timestamps of a signer and returns the first that matches the signature.
pub(crate) fn check(
    report: &mut Report<'_>,
    signer: &SignerInfo<'_>,
    signed_by: &Certificate<'_>,
    certificates: &[Certificate<'_>],
    policy: &Policy,
) -> Option<VerifiedTimestamp> {
    let meter = report.meter();
    let tokens =
        TOKENS.iter().flat_map(|id| signer.unsigned_values(id)).map(|tlv| token(tlv, signer.value, meter));
    let older = signer.unsigned_values(COUNTER_SIGNATURE);
    let older = older.map(|tlv| counter_signature(tlv, signer.value, certificates, meter));
    let found: Vec<_> = tokens.chain(older).take(MAX_TIMESTAMPS).collect();
    if found.is_empty() {
        let message = "the signature has no timestamp; sign with /tr and /td sha256 so that it outlives its certificate";
        report.add(Check::TimestampMissing, message);
    }
    let mut first = None;
    for outcome in found {
        match outcome {
            Err(reason) => {
                let message = format!(
                    "a timestamp of the signature is not valid: {reason}; sign and timestamp the package again"
                );
                report.add(Check::TimestampInvalid, message);
            }
            Ok(verified) => {
                let stamp = check_authority(report, &verified, signed_by, policy);
                first = first.or(Some(stamp));
            }
        }
    }
    first
}

/// Checks the authority of a timestamp, its digest and its time.
fn check_authority(
    report: &mut Report<'_>,
    stamp: &SignedTimestamp<'_>,
    signed_by: &Certificate<'_>,
    policy: &Policy,
) -> VerifiedTimestamp {
    let name = stamp.leaf.name();
    if stamp.hash == Hash::Sha1 {
        let message = format!("the timestamp of {name} uses SHA-1; stamp with /td sha256");
        report.add(Check::TimestampSha1, message);
    }
    if stamp.time < signed_by.not_before || stamp.time > signed_by.not_after {
        let message = format!(
            "the timestamp of {name} ({}) is outside the validity of the signing certificate",
            stamp.time
        );
        report.add(Check::TimestampOutsideValidity, message);
    }
    let through = through(&stamp.certificates, policy);
    let search = PathSearch {
        leaf: &stamp.leaf,
        through: &through,
        at: stamp.time,
        purpose: TIME_STAMPING,
        meter: report.meter(),
    };
    let known_roots = [&policy.signers.timestamp_roots, &policy.signers.roots];
    let is_known = known_roots.iter().any(|roots| search.run(roots, &[], false).is_ok());
    if !is_known {
        let message = format!(
            "the timestamp is valid, but the chain of its authority ({name}) does not end at a root of {}; add its root to \
             timestamp_roots if you trust it",
            policy.signers.name()
        );
        report.add(Check::TimestampUnknownAuthority, message);
    }
    VerifiedTimestamp {
        time: stamp.time,
        authority: name,
        certificates: stamp.leaf.chain(&stamp.certificates),
    }
}

/// Reads an RFC 3161 token, and checks it against the signature value that it stamps.
fn token<'a>(tlv: Tlv<'a>, stamped: &[u8], meter: &Meter) -> Result<SignedTimestamp<'a>, String> {
    let clause = |error: DerError| format!("the token cannot be read ({error})");
    let data = SignedData::read(tlv.whole).map_err(clause)?;
    let content = data.content.filter(|content| content.tag == OCTET_STRING && data.content_type == TST_INFO);
    let content = content.ok_or("the token contains no timestamp")?;
    let (info, _) = ber::to_der(content.value).map_err(clause)?;
    let (hash, imprint, time) = tst_info(&info).map_err(clause)?;
    let hash = Hash::of_oid(hash).ok_or("its digest algorithm is not known")?;
    if hash.of(stamped).as_ref() != imprint {
        return Err("it was made for another signature".into());
    }
    let certificates: Vec<_> =
        data.certificates.iter().filter_map(|der| Certificate::read(der).ok()).collect();
    let leaf = verify::verify(&data.signer, &certificates, TST_INFO, content.value, meter)
        .map_err(|fault| fault.to_string())?;
    finish(time, hash, leaf.clone(), certificates)
}

/// Verifies an RFC 3161 token outside of a signature: over these octets, by the key of the authority in it.
pub(crate) fn verify_token(token_bytes: &[u8], stamped: &[u8], meter: &Meter) -> Result<(), String> {
    let clause = |error: DerError| format!("the timestamp token cannot be read ({error})");
    let (der, rest) = ber::to_der(token_bytes).map_err(clause)?;
    let mut reader = Reader::new(&der);
    let whole = reader.any().map_err(clause)?;
    if !rest.is_empty() || !reader.is_empty() {
        return Err("bytes follow its timestamp token".to_owned());
    }
    token(whole, stamped, meter).map(drop)
}

/// The imprint's algorithm, the imprint and the time of a `TSTInfo`.
fn tst_info(bytes: &[u8]) -> Result<(&[u8], &[u8], Timestamp), DerError> {
    let mut fields = Reader::new(bytes).inside(SEQUENCE)?;
    fields.expect(INTEGER)?;
    fields.expect(OID)?;
    let mut imprint = fields.inside(SEQUENCE)?;
    let hash = imprint.inside(SEQUENCE)?.expect(OID)?.value;
    let digest = imprint.expect(OCTET_STRING)?.value;
    fields.expect(INTEGER)?;
    Ok((hash, digest, time::next(&mut fields)?))
}

/// Reads a counter-signature, whose certificates are among those of the signature, and checks it.
fn counter_signature<'a>(
    tlv: Tlv<'a>,
    stamped: &[u8],
    certificates: &[Certificate<'a>],
    meter: &Meter,
) -> Result<SignedTimestamp<'a>, String> {
    let clause = |error: DerError| format!("the counter-signature cannot be read ({error})");
    let signer = SignerInfo::read(tlv).map_err(clause)?;
    let time = signer.attribute(SIGNING_TIME).ok_or("the counter-signature names no time")?;
    let time = time::read(time).map_err(clause)?;
    let leaf =
        verify::verify(&signer, certificates, DATA, stamped, meter).map_err(|fault| fault.to_string())?;
    let hash = verify::hash(&signer).map_err(|fault| fault.to_string())?;
    finish(time, hash, leaf.clone(), certificates.to_vec())
}

fn finish<'a>(
    time: Timestamp,
    hash: Hash,
    leaf: Certificate<'a>,
    certificates: Vec<Certificate<'a>>,
) -> Result<SignedTimestamp<'a>, String> {
    if !leaf.is_for(TIME_STAMPING) {
        return Err(format!("the certificate of {} is not for timestamps", leaf.name()));
    }
    Ok(SignedTimestamp { time, hash, leaf, certificates })
}
