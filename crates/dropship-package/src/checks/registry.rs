//! The registry of all checks. `docs/checks.md` is generated from it.
//!
//! To add a check, add an entry to the table below, report it with `Report::add(Check::…)`, and run
//! `UPDATE=1 cargo test --lib the_page_of_checks`. The report appends the source to each message.

use super::super::verdict::Level;

/// Description of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckInfo {
    /// Name in kebab case: its key in a table of levels, and `check` in a finding.
    pub name: &'static str,
    /// Heading under which the documentation lists it.
    pub group: &'static str,
    /// Level when the policy does not set one.
    pub level: Level,
    /// True if no policy can change the level: such a package is incomplete, or its signature cannot be verified.
    pub fixed: bool,
    /// What the check has found when it reports, in one line.
    pub meaning: &'static str,
    /// What to change, in one line.
    pub remedy: &'static str,
    /// Where the rule comes from: a page of Microsoft's windows-driver-docs (ending in `.md`), a specification, a tool,
    /// or `own rule`.
    pub source: &'static str,
}

/// An entry: variant, name, `fixed` or `settable`, default level, source; then the meaning; then the remedy.
macro_rules! checks {
    ($($group:literal {
        $($variant:ident $name:literal $fixed:ident $level:ident $source:literal $meaning:literal $remedy:literal;)*
    })*) => {
        /// A check that inspection makes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Check { $($($variant),*),* }

        impl Check {
            /// The registry's entry for the check.
            pub(crate) fn info(self) -> CheckInfo {
                match self {
                    $($(Self::$variant => CheckInfo {
                        name: $name, group: $group, level: Level::$level, fixed: checks!(@ $fixed),
                        meaning: $meaning, remedy: $remedy, source: $source,
                    }),*),*
                }
            }
        }

        /// All checks, in the order of an inspection.
        pub(crate) static KNOWN: &[CheckInfo] = &[
            $($(CheckInfo {
                name: $name, group: $group, level: Level::$level, fixed: checks!(@ $fixed),
                meaning: $meaning, remedy: $remedy, source: $source,
            }),*),*
        ];
    };
    (@ fixed) => { true };
    (@ settable) => { false };
}

checks! {
"The file" {
    Truncated "truncated" fixed Error "[MS-CAB], ZIP APPNOTE"
        "The file ends before the package does"
        "Copy the file again";
    NotAPackage "not-a-package" fixed Error "[MS-CAB], ZIP APPNOTE"
        "The file does not have the format that its name promises"
        "Drop the signed package itself";
    Malformed "malformed" fixed Error "[MS-CAB], ECMA-376 part 2"
        "The package breaks the rules of its format, or has bytes that no signature covers"
        "Build and sign the package again";
    InspectionWork "inspection-work" fixed Error "own rule"
        "The inspection would need more work than a sound package of this length can need: the package unpacks to far too much data, or has too many signatures"
        "Build and sign the package again";
    InspectionTime "inspection-time" fixed Error "own rule"
        "The inspection took longer than two minutes plus one second for each 2 MiB of the package"
        "Inspect the package again when the machine is less busy";
    MultiCabinet "multi-cabinet" fixed Error "[MS-CAB]"
        "The cabinet is a part of a set of cabinets"
        "Put the whole package into one cabinet";
    CabReserve "cab-reserve" fixed Error "[MS-CAB], makecab DDF"
        "The reserved space in the cabinet's header contains more than the position of the signature, or the folders or data blocks of the cabinet reserve space; no signature covers this space"
        "Leave `ReservePerCabinetSize`, `ReservePerFolderSize` and `ReservePerDataBlockSize` out of the DDF";
    CabLarge "cab-large" settable Warn "own rule"
        "The cabinet is larger than 2 GiB; common cabinet tools cannot read such a cabinet"
        "Split the package";
    ContentsUnread "contents-unread" settable Warn "own rule"
        "Files in the package could not be unpacked, so their contents were not checked"
        "Compress the cabinet with MSZIP or LZX";
}
"The signature" {
    Unsigned "unsigned" fixed Error "code-signing-attestation.md"
        "The package is not signed; where unsigned packages are allowed, this is only a warning"
        "Sign the package before it is dropped";
    OldSignatureLayout "old-signature-layout" fixed Error "Microsoft KB Q177178"
        "The signature is inside the cabinet's header; this old layout is not verified"
        "Sign the package again with a current signtool";
    SignatureMalformed "signature-malformed" fixed Error "RFC 5652, Authenticode_PE.docx"
        "The signature cannot be parsed"
        "Sign the package again";
    DigestMismatch "digest-mismatch" fixed Error "Authenticode_PE.docx, ECMA-376 part 2"
        "The bytes of the package are not the bytes that were signed"
        "Copy the package again; if that does not help, sign it again";
    SignatureInvalid "signature-invalid" fixed Error "RFC 5652, XMLDSig"
        "The signature does not match the signer's certificate"
        "Sign the package again";
    SignatureUnsupported "signature-unsupported" fixed Error "code-signing-reqs.md"
        "The signature uses an algorithm that cannot be verified"
        "Sign the package with RSA or ECDSA and SHA-256";
    Sha1Digest "sha1-digest" settable Error "code-signing-reqs.md"
        "The digest of the signature is SHA-1; SHA-256 is required"
        "Sign the package with `/fd sha256`";
    DigestAboveSha256 "digest-above-sha256" settable Warn "code-signing-attestation.md"
        "The digest of the signature is stronger than SHA-256, but Microsoft documents only SHA-256"
        "Sign the package with `/fd sha256`";
    NestedSignature "nested-signature" settable Info "signtool /as"
        "The signature contains a second signature"
        "Nothing; if the second signature is not intended, sign the package only once";
    NestedSignatureInvalid "nested-signature-invalid" settable Warn "signtool /as"
        "A second signature does not match the package"
        "Sign the package again";
}
"The certificate" {
    CertMalformed "cert-malformed" fixed Error "RFC 5280"
        "A certificate cannot be parsed"
        "Sign the package again with intact certificates";
    CertExpired "cert-expired" settable Error "code-signing-reqs.md"
        "The signing certificate has expired; it must be valid at submission"
        "Sign the package with a valid certificate";
    CertNotYetValid "cert-not-yet-valid" settable Error "code-signing-reqs.md"
        "The signing certificate is not valid yet; it must be valid at submission"
        "Wait until the certificate is valid, or correct the clock of the machine that inspects the package";
    CertNotCodeSigning "cert-not-code-signing" fixed Error "code-signing-reqs.md"
        "The signing certificate is not for code signing"
        "Sign the package with a code-signing certificate";
    CertNotEv "cert-not-ev" settable Warn "code-signing-reqs.md"
        "The signing certificate is not an extended-validation (EV) certificate: it lacks the policy 2.23.140.1.3. Microsoft requires an EV certificate for attestation, unless the signing certificate is registered with the account"
        "Nothing if the signing certificate is registered with the account; otherwise sign the package with the EV certificate that is registered";
    CertWeakKey "cert-weak-key" settable Error "code-signing-reqs.md"
        "The RSA key of the signing certificate has fewer than 2048 bits"
        "Sign the package with a certificate whose key is longer";
    TestSigned "test-signed" settable Error "signing-a-driver-during-development-and-testing.md"
        "The package is signed with a test certificate: one of the WDK, or one that is its own issuer"
        "Sign the package with the release certificate";
    SignerNotListed "signer-not-listed" fixed Error "code-signing-reqs.md"
        "The thumbprint of the signing certificate is not listed in the trust store"
        "Sign the package with a listed certificate, or add its thumbprint to the trust store";
}
"The chain" {
    ChainUnknownIssuer "chain-unknown-issuer" fixed Error "RFC 5280 6"
        "The chain of the signing certificate does not end at a root of the trust store"
        "If you trust the issuer, add the issuer's root or the missing intermediate certificate to the trust store";
    ChainExpired "chain-expired" settable Error "code-signing-reqs.md"
        "An issuing certificate is not valid now"
        "Sign the package with a certificate from a valid issuer";
    ChainSha1 "chain-sha1" fixed Error "code-signing-reqs.md"
        "A certificate of the chain is signed with SHA-1, MD5 or a short key"
        "Sign the package with a certificate of a SHA-2 chain";
    ChainInvalid "chain-invalid" fixed Error "RFC 5280 6"
        "The chain of certificates is not valid for a reason that the message names, for example because an issuing certificate is not for code signing"
        "Sign the package with a certificate whose chain is valid";
    ChainIssuerUsage "chain-issuer-usage" fixed Error "RFC 5280 4.2.1.3"
        "An issuing certificate is not allowed to issue certificates: its key usage does not include keyCertSign"
        "Sign the package with a certificate from another issuer";
    ChainDamaged "chain-damaged" settable Error "RFC 5280 6"
        "A certificate in the package cannot be read, or is not signed with the key of the issuer that it names; certificates that the chain does not need are checked too"
        "Sign the package again with intact certificates";
    ChainOwnCertificates "chain-own-certificates" settable Warn "own rule"
        "The chain is valid only with certificates from the trust store; the certificates in the package are not enough"
        "Sign the package with the complete chain (`signtool /ac`)";
    ChainNotChecked "chain-not-checked" settable Warn "own rule"
        "The trust store names neither roots nor thumbprints, so the signer was not checked"
        "Name roots or thumbprints in the trust store";
    CertRevoked "cert-revoked" fixed Error "RFC 5280 5"
        "A CRL of the trust store revokes a certificate of the chain"
        "Sign the package with a certificate that is not revoked";
    CrlUnusable "crl-unusable" settable Warn "RFC 5280 5"
        "A CRL of the trust store is out of date, or its issuer has not signed it"
        "Download the CRL again";
    RevocationNotChecked "revocation-not-checked" settable Info "RFC 5280 5"
        "The trust store names no CRLs, or they do not cover the whole chain; nothing is looked up online"
        "Name CRLs in the trust store if revocation matters";
}
"The timestamp" {
    TimestampMissing "timestamp-missing" settable Info "code-signing-attestation.md"
        "The signature has no timestamp"
        "Sign the package with `/tr URL /td sha256`";
    TimestampInvalid "timestamp-invalid" settable Error "RFC 3161"
        "The timestamp does not match the signature that contains it"
        "Sign the package again, with a timestamp";
    TimestampUnknownAuthority "timestamp-unknown-authority" settable Warn "RFC 3161"
        "The chain of the timestamp's authority does not end at a root or a timestamp root of the trust store"
        "If you trust the authority, add the authority's root to `timestamp_roots` in the trust store";
    TimestampOutsideValidity "timestamp-outside-validity" settable Warn "own rule"
        "The time of the timestamp is outside the validity of the signing certificate"
        "Sign the package again with a valid certificate";
    TimestampSha1 "timestamp-sha1" settable Warn "code-signing-attestation.md"
        "The digest of the timestamp is SHA-1"
        "Sign the package with `/td sha256`";
}
"Paths in a cabinet" {
    BadPath "bad-path" fixed Error "code-signing-reqs.md"
        "A path is absolute, names a drive or a share, leads out of the package, has a part that is empty or `.` (except `.` at the beginning: see `dot-path`), or contains control characters"
        "Build the cabinet with relative paths";
    DotPath "dot-path" settable Warn "own rule"
        "A path begins with `./` or `.\\`; this prefix is ignored here, but the dashboard may take it for a folder"
        "Build the cabinet with paths that lack the prefix";
    DuplicateName "duplicate-name" fixed Error "ECMA-376 part 2"
        "Two files have the same path, so different readers use different files"
        "Build the package so that it contains each file once";
    RootFiles "root-files" settable Error "hardware-submission-create.md"
        "Files are at the root of the cabinet"
        "Put each driver into a folder of its own";
    FileSigningCab "file-signing-cab" settable Error "file-signing-reqs.md"
        "The cabinet has only binaries and no folders: this is a package for another service, which signs LSA or UEFI files"
        "Submit the cabinet manually in Partner Center";
    FolderNameLong "folder-name-long" settable Error "code-signing-reqs.md"
        "A folder name has 40 characters or more"
        "Shorten the name";
    FolderNameSpecial "folder-name-special" settable Warn "code-signing-reqs.md"
        "A folder name has characters other than ASCII letters, digits, spaces, `-`, `_` and `.`"
        "Use letters, digits, `-`, `_` and `.`";
    PathLong "path-long" settable Warn "hardware-submission-wlk.md"
        "A path has 160 characters or more"
        "Shorten the path";
}
"Drivers in a cabinet" {
    NoInf "no-inf" settable Error "hardware-submission-create.md"
        "A driver folder has no INF"
        "Add the INF, or leave the folder out";
    InfNotInRoot "inf-not-in-root" settable Error "the dashboard's catalog creation"
        "A driver folder has an INF only in a subfolder; the dashboard needs an INF directly in the driver folder"
        "Move the INF into the driver folder; binaries may stay in subfolders";
    SharedFolder "shared-folder" settable Warn "code-signing-attestation.md"
        "INFs in one folder name different catalogs, so the folder counts as several drivers"
        "Put each driver into a folder of its own, or name the same CatalogFile in all INFs of one driver";
    MixedArchitectures "mixed-architectures" settable Error "code-signing-attestation.md"
        "The driver folders are not for the same set of architectures; this is only a warning if all INFs are primitive drivers"
        "Build each driver for all architectures, or drop one package for each architecture";
    BinaryArchitecture "binary-architecture" settable Warn "own rule"
        "The architecture of a driver binary (.sys) is not among the architectures of its INF"
        "Put the binary for the right architecture beside the INF";
    PdbMissing "pdb-missing" settable Warn "code-signing-attestation.md"
        "A driver binary (.sys) has no symbol file (.pdb) in its folder"
        "Put the .pdb into the folder of the binary";
    CatMissing "cat-missing" settable Warn "code-signing-attestation.md"
        "The catalog that an INF names is not in the INF's folder"
        "Create the catalog with inf2cat";
    CatShared "cat-shared" settable Warn "catalog-files.md"
        "INFs in different folders name catalogs with the same name"
        "Give each driver's catalog its own name";
}
"INFs" {
    InfMalformed "inf-malformed" settable Error "inf-version-section.md"
        "An INF has no `[Version]` section with a valid Signature"
        "Write `Signature = \"$WINDOWS NT$\"` in `[Version]`";
    InfEncoding "inf-encoding" settable Warn "general-guidelines-for-inf-files.md"
        "An INF has characters outside ASCII, but is not encoded in UTF-16"
        "Save the INF as UTF-16 LE";
    InfIncomplete "inf-incomplete" settable Error "inf-version-section.md"
        "An INF lacks at least one of the entries Provider, Class and ClassGuid"
        "Add the missing entries to `[Version]`";
    InfDriverVer "inf-driverver" settable Error "inf-driverver-directive.md"
        "DriverVer is missing, malformed or 0.0.0.0"
        "Write `DriverVer = mm/dd/yyyy,w.x.y.z` with numbers up to 65535, or run stampinf in the build";
    InfDriverVerShort "inf-driverver-short" settable Warn "inf-driverver-directive.md"
        "The version in DriverVer has fewer than four numbers; missing numbers are read as 0"
        "Write all four numbers";
    InfDriverVerFuture "inf-driverver-future" settable Error "Inf2Cat, error 22.9.7"
        "The date in DriverVer is in the future (in UTC); one day ahead is only a warning"
        "Correct the date, or stamp the INF with the date in UTC";
    InfUnstamped "inf-unstamped" settable Error "inf-driverver-directive.md"
        "An INF still contains the placeholders of an .inx file"
        "Run stampinf in the build";
    InfNoCatalog "inf-no-catalog" settable Error "inf-version-section.md"
        "An INF names no CatalogFile, so Windows treats the driver as unsigned"
        "Add CatalogFile to `[Version]`";
    InfPnpLockdown "inf-pnp-lockdown" settable Warn "inf-version-section.md"
        "PnpLockdown is not 1"
        "Add `PnpLockdown = 1` to `[Version]`";
    InfNoDevices "inf-no-devices" settable Error "InfVerif, error 1297"
        "An INF installs on no device, and is not a primitive driver; if only some of the listed models sections are missing, this is only a warning"
        "Add the models sections that `[Manufacturer]` lists, with hardware ids, or correct the decorations";
    InfUndecorated "inf-undecorated" settable Error "inf-manufacturer-section.md"
        "A models section has no architecture in its name, so it is for x86 only, but a binary beside the INF is for another architecture"
        "Decorate the names of the models sections, for example with `NTamd64`";
    InfUndefinedString "inf-undefined-string" settable Warn "general-syntax-rules-for-inf-files.md"
        "An INF uses strings that it does not define"
        "Define the strings in `[Strings]`";
    ExtensionIdMissing "extension-id-missing" settable Error "inf-version-section.md"
        "An extension INF has no valid ExtensionId, or its Class or ClassGuid is not that of extension INFs"
        "Correct the `[Version]` section";
    ExtensionSeveral "extension-several" settable Warn "submit-dashboard-extension-inf-files.md"
        "A package has several extension INFs"
        "Submit each extension INF in its own package";
    ExtensionBroad "extension-broad" settable Warn "extension-inf-targeting-rules.md"
        "An extension INF names hardware ids that many devices share"
        "Name the hardware id of the device, preferably with its subsystem id";
}
"Kit packages (.hlkx, .hckx)" {
    UncoveredPart "uncovered-part" fixed Error "ECMA-376 part 2"
        "A part of the package is not covered by a signature"
        "Sign the package again";
    PartMissing "part-missing" fixed Error "ECMA-376 part 2"
        "A part that was signed is not in the package"
        "Create the package again";
    ContentTypeChanged "content-type-changed" fixed Error "ECMA-376 part 2"
        "The content type of a part is not the one that was signed"
        "Create the package again";
    HlkxSignerNotRsa "hlkx-signer-not-rsa" settable Error "dashboard: Preparation"
        "The signer's key is not RSA: after the commit, the dashboard cannot open such a package, and the submission never ends"
        "Sign the package with a certificate that has an RSA key";
    HlkxZip64 "hlkx-zip64" settable Error "hardware-submission-create.md"
        "The archive uses Zip64, which the dashboard refuses. With another level, the package is rejected as `malformed`, because its signature cannot be checked"
        "Unpack the archive and zip it again without Zip64; the signature stays valid";
    HlkxNoInfo "hlkx-no-info" settable Warn "own rule"
        "PackageInfo.xml is missing or cannot be read"
        "Create the package again with HLK Studio";
    HlkxPartial "hlkx-partial" settable Error "connectiontype-enumeration.md"
        "The package is a partial package, which Microsoft does not accept for submission"
        "Create a submission package in HLK Studio";
    HlkxVersionOld "hlkx-version-old" settable Error "hardware-submission-create.md"
        "The version of the package is below 3.2.0.0; the dashboard no longer accepts such packages"
        "Create the package with a current kit";
    HlkxTestsFailed "hlkx-tests-failed" settable Warn "own rule"
        "Tests in the package failed or were not run"
        "Run the tests again, or apply the filters and errata of the kit";
}
"The request" {
    AttestationServer "attestation-server" settable Error "code-signing-reqs.md"
        "A Windows Server signature is requested by attestation; the dashboard accepts the request, but the submission fails later"
        "Remove the Windows Server code from the requested signatures, or submit HLK results";
    AttestationOld "attestation-old-windows" settable Error "code-signing-reqs.md"
        "A signature by attestation is requested for a Windows version before Windows 10"
        "Remove the code of that version from the requested signatures";
    AttestationRetail "attestation-retail" settable Error "code-signing-reqs.md"
        "An attestation-signed driver is to be published to retail Windows Update: a label for Windows Update has no audiences and no range of builds"
        "Target a test ring or another partner, or submit HLK results";
    AttestationHlkx "attestation-hlkx" settable Error "code-signing-attestation.md"
        "Attestation is requested, which needs a .cab, but the package has HLK results"
        "Choose another test harness for such packages";
    RequestArchitecture "request-architecture" settable Warn "own rule"
        "A requested signature is for an architecture that the package does not have"
        "Correct the requested signatures";
}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_are_kebab_case_and_unique() {
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
    fn check_texts_are_complete_single_lines() {
        for check in KNOWN {
            for text in [check.group, check.meaning, check.remedy, check.source] {
                assert!(
                    !text.is_empty() && !text.ends_with('.') && !text.contains('\n'),
                    "{}: {text}",
                    check.name
                );
                assert!(!text.contains('|'), "{}: a bar would end the table's cell: {text}", check.name);
            }
        }
    }
}
