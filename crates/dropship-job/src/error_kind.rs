//! The values of `error.kind`. `docs/errors.md` is generated from this list.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::state_kind::StateKind;

/// Documentation of one kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorKindInfo {
    /// The value of `error.kind`.
    pub name: &'static str,
    /// Heading under which the documentation lists it.
    pub group: &'static str,
    /// States of a job with this error, besides held.
    pub(crate) other_states: &'static [StateKind],
    /// When it occurs, in Markdown.
    pub meaning: &'static str,
    /// The remedy for the operator, in Markdown.
    pub remedy: &'static str,
}

/// An entry: variant, name, states of the job; then the meaning; then the remedy. Whether the error can also hold a job follows
/// from [`HoldReason`](crate::HoldReason).
macro_rules! error_kinds {
    ($($group:literal {
        $($variant:ident $name:literal [$($state:ident)*] $meaning:literal $remedy:literal;)*
    })*) => {
        /// The kind of an error: a word that scripts can decide by.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum ErrorKind {
            $($(#[doc = $meaning] $variant,)*)*
            /// The check of the inspection with this name found an error. `docs/checks.md` lists the checks.
            Check(String),
        }

        impl ErrorKind {
            /// Every kind but [`ErrorKind::Check`], in the order of the documentation.
            pub const DOCUMENTED: &'static [ErrorKindInfo] = &[$($(ErrorKindInfo {
                name: $name,
                group: $group,
                other_states: &[$(StateKind::$state,)*],
                meaning: $meaning,
                remedy: $remedy,
            },)*)*];

            /// The word that scripts see, in kebab case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $($(Self::$variant => $name,)*)*
                    Self::Check(name) => name,
                }
            }
        }

        impl From<&str> for ErrorKind {
            /// A word of no kind of its own is the name of a check.
            fn from(word: &str) -> Self {
                match word {
                    $($($name => Self::$variant,)*)*
                    name => Self::Check(name.to_owned()),
                }
            }
        }
    };
}

error_kinds! {
"The package" {
    NotAPackage "not-a-package" [Rejected]
        "The file name does not end in `.cab`, `.hlkx` or `.hckx`, or the file does not have the format that its name promises."
        "Drop the signed package itself. To leave other files out, name them in `[[folder]] exclude`.";
    TooLarge "too-large" [Rejected]
        "The file is larger than `[store] max_package`, or much longer than the package in it. It was not read: `sha256` is that of its length and first bytes."
        "Drop the package without the bytes after it. If the package is that large, raise `[store] max_package`, `dropship reload`, and copy it into the folder again.";
    Truncated "truncated" [Rejected]
        "The file ends before the package does, and did not grow for `[[folder]] incomplete`."
        "Copy the whole file into the folder again.";
    Incomplete "incomplete" []
        "The file is not complete yet. The daemon would wait for the rest."
        "Copy the whole file, then run `dropship plan` again.";
    Sidecar "sidecar" [Rejected]
        "The file beside the package (checksum or variables) is invalid, or does not match the package."
        "Correct the file beside the package, then drop both again.";
    Gone "gone" [Rejected]
        "The package was to be inspected again, but its file is missing or has other bytes."
        "Drop the package again, or submit it again.";
    Unreadable "unreadable" [Rejected]
        "The package was to be inspected again, but its file or copy cannot be read or stored."
        "Check the permissions of the file and the disk of the store, then `dropship retry JOB`.";
    InspectionFailed "inspection-failed" [Rejected]
        "The inspection ended without a result."
        "Report it, then `dropship approve JOB` or `dropship retry JOB`.";
    Poison "poison" []
        "The inspection of these bytes ended the daemon three times in a row."
        "Report it with the package, then `dropship cancel JOB`.";
}
"Rules and approvals" {
    NoRule "no-rule" [Rejected]
        "No rule matches the package, or the rule that was named does not exist."
        "`dropship plan FILE` shows why each rule does not match. Change the rules, `dropship reload`, then `dropship retry JOB`.";
    RuleUnfit "rule-unfit" [Rejected]
        "The matching rule cannot be carried out for this package, for example because a template uses an undefined variable."
        "Correct the rule, `dropship reload`, then `dropship retry JOB`.";
    Backlog "backlog" []
        "The file was in the folder when dropship first scanned it, and the folder has `backlog = \"hold\"`."
        "`dropship approve JOB` submits it, `dropship cancel JOB` leaves it out.";
    SameContent "same-content" []
        "Another job of the folder has the same signed content. The packages differ only in their signatures or in bytes that no signature covers: a timestamp, padding, the order of certificates, the compression of an `.hlkx`."
        "`dropship approve JOB` submits it as well, `dropship cancel JOB` ends it. `[[folder]] same_content = \"take\"` accepts such packages.";
    Approval "approval" []
        "A label needs an approval of exactly this request."
        "Read the request in `dropship show JOB` and run the command that it prints, or `dropship cancel JOB`.";
    Guard "guard" []
        "A label exceeds a limit of `[guard]` that an operator can approve: it is for everybody, or has too many or unforeseen targets."
        "Read the reason and the request in `dropship show JOB` and run the command that it prints, or `dropship cancel JOB`.";
    GuardRefused "guard-refused" []
        "A label exceeds a limit of `[guard]` that no approval releases."
        "Change the rule or `[guard]`, `dropship reload`, then `dropship approve JOB` to check again; or `dropship cancel JOB`.";
    RequestChanged "request-changed" []
        "A create had no response and no effect, and its request has changed since."
        "Read the new request in `dropship show JOB`, then run the `dropship approve` that it names, or `dropship cancel JOB`.";
    PredecessorLost "predecessor-lost" []
        "A label depends on one that was withdrawn, failed or disappeared."
        "`dropship approve JOB` creates the label anyway, `dropship retry JOB` requests both by the rules in force, `dropship cancel JOB` ends the job.";
    LabelUnfit "label-unfit" []
        "The label of the rule cannot be created for this package, for example because an audience does not exist."
        "Correct the rule, `dropship reload`, then `dropship retry JOB`. If the rule is right, `dropship approve JOB` tries again.";
    GoLivePassed "go-live-passed" []
        "The fixed go-live date of a label has passed."
        "Change `go_live` in the rule, `dropship reload`, then `dropship retry JOB`; or `dropship cancel JOB`.";
    NoSuchProduct "no-such-product" []
        "The rule uses an existing product, and not exactly one product has the name."
        "Set the product's id in the rule or create the product, then `dropship approve JOB`.";
    NoShell "no-shell" []
        "The product has no initial submission that offers a shell to derive from, or the service refuses driver updates of its kind."
        "Submit the full package of the product first, then `dropship approve JOB`, or `dropship cancel JOB`.";
}
"The account and the service" {
    NoAccount "no-account" []
        "The account of the job is not configured."
        "Add the account to the configuration, restart dropship, then `dropship approve JOB`.";
    Refused "refused" []
        "The account works, but Microsoft refuses this call because of credentials or roles."
        "Correct the roles of the account in Partner Center, then `dropship approve JOB`.";
    RequestRefused "request-refused" [Failed]
        "Microsoft refused the request. The message contains Microsoft's error code."
        "Correct the cause that the message names, then `dropship retry JOB`. A label that is refused while other labels of the job continue is held.";
    StateConflict "state-conflict" [Failed]
        "Microsoft reports that the object is not in the state that the request needs."
        "Look at the object with `dropship api`, then `dropship retry JOB` or `dropship cancel JOB`.";
    ServiceUnavailable "service-unavailable" [Waiting]
        "Microsoft did not answer, or answered with a temporary error."
        "None: dropship tries again. If it lasts, check the network and Microsoft's service health.";
    NotShown "not-shown" [Waiting]
        "Microsoft answers 404 or 400 for an object that the job created. That passes for new objects; after `[api] uncertain` the job is held."
        "While it waits, none. Held: look for the object in Partner Center, then `dropship approve JOB` to try again, or `dropship cancel JOB`.";
    UnusableUrl "unusable-url" []
        "Microsoft names no URL for an upload or for driver metadata, or a URL for an upload or a download that is not a URL or whose host is not allowed."
        "If the host is one of Microsoft's, add it to `[api] blob_hosts` and restart dropship. Then `dropship approve JOB`.";
    SigningFailed "signing-failed" [Failed]
        "Microsoft rejected the submission. Its product cannot be used again."
        "Read the message and `error-report.txt` in the outbox. Correct the package and drop it again, or `dropship retry JOB --new-product`.";
    ErrorReport "error-report" [Waiting]
        "The report about a rejected submission or a failed label cannot be downloaded."
        "None: dropship tries again, then ends the job without the report.";
    LabelFailed "label-failed" [Failed]
        "Microsoft failed a label, or it was cancelled in Partner Center. The job is held while other labels of it continue."
        "Look at the label in Partner Center, then `dropship retry JOB` requests it again by the rules in force.";
    SupersedeRefused "supersede-refused" []
        "Microsoft refuses to remove hardware ids from an older label."
        "Remove them with the command in the message, then `dropship approve JOB`.";
}
"Lost responses" {
    IncompleteList "incomplete-list" []
        "A list of the service cannot be read to its end, so it cannot prove that an object does not exist, or that only one does."
        "Look for the name in Partner Center. Then `dropship approve JOB` does what the message says, once; `dropship cancel JOB` ends the job.";
    ExistsAlready "exists-already" []
        "Microsoft did not create the object because a similar one exists."
        "Look at the existing objects with `dropship api`, then `dropship approve JOB`, or `dropship cancel JOB`.";
    Ambiguous "ambiguous" []
        "The response to a create was lost, and the objects with its name cannot be attributed to it."
        "Look at the objects in Partner Center, then `dropship cancel JOB`, or `dropship approve JOB` to search again.";
    Unanswered "unanswered" []
        "A create was sent several times without a response, and had no effect."
        "Look for the name in Partner Center, then `dropship approve JOB` to send it again, or `dropship cancel JOB`.";
    CommitUnanswered "commit-unanswered" [Waiting]
        "The response to a commit was lost."
        "None: dropship reads the submission and tries again.";
    UpdateUnanswered "update-unanswered" [Waiting]
        "The response to the change of an older label was lost."
        "None: dropship reads the label and tries again.";
    CommittedElsewhere "committed-elsewhere" [Failed]
        "The submission was committed before this job did it, for example by a run of dropship that a restored backup does not know. Failed: Microsoft has rejected it since. Held: it contains another package than this job, or more than one label of a name."
        "Nothing is sent again. Look in Partner Center for later submissions of the package. `dropship cancel JOB` ends the job; `dropship adopt PID SID` follows another submission. Held: once the cause is gone, `dropship approve JOB` looks again.";
    NoProduct "no-product" [Failed]
        "The job has no product although its step needs one."
        "`dropship retry JOB --new-product`.";
    NoSubmission "no-submission" [Failed]
        "The job has no submission although its step needs one."
        "`dropship retry JOB --new-product`.";
}
"Files of dropship" {
    Transfer "transfer" [Waiting Failed]
        "An upload or a download failed."
        "Check the network, the proxy and the disk. dropship tries again when that can help. Held: the store has refused the transfer for longer than `[api] uncertain`; look for the file in Partner Center, then `dropship approve JOB`. Failed: `dropship retry JOB`.";
    BadDownload "bad-download" [Waiting]
        "A downloaded result is damaged, longer than such a file can be, or an archive that must not be unpacked: overlapping entries, names that lead out of it, far too much content."
        "While it waits, none: dropship downloads it again. Held after `[api] uncertain`: look for the file in Partner Center, then `dropship approve JOB`.";
    Outbox "outbox" [Waiting]
        "The outbox cannot be written."
        "Free space, or grant the daemon write access to the outbox. dropship tries again.";
    CopyLost "copy-lost" []
        "The captured copy of the package cannot be read."
        "Restore the copy from a backup, then `dropship approve JOB`; or `dropship cancel JOB` and drop the package again.";
    CopyChanged "copy-changed" []
        "The captured copy has other bytes than the package that was inspected. Nothing was uploaded."
        "Check the disk, `dropship cancel JOB`, then drop the package again.";
    PlanLost "plan-lost" [Failed]
        "The stored plan of the job cannot be read, or has no such label."
        "Restore the folder `packages` of the store from a backup, then `dropship approve JOB` or `dropship retry JOB`.";
    MetadataLost "metadata-lost" []
        "The stored copy of the driver metadata cannot be read, or was changed."
        "Restore the file that the message names from a backup of the store, then `dropship approve JOB`.";
    MetadataMismatch "metadata-mismatch" []
        "The driver metadata lack an INF of the package that has hardware ids, or list an INF that the package does not contain."
        "Compare the lists in the message. `dropship approve JOB` creates the labels from exactly these metadata, `dropship cancel JOB` ends the job.";
    Recovered "recovered" []
        "The store was lost and the job was recovered from its receipt or copy. More may exist at Microsoft than the receipt shows."
        "Look for the job's name in Partner Center, then `dropship approve JOB` or `dropship cancel JOB`.";
    Unknown "unknown" [Failed Rejected]
        "The receipt that the job was recovered from contains no error."
        "`dropship retry JOB`, or drop the package again.";
    Internal "internal" [Waiting Failed]
        "An error inside dropship."
        "Report it with the log, then `dropship approve JOB`.";
}
}

impl From<String> for ErrorKind {
    fn from(word: String) -> Self {
        Self::from(word.as_str())
    }
}

impl FromStr for ErrorKind {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(Self::from(word))
    }
}

impl From<ErrorKind> for String {
    fn from(kind: ErrorKind) -> Self {
        kind.as_str().to_owned()
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn error_kind_round_trips_through_json_as_its_word() {
        let words = ErrorKind::DOCUMENTED.iter().map(|info| info.name);
        for word in words.chain(["unsigned"]) {
            let kind = ErrorKind::from(word);
            let json = serde_json::to_value(&kind).expect("JSON");
            assert_eq!((json.as_str(), kind.as_str()), (Some(word), word));
            assert_eq!(serde_json::from_value::<ErrorKind>(json).expect("read"), kind);
        }
        assert_eq!(ErrorKind::from("unsigned"), ErrorKind::Check("unsigned".to_owned()));
    }

    #[test]
    fn error_kinds_are_distinct_kebab_case_sentences() {
        let words: BTreeSet<_> = ErrorKind::DOCUMENTED.iter().map(|info| info.name).collect();
        assert_eq!(words.len(), ErrorKind::DOCUMENTED.len());
        for info in ErrorKind::DOCUMENTED {
            let kebab = info.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(kebab && info.meaning.ends_with('.') && info.remedy.ends_with('.'), "{info:?}");
        }
    }
}
