//! The quirks, each with its name and description.

/// Declares [`Quirk`] and its table, so that variant, name and description of a quirk are in one place.
macro_rules! quirks {
    ($($variant:ident, $name:literal, $description:literal;)*) => {
        /// A behaviour that clients of the real service have met, but not always.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Quirk {
            $(#[doc = $description] $variant,)*
        }

        impl Quirk {
            /// All quirks, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What the service does, in one line.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $description,)*
                }
            }
        }
    };
}

quirks! {
    NumericCurrentStep, "numeric-current-step", "workflowStatus.currentStep is a JSON number";
    NullWorkflowStatus, "null-workflow-status", "workflowStatus is null before and right after the commit";
    DownloadsMissingOnCreate, "downloads-missing-on-create", "the response to a create has no downloads; a GET has";
    LateSignedPackage, "late-signed-package", "the signed package appears some time after finalizeIngestion is completed";
    LateMetadata, "late-metadata", "the driver metadata appears some time after the signed package";
    MetadataInLinks, "metadata-in-links", "the driver metadata is a link with rel driverMetadata, not a download";
    MetadataOnApiHost, "metadata-on-api-host", "the URL of the driver metadata is on the API's host and requires the bearer token";
    ForeignHostsInLinks, "foreign-hosts-in-links", "links name other hosts and versions, some with a space or a double dot";
    SpaceInSas, "space-in-sas", "signed URLs contain unescaped spaces";
    EnumCase, "enum-case", "testHarness, deviceType, type, destination and download types with a capital first letter";
    PascalCaseStatus, "pascal-case-status", "commitStatus, steps, states and error codes with a capital first letter";
    MissingCommitStatus, "missing-commit-status", "submissions have no commitStatus";
    OldCommitStatus, "old-commit-status", "commitStatus is commitStarted instead of commitReceived";
    IntermediateCompleted, "intermediate-completed", "steps before the last are reported with state completed";
    CreatedStep, "created-step", "a label is in step created before preProcessShippingLabel";
    StringStatusCode, "string-status-code", "statusCode of a gateway error is a string";
    SevenDigitFractions, "seven-digit-fractions", "times have seven digits of fraction and +00:00";
    DatesWithoutZone, "dates-without-zone", "announcementDate has no time zone, and is 0001-01-01T00:00:00 when unset";
    StringIds, "string-ids", "ids are JSON strings";
    List500OnDeepPage, "list-500-on-deep-page", "pages of the product list after the 8,910th item fail with 500";
    LoopingNextLink, "looping-next-link", "the next link after the 1,650th product leads to the same page";
    PageEveryList, "page-every-list", "lists of submissions and labels have pages too";
    Empty2xxBody, "empty-2xx-body", "every second create returns 201 without a body";
    SparseFields, "sparse-fields", "optional fields such as messages and manualAcquisition are null or absent";
    SparseMetadata, "sparse-metadata", "optional maps of the driver metadata are null or empty";
    ShortBundleIds, "short-bundle-ids", "bundle ids are words such as amd64 instead of GUIDs";
    UnknownFields, "unknown-fields", "responses have undocumented fields";
    FunctionalStatus, "functional-status", "invalidInput is 400, requestInvalidForCurrentState 409, updateUnauthorized 403";
    StrictCommitType, "strict-commit-type", "a commit without a JSON content type fails with 415";
    StrictPackages, "strict-packages", "an unsigned CAB, or a CAB with files at its root, fails in the workflow";
    StrictFloors, "strict-floors", "a floor below the lowest targeted operating system is rejected";
    ReportNeedsBearer, "report-needs-bearer", "the certification report requires the bearer token";
    AssetsEnvelope, "assets-envelope", "the list of preproduction assets is in a value envelope instead of a plain array";
}
