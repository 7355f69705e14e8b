//! Every check by name, and the report that findings are written into.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::verdict::{Finding, Level};

/// What there is to know of one check: a key of `[preflight]`, unless it is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckInfo {
    /// Name in kebab case.
    pub name: &'static str,
    /// Level unless `[preflight]` says otherwise.
    pub level: Level,
    /// True for what `[preflight]` cannot change: whether bytes are whole and signed is no matter of taste.
    pub fixed: bool,
    /// What it looks for, in one line.
    pub meaning: &'static str,
    /// The document that it comes from, or empty.
    pub source: &'static str,
}

macro_rules! checks {
    ($($variant:ident $name:literal $level:ident $fixed:literal $source:literal $meaning:literal;)*) => {
        /// A check that inspection makes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Check { $($variant),* }

        impl Check {
            /// Name, level and meaning.
            pub(crate) fn info(self) -> CheckInfo {
                match self {
                    $(Self::$variant => CheckInfo {
                        name: $name, level: Level::$level, fixed: $fixed, meaning: $meaning, source: $source,
                    }),*
                }
            }
        }

        /// All checks, in the order of an inspection.
        pub(crate) static KNOWN: &[CheckInfo] = &[
            $(CheckInfo {
                name: $name, level: Level::$level, fixed: $fixed, meaning: $meaning, source: $source,
            }),*
        ];
    };
}

checks! {
    // --- is it a package, and all of it?
    Truncated "truncated" Error true "" "the file ends before the package does";
    NotAPackage "not-a-package" Error true "" "the file is not of the format that its name promises";
    Malformed "malformed" Error true "" "the package breaks its format, or leaves room that no signature covers";
    MultiCabinet "multi-cabinet" Error true "" "the cabinet is one of a set";
    CabLarge "cab-large" Warn false "" "the cabinet is larger than 2 GiB, which tools are not known to read";
    ContentsUnread "contents-unread" Warn false "" "files inside could not be unpacked, so nothing is known of them";
    // --- the signature
    Unsigned "unsigned" Error true "code-signing-attestation.md" "the package bears no signature and [signers] does not allow that";
    OldSignatureLayout "old-signature-layout" Error true "" "the signature lies in the header, as tools of the last century put it";
    SignatureMalformed "signature-malformed" Error true "" "the signature cannot be read";
    DigestMismatch "digest-mismatch" Error true "" "the bytes are not the ones that were signed";
    SignatureInvalid "signature-invalid" Error true "" "the signature does not fit the certificate";
    SignatureUnsupported "signature-unsupported" Error true "" "the signature uses an algorithm that cannot be verified";
    Sha1Digest "sha1-digest" Error false "code-signing-reqs.md" "the digest is SHA-1; SHA-256 is required (/fd sha256)";
    DigestAboveSha256 "digest-above-sha256" Warn false "code-signing-attestation.md" "the digest is stronger than the SHA-256 that Microsoft documents";
    NestedSignature "nested-signature" Info false "" "a second signature lies inside the first";
    NestedSignatureInvalid "nested-signature-invalid" Warn false "" "a second signature does not fit the package";
    // --- the certificate
    CertMalformed "cert-malformed" Error true "" "a certificate cannot be read";
    CertExpired "cert-expired" Error false "code-signing-reqs.md" "the signing certificate must be valid at submission";
    CertNotYetValid "cert-not-yet-valid" Error false "code-signing-reqs.md" "the signing certificate must be valid at submission";
    CertNotCodeSigning "cert-not-code-signing" Error true "code-signing-reqs.md" "the certificate is not for code signing";
    CertNotEv "cert-not-ev" Warn false "code-signing-reqs.md" "not an extended-validation certificate (policy 2.23.140.1.3)";
    CertWeakKey "cert-weak-key" Error false "code-signing-reqs.md" "the certificate's key is too short";
    TestSigned "test-signed" Error false "signing-a-driver-during-development-and-testing.md" "signed with a test certificate";
    SignerNotListed "signer-not-listed" Error true "code-signing-reqs.md" "the certificate is none of the thumbprints in [signers]";
    // --- the chain
    ChainUnknownIssuer "chain-unknown-issuer" Error true "" "the chain does not end at a root of [signers]";
    ChainExpired "chain-expired" Error false "code-signing-reqs.md" "an issuing certificate is not valid now";
    ChainSha1 "chain-sha1" Error true "code-signing-reqs.md" "a certificate is itself signed with SHA-1 or MD5";
    ChainInvalid "chain-invalid" Error true "" "the chain does not hold";
    ChainDamaged "chain-damaged" Error false "" "a certificate in the package is damaged, needed or not";
    ChainOwnCertificates "chain-own-certificates" Warn false "" "the chain holds, but not by the certificates that the package brings";
    ChainNotChecked "chain-not-checked" Warn false "" "[signers] names no roots to judge the chain by";
    CertRevoked "cert-revoked" Error true "" "a certificate of the chain is revoked by a CRL of [signers]";
    CrlUnusable "crl-unusable" Warn false "" "a CRL of [signers] is out of date or not its issuer's";
    RevocationNotChecked "revocation-not-checked" Info false "" "no CRL of [signers] covers the chain; nothing is asked online";
    // --- the timestamp
    TimestampMissing "timestamp-missing" Info false "code-signing-attestation.md" "the signature bears no timestamp";
    TimestampInvalid "timestamp-invalid" Error false "" "the timestamp does not fit its signature";
    TimestampUnknownAuthority "timestamp-unknown-authority" Warn false "" "the timestamp's authority ends at no root of [signers]";
    TimestampOutsideValidity "timestamp-outside-validity" Warn false "" "the timestamp lies outside of the signing certificate's validity";
    TimestampSha1 "timestamp-sha1" Warn false "code-signing-attestation.md" "the timestamp's digest is not SHA-256 (/td sha256)";
    // --- paths in a cabinet
    BadPath "bad-path" Error true "code-signing-reqs.md" "a path is absolute, names a drive or a share, or climbs out of the package";
    DuplicateName "duplicate-name" Error true "" "two files have one name, so that readers differ in which they take";
    RootFiles "root-files" Error false "hardware-submission-create.md" "files lie at the root of the cabinet";
    FileSigningCab "file-signing-cab" Error false "file-signing-reqs.md" "only binaries and no folders: a package for LSA or UEFI signing, which is another service";
    FolderNameLong "folder-name-long" Error false "code-signing-reqs.md" "a folder name has 40 characters or more";
    FolderNameSpecial "folder-name-special" Warn false "code-signing-reqs.md" "a folder name has special characters";
    PathLong "path-long" Warn false "hardware-submission-wlk.md" "a path has 160 characters or more";
    // --- drivers in a cabinet
    NoInf "no-inf" Error false "hardware-submission-create.md" "a driver folder has no INF";
    SharedFolder "shared-folder" Error false "code-signing-attestation.md" "several drivers share a folder";
    MixedArchitectures "mixed-architectures" Error false "code-signing-attestation.md" "driver folders are not for the same set of architectures";
    BinaryArchitecture "binary-architecture" Warn false "" "a driver binary is for another architecture than its INF";
    PdbMissing "pdb-missing" Warn false "code-signing-attestation.md" "a driver binary has no symbols beside it";
    CatMissing "cat-missing" Warn false "code-signing-attestation.md" "the catalog that an INF names is not beside it";
    CatShared "cat-shared" Warn false "catalog-files.md" "catalogs of several drivers have one name";
    // --- INFs
    InfMalformed "inf-malformed" Error false "inf-version-section.md" "an INF has no [Version] section with a signature";
    InfEncoding "inf-encoding" Warn false "general-guidelines-for-inf-files.md" "an INF beyond ASCII is not written in UTF-16";
    InfIncomplete "inf-incomplete" Error false "inf-version-section.md" "an INF leaves out Provider, Class or ClassGuid";
    InfDriverVer "inf-driverver" Error false "inf-driverver-directive.md" "DriverVer is missing, malformed or 0.0.0.0";
    InfUnstamped "inf-unstamped" Error false "inf-driverver-directive.md" "an INF still holds the placeholders of an .inx file";
    InfNoCatalog "inf-no-catalog" Error false "inf-version-section.md" "an INF names no CatalogFile, so that the driver counts as unsigned";
    InfPnpLockdown "inf-pnp-lockdown" Warn false "inf-version-section.md" "PnpLockdown is not 1";
    InfUndecorated "inf-undecorated" Error false "inf-manufacturer-section.md" "models for another architecture than x86 are not decorated with it";
    InfUndefinedString "inf-undefined-string" Warn false "general-syntax-rules-for-inf-files.md" "an INF uses strings that it does not define";
    ExtensionIdMissing "extension-id-missing" Error false "inf-version-section.md" "an extension INF lacks ExtensionId, or its class is not the one of extensions";
    ExtensionSeveral "extension-several" Warn false "submit-dashboard-extension-inf-files.md" "a package has several extension INFs";
    ExtensionBroad "extension-broad" Warn false "extension-inf-targeting-rules.md" "an extension INF names hardware too broadly";
    // --- .hlkx
    UncoveredPart "uncovered-part" Error true "" "a part of the package that no signature covers";
    PartMissing "part-missing" Error true "" "a part that was signed is not there";
    ContentTypeChanged "content-type-changed" Error true "" "a part has another content type than was signed";
    HlkxZip64 "hlkx-zip64" Error false "hardware-submission-create.md" "the archive uses Zip64, which the dashboard refuses";
    HlkxNoInfo "hlkx-no-info" Warn false "" "PackageInfo.xml is missing or cannot be read";
    HlkxPartial "hlkx-partial" Error false "connectiontype-enumeration.md" "a partial package, which is not acceptable for submission";
    HlkxVersionOld "hlkx-version-old" Error false "hardware-submission-create.md" "the package's version is older than the dashboard takes";
    HlkxTestsFailed "hlkx-tests-failed" Warn false "" "tests of the package failed or were not run";
    // --- what a rule asks for
    AttestationServer "attestation-server" Error false "code-signing-reqs.md" "attestation is for Windows client; a Server signature is accepted and then fails";
    AttestationOld "attestation-old-windows" Error false "code-signing-reqs.md" "attestation is for Windows 10 and later";
    AttestationRetail "attestation-retail" Error false "code-signing-reqs.md" "attestation-signed drivers are not for retail Windows Update";
    AttestationHlkx "attestation-hlkx" Error false "code-signing-attestation.md" "attestation takes a .cab, an .hlkx is for HLK submissions";
    RequestArchitecture "request-architecture" Warn false "" "a requested signature is for an architecture that the package does not have";
}

/// Findings as they come up, each with the level that the operator gave its check.
pub(crate) struct Report<'p> {
    levels: &'p BTreeMap<String, Level>,
    findings: Vec<Finding>,
}

impl<'p> Report<'p> {
    /// An empty report.
    pub(crate) fn new(levels: &'p BTreeMap<String, Level>) -> Self {
        Self { levels, findings: Vec::new() }
    }

    /// The level that a check has for this operator.
    pub(crate) fn level(&self, check: Check) -> Level {
        let info = check.info();
        match self.levels.get(info.name) {
            Some(level) if !info.fixed => *level,
            _ => info.level,
        }
    }

    /// Notes a finding, unless its check is off.
    pub(crate) fn say(&mut self, check: Check, message: impl Into<String>) {
        self.say_at(check, self.level(check), message);
    }

    /// Notes a finding at a level that was decided elsewhere.
    pub(crate) fn say_at(&mut self, check: Check, level: Level, message: impl Into<String>) {
        if level == Level::Off {
            return;
        }
        let info = check.info();
        self.findings.push(Finding {
            check: info.name.to_owned(),
            level,
            message: message.into(),
            source: info.source.to_owned(),
        });
    }

    /// True if a check has found something.
    pub(crate) fn said(&self, check: Check) -> bool {
        self.findings.iter().any(|finding| finding.check == check.info().name)
    }

    /// True if anything found rejects the package.
    pub(crate) fn rejects(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// The findings, the gravest first, else in the order in which they came up.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort_by_key(|finding| Reverse(finding.level));
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_and_unique() {
        let mut names: Vec<_> = KNOWN.iter().map(|check| check.name).collect();
        for name in &names {
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{name}"
            );
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KNOWN.len());
    }

    #[test]
    fn an_operator_changes_what_is_not_fixed() {
        let levels = BTreeMap::from([
            ("cert-not-ev".to_owned(), Level::Error),
            ("digest-mismatch".to_owned(), Level::Off),
            ("test-signed".to_owned(), Level::Off),
        ]);
        let mut report = Report::new(&levels);
        report.say(Check::CertNotEv, "a");
        report.say(Check::DigestMismatch, "b");
        report.say(Check::TestSigned, "c");
        let found: Vec<_> = report.into_findings().into_iter().map(|f| (f.check, f.level)).collect();
        assert_eq!(
            found,
            [("cert-not-ev".to_owned(), Level::Error), ("digest-mismatch".to_owned(), Level::Error)]
        );
    }
}
