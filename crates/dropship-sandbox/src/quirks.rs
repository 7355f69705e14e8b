//! The service's rarer habits, by name: each is off unless asked for.

use std::fmt;

/// One habit that clients of the real service have met, though not always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// `currentStep` as a number.
    NumericCurrentStep,
    /// `workflowStatus` null before and right after the commit.
    NullWorkflowStatus,
    /// No `downloads` in the answer to a create.
    DownloadsMissingOnCreate,
    /// The signed package lags behind the finished workflow.
    LateSignedPackage,
    /// The driver metadata lags behind the signed package.
    LateMetadata,
    /// Driver metadata among the links.
    MetadataInLinks,
    /// Driver metadata on the API's host.
    MetadataOnApiHost,
    /// Hrefs that lead elsewhere.
    ForeignHostsInLinks,
    /// Raw spaces in signed URLs.
    SpaceInSas,
    /// Enum values in `PascalCase`.
    EnumCase,
    /// Statuses, steps and error codes in `PascalCase`.
    PascalCaseStatus,
    /// No `commitStatus` in a submission.
    MissingCommitStatus,
    /// The older name of a received commit.
    OldCommitStatus,
    /// Intermediate steps are seen completed.
    IntermediateCompleted,
    /// Labels are seen in the step before the first.
    CreatedStep,
    /// Gateway errors with the status code as a text.
    StringStatusCode,
    /// Times with seven digits of fraction and an offset.
    SevenDigitFractions,
    /// Unset and announcement dates as .NET writes them.
    DatesWithoutZone,
    /// Ids as texts.
    StringIds,
    /// An internal error deep in the product list.
    List500OnDeepPage,
    /// A next link that leads to the same page.
    LoopingNextLink,
    /// Submissions and labels come in pages too.
    PageEveryList,
    /// Every second create answers without a body.
    Empty2xxBody,
    /// Optional fields of labels and submissions are null or absent.
    SparseFields,
    /// Empty and null maps in the driver metadata.
    SparseMetadata,
    /// Bundle ids that are no GUIDs.
    ShortBundleIds,
    /// Fields and enum values that no document names.
    UnknownFields,
    /// Other HTTP statuses for the functional errors.
    FunctionalStatus,
    /// A commit wants a JSON content type.
    StrictCommitType,
    /// Packages are judged.
    StrictPackages,
    /// A floor below the targeted systems is refused.
    StrictFloors,
    /// The certification report wants a bearer token.
    ReportNeedsBearer,
    /// Preproduction assets in a list envelope.
    AssetsEnvelope,
}

/// Every quirk with its name and what it does, in the order of the documentation.
const TABLE: &[(Quirk, &str, &str)] = &[
    (Quirk::NumericCurrentStep, "numeric-current-step", "workflowStatus.currentStep is a JSON number"),
    (
        Quirk::NullWorkflowStatus,
        "null-workflow-status",
        "workflowStatus is null before and right after the commit",
    ),
    (
        Quirk::DownloadsMissingOnCreate,
        "downloads-missing-on-create",
        "the answer to a create holds no downloads; a GET does",
    ),
    (
        Quirk::LateSignedPackage,
        "late-signed-package",
        "the signed package is offered some time after finalizeIngestion is completed",
    ),
    (
        Quirk::LateMetadata,
        "late-metadata",
        "the driver metadata is offered some time after the signed package",
    ),
    (
        Quirk::MetadataInLinks,
        "metadata-in-links",
        "the driver metadata is a link with rel driverMetadata, not a download",
    ),
    (
        Quirk::MetadataOnApiHost,
        "metadata-on-api-host",
        "the driver metadata's URL lies on the API's host and wants the bearer token",
    ),
    (
        Quirk::ForeignHostsInLinks,
        "foreign-hosts-in-links",
        "hrefs name other hosts and versions, some with a space or a double dot",
    ),
    (Quirk::SpaceInSas, "space-in-sas", "signed URLs hold raw spaces"),
    (
        Quirk::EnumCase,
        "enum-case",
        "testHarness, deviceType, type, destination and download types in PascalCase",
    ),
    (
        Quirk::PascalCaseStatus,
        "pascal-case-status",
        "commitStatus, steps, states and error codes in PascalCase",
    ),
    (Quirk::MissingCommitStatus, "missing-commit-status", "submissions have no commitStatus"),
    (Quirk::OldCommitStatus, "old-commit-status", "commitStarted in place of commitReceived"),
    (
        Quirk::IntermediateCompleted,
        "intermediate-completed",
        "steps before the last are seen with state completed",
    ),
    (Quirk::CreatedStep, "created-step", "a label is seen in step created before preProcessShippingLabel"),
    (Quirk::StringStatusCode, "string-status-code", "statusCode of a gateway error is a text"),
    (Quirk::SevenDigitFractions, "seven-digit-fractions", "times have seven digits of fraction and +00:00"),
    (
        Quirk::DatesWithoutZone,
        "dates-without-zone",
        "announcementDate has no zone, and is 0001-01-01T00:00:00 when unset",
    ),
    (Quirk::StringIds, "string-ids", "ids are JSON strings"),
    (
        Quirk::List500OnDeepPage,
        "list-500-on-deep-page",
        "product pages past the 8,910th item are answered 500",
    ),
    (
        Quirk::LoopingNextLink,
        "looping-next-link",
        "past the 1,650th product the next link leads to its own page",
    ),
    (Quirk::PageEveryList, "page-every-list", "submissions and labels come in pages too"),
    (Quirk::Empty2xxBody, "empty-2xx-body", "every second create is answered 201 with no body"),
    (
        Quirk::SparseFields,
        "sparse-fields",
        "messages, downloads, manualAcquisition and the like are null or absent where they may be",
    ),
    (
        Quirk::SparseMetadata,
        "sparse-metadata",
        "maps of the driver metadata are null or empty where they may be",
    ),
    (Quirk::ShortBundleIds, "short-bundle-ids", "bundle ids are words such as amd64, not GUIDs"),
    (Quirk::UnknownFields, "unknown-fields", "answers hold fields and links that no document names"),
    (
        Quirk::FunctionalStatus,
        "functional-status",
        "invalidInput is 400, requestInvalidForCurrentState 409, updateUnauthorized 403",
    ),
    (Quirk::StrictCommitType, "strict-commit-type", "a commit without a JSON content type is answered 415"),
    (
        Quirk::StrictPackages,
        "strict-packages",
        "an unsigned CAB, or one with files at its root, fails in the workflow",
    ),
    (Quirk::StrictFloors, "strict-floors", "a floor below the lowest targeted operating system is refused"),
    (Quirk::ReportNeedsBearer, "report-needs-bearer", "the certification report wants the bearer token"),
    (
        Quirk::AssetsEnvelope,
        "assets-envelope",
        "preproduction assets come in a value envelope, not as a plain array",
    ),
];

/// A set of quirks.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u64);

impl Quirks {
    /// No quirk: what every known client of the service expects.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// All of them at once.
    #[must_use]
    pub fn all() -> Self {
        TABLE.iter().fold(Self::none(), |set, (quirk, ..)| set.with(*quirk))
    }

    /// Reads `all`, `none`, or names with commas between them.
    ///
    /// # Errors
    /// Names the word that is no quirk, and lists those that are.
    pub fn parse(text: &str) -> Result<Self, UnknownQuirk> {
        let mut set = Self::none();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            set = match word {
                "all" => Self::all(),
                "none" => Self::none(),
                name => match TABLE.iter().find(|(_, known, _)| *known == name) {
                    Some((quirk, ..)) => set.with(*quirk),
                    None => return Err(UnknownQuirk(name.to_owned())),
                },
            };
        }
        Ok(set)
    }

    /// Every name with a line that says what it does.
    pub fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
        TABLE.iter().map(|(_, name, meaning)| (*name, *meaning))
    }

    /// This set and one quirk more.
    #[must_use]
    pub fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | 1 << quirk as u32)
    }

    /// This set without one quirk.
    #[must_use]
    pub fn without(self, quirk: Quirk) -> Self {
        Self(self.0 & !(1 << quirk as u32))
    }

    /// Whether the quirk is on.
    #[must_use]
    pub fn has(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u32) != 0
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = TABLE.iter().filter(|(quirk, ..)| self.has(*quirk)).map(|(_, name, _)| name);
        f.debug_set().entries(on).finish()
    }
}

/// A word that names no quirk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no quirk named `{0}`; say all, none, or some of: {names}", names = name_list())]
pub struct UnknownQuirk(String);

fn name_list() -> String {
    let names: Vec<_> = Quirks::names().map(|(name, _)| name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_told() {
        let set = Quirks::parse("space-in-sas, string-ids").unwrap();
        assert!(set.has(Quirk::SpaceInSas) && set.has(Quirk::StringIds) && !set.has(Quirk::EnumCase));
        assert_eq!(format!("{set:?}"), r#"{"space-in-sas", "string-ids"}"#);
        assert!(Quirks::names().all(|(name, _)| Quirks::parse("all").unwrap().has_name(name)));
        let error = Quirks::parse("space-in-sauce").unwrap_err().to_string();
        assert!(error.contains("space-in-sauce") && error.contains("space-in-sas"), "{error}");
    }

    impl Quirks {
        fn has_name(self, name: &str) -> bool {
            Self::parse(name).is_ok_and(|one| self.0 & one.0 == one.0 && one.0 != 0)
        }
    }

    #[test]
    fn every_quirk_has_a_bit_of_its_own() {
        assert_eq!(Quirks::all().0.count_ones() as usize, TABLE.len());
    }
}
