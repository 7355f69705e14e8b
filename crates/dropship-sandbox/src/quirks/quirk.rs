//! The quirks, each with its name and description.

/// Declares [`Quirk`] and its table, so that variant, name and description of a quirk are in one place.
macro_rules! quirks {
    ($($variant:ident, $name:literal, $description:literal;)*) => {
        /// A behaviour that clients of the real service have met, but not always.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

            /// Behaviour of the service, in one line.
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
    DownloadsMissingOnCreate, "downloads-missing-on-create", "the response to a create has no downloads; the response to a GET has them";
    LateSignedPackage, "late-signed-package", "the signed package appears some time after finalizeIngestion is completed";
    LateMetadata, "late-metadata", "the driver metadata appear some time after the signed package";
    NullUrls, "null-urls", "while the driver metadata are not ready, their download has a null URL";
    MetadataInLinks, "metadata-in-links", "the driver metadata are a link with rel driverMetadata, not a download";
    MetadataOnApiHost, "metadata-on-api-host", "the URL of the driver metadata is on the API's host and requires the bearer token";
    ForeignHostsInLinks, "foreign-hosts-in-links", "links name other hosts and versions, some with a space or a double dot";
    SpaceInSas, "space-in-sas", "signed URLs contain unescaped spaces";
    EnumCase, "enum-case", "testHarness, deviceType, type, destination and download types begin with a capital letter";
    PascalCaseStatus, "pascal-case-status", "commitStatus, steps, states and error codes begin with a capital letter";
    MissingCommitStatus, "missing-commit-status", "submissions have no commitStatus";
    OldCommitStatus, "old-commit-status", "commitStatus is commitStarted instead of commitReceived";
    IntermediateCompleted, "intermediate-completed", "each step before the last one is reported as completed for some time";
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
    FunctionalStatus, "functional-status", "the status of invalidInput is 400, of requestInvalidForCurrentState 409, of updateUnauthorized 403";
    StrictCommitType, "strict-commit-type", "a commit without a JSON content type fails with 415";
    StrictPackages, "strict-packages", "an unsigned CAB, or a CAB with files at its root, fails in the workflow";
    StrictFloors, "strict-floors", "a floor below the lowest targeted operating system is rejected";
    ReportNeedsBearer, "report-needs-bearer", "the certification report requires the bearer token";
    AssetsEnvelope, "assets-envelope", "the list of preproduction assets is in a value envelope instead of a plain array";
    PreprodCamelCase, "preprod-camel-case", "signingStatus of a preproduction package begins with a small letter";
    MetadataBom, "metadata-bom", "the driver metadata begin with a UTF-8 byte order mark";
    CeilingOsCode, "ceiling-os-code", "the driver metadata have a `CeilingOsCode` for each hardware id";
    IncompleteMetadata, "incomplete-metadata", "the first download of the driver metadata lacks hardware ids; the next has them";
    NextLinkWithoutToken, "next-link-without-token", "the next link of a list has no continuation token";
    NextLinkEmptyToken, "next-link-empty-token", "the continuation token of the next link is empty";
    NextLinkOtherParameter, "next-link-other-parameter", "the token of the next link is in the parameter $skiptoken";
    NextLinkOtherRelation, "next-link-other-relation", "the relation of the next link is nextPage";
    NextLinkOdata, "next-link-odata", "the next link is in @odata.nextLink, in addition to the links";
    NextLinkLoop, "next-link-loop", "the next link leads to the same page";
    NumbersAsText, "numbers-as-text", "numbers are JSON strings";
    TextAsNumbers, "text-as-numbers", "texts of digits, such as firmwareVersion, are JSON numbers";
    BooleansAsText, "booleans-as-text", "booleans are the strings True and False";
    NullLists, "null-lists", "empty lists are null";
    MissingLists, "missing-lists", "empty lists are absent";
    ObjectsForLists, "objects-for-lists", "a list with one object is replaced by this object";
    ListsForMaps, "lists-for-maps", "empty objects, such as selectedProductTypes, are replaced by empty lists";
    NegativePublisherId, "negative-publisher-id", "sourcePublisherId of an own product is -1";
    NewProduct404, "new-product-404", "the first two requests for a new product fail with 404";
    NewSubmission404, "new-submission-404", "the first two requests for a new submission fail with 404";
    NewLabel404, "new-label-404", "the first two requests for a new label fail with 404";
    UnknownSteps, "unknown-steps", "submissions and labels pass through the undocumented step complianceCheck";
    UnknownStates, "unknown-states", "each step begins in the undocumented state queued";
    FailedWithoutStep, "failed-without-step", "a failed workflow has no currentStep";
    OtherLastStep, "other-last-step", "the last step of a submission is finalizeProcessing";
    PublishedState, "published-state", "the state of a published label is published";
    PublishedTargets, "published-targets", "the targets of a published label have the distributionState published, and the label stays in step publishing";
    UnknownDownloads, "unknown-downloads", "downloads have an item of an undocumented type and an item without a URL";
    RedirectedDownloads, "redirected-downloads", "downloads are redirected to another URL of the blob store";
    SignInPage, "sign-in-page", "the certification report is a sign-in page with status 200";
    Crc64Mismatch, "crc64-mismatch", "the first block of an upload fails once with `Crc64Mismatch`";
    Md5Mismatch, "md5-mismatch", "the first block of an upload fails once with `Md5Mismatch`";
    ProxyPages, "proxy-pages", "the first request for each operation gets an HTML page of a proxy with 403, 407 or 502";
    DerivedRefusal, "derived-refusal", "a derived submission fails with 400 invalidInput if its product is attestation-signed or test-signed, or has an extension INF";
}
