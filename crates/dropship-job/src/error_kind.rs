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
        "The file is larger than `[store] max_package`, or more than 1 MiB longer than the package in it. dropship did not read the whole file, so `sha256` of the job is a digest of the file's length and first bytes."
        "Drop the package without the bytes that follow it in the file. If the package itself is that large, raise `[store] max_package`, run `dropship reload`, and copy the package into the folder again.";
    Truncated "truncated" [Rejected]
        "The file ends before the package does, and has not changed for the time `[[folder]] incomplete`. A file that was sent with `dropship submit` is rejected immediately."
        "Copy the whole file into the folder again, or send it again with `dropship submit`.";
    Incomplete "incomplete" []
        "The file is not complete. The daemon would wait for the rest, and reject the file as `truncated` after the time `[[folder]] incomplete`."
        "Copy the whole file, then run `dropship plan` again.";
    Sidecar "sidecar" [Rejected]
        "The file beside the package (checksum or variables) is invalid, or does not match the package."
        "Correct the file beside the package and put it there again; the package may stay.";
    Gone "gone" [Rejected]
        "dropship had to inspect the package again, but the dropped file is missing, has other bytes now, or cannot be read, for example because of its permissions. Or its drop folder is no longer configured. Or the package was not dropped but sent with `dropship submit`."
        "If only the permissions of the file are wrong, correct them and run `dropship retry JOB`. Otherwise drop the package again, or send it again with `dropship submit`.";
    Unreadable "unreadable" [Waiting Rejected]
        "dropship had to inspect the package again. Waiting: the drop folder or the storage of captured packages does not respond, or the disk of the store is nearly full. Rejected: the copy of the dropped file cannot be stored or read."
        "Check the drop folder, the storage of captured packages and the disk of the store. Waiting: dropship tries again. Rejected: run `dropship retry JOB`.";
    InspectionFailed "inspection-failed" [Rejected]
        "The inspection of the package ended without a result."
        "Report the error as a defect. Then run `dropship approve JOB` if the job is held, or `dropship retry JOB` if it is rejected.";
    Poison "poison" []
        "The daemon ended three times in a row while it inspected this package, so it does not inspect the package again."
        "Report this as a defect, together with the package. Then run `dropship cancel JOB`.";
}
"Rules and approvals" {
    NoRule "no-rule" [Rejected]
        "No rule matches the package. Or the rule that `--rule` names does not match, or was removed."
        "`dropship plan FILE` shows why each rule does not match. Change the rules, then run `dropship reload` and `dropship retry JOB`.";
    RuleUnfit "rule-unfit" [Rejected]
        "The matching rule cannot be applied to this package, for example because a template uses an undefined variable."
        "Correct the rule, then run `dropship reload` and `dropship retry JOB`.";
    Backlog "backlog" []
        "The file was in the folder when dropship scanned the folder for the first time, and the folder has `backlog = \"hold\"`."
        "`dropship approve JOB` submits the package. `dropship cancel JOB` ends the job without submitting it.";
    SameContent "same-content" []
        "Another job of the folder, neither rejected nor cancelled, has the same signed content. The packages differ only in their signatures or in bytes that no signature covers: a timestamp, padding, the order of certificates, the compression of an `.hlkx`."
        "`dropship approve JOB` submits this package too. `dropship cancel JOB` ends the job. With `[[folder]] same_content = \"take\"`, such packages are not held.";
    Approval "approval" []
        "The rule sets `hold` for a label: the label is requested after an operator has approved exactly this request, or after several operators have (`hold = 2`)."
        "Read the request in `dropship show JOB` and run the command that it prints, or `dropship cancel JOB`.";
    Guard "guard" []
        "A label exceeds a limit of `[guard]` that an operator can approve: the label is for everybody, has too many targets, or has targets that the plan did not foresee."
        "Read the reason and the request in `dropship show JOB` and run the command that it prints, or `dropship cancel JOB`.";
    GuardRefused "guard-refused" []
        "A label exceeds a limit of `[guard]` that an operator cannot approve."
        "Change `[guard]`, run `dropship reload`, then `dropship approve JOB`, which checks the label again. Or change the rule, run `dropship reload`, then `dropship retry JOB`, which plans the label again. Or run `dropship cancel JOB`.";
    RequestChanged "request-changed" []
        "A create had no response and no effect. dropship would send the request again, but the request has changed since the first attempt."
        "Read the new request in `dropship show JOB`, then run the `dropship approve` command that it prints, or `dropship cancel JOB`.";
    PredecessorLost "predecessor-lost" []
        "A label depends on another label that was withdrawn, has failed or has disappeared."
        "`dropship approve JOB` requests the label anyway. `dropship retry JOB` requests both labels by the current rules. `dropship cancel JOB` ends the job.";
    LabelUnfit "label-unfit" []
        "A label that the rule defines cannot be created for this package, for example because an audience does not exist."
        "Correct the rule, then run `dropship reload` and `dropship retry JOB`. If the rule is right, `dropship approve JOB` tries again.";
    GoLivePassed "go-live-passed" []
        "The fixed go-live date of a label has passed."
        "Change `go_live` in the rule, then run `dropship reload` and `dropship retry JOB`. Or run `dropship cancel JOB`.";
    NoSuchProduct "no-such-product" []
        "The rule names an existing product, but no product has this name, or several products have it."
        "If no product has the name, create the product, then run `dropship approve JOB`. Otherwise set the product's id in the rule, then run `dropship reload`, `dropship cancel JOB` and `dropship retry JOB`: the retry inspects the dropped file again, and plans the package by the new rule, because the job has no product yet.";
    NoShell "no-shell" []
        "A driver update needs a shell, a file that Microsoft offers with the signed initial submission of the product. The product has no initial submission, its initial submission offers no shell, or the service refuses driver updates of this product."
        "If the product has no initial submission, submit the full package of the product first, then run `dropship approve JOB`. Otherwise name another product in the rule, run `dropship reload` and `dropship cancel JOB`, then drop the package in another folder, or sign it again and drop it: the same bytes in the same folder would continue the cancelled job with its product.";
}
"The account and the service" {
    NoAccount "no-account" []
        "The configuration no longer has the account of the job."
        "Add the account to the configuration, restart dropship, then run `dropship approve JOB`.";
    Refused "refused" []
        "Microsoft accepts other calls of the account, but refuses this call because of credentials or roles."
        "Correct the roles of the account in Partner Center, then run `dropship approve JOB`.";
    RequestRefused "request-refused" [Failed]
        "Microsoft refused the request. The message contains Microsoft's error code. Held: the request was for a label, and other labels of the job are unfinished."
        "Correct the cause that the message names, then run `dropship retry JOB`. If the cause is in the rule, and the job has no product yet, run `dropship reload` and `dropship cancel JOB` first: only then does the retry use the changed rule for the product.";
    StateConflict "state-conflict" [Failed]
        "Microsoft reports that the object is not in the state that the request needs. Held: the request was for a label, and other labels of the job are unfinished."
        "Look at the object with `dropship api`, then run `dropship retry JOB` or `dropship cancel JOB`.";
    ServiceUnavailable "service-unavailable" [Waiting]
        "Microsoft did not answer, or answered with a temporary error."
        "None: dropship tries again. If the error lasts, check the network and Microsoft's service health.";
    NotShown "not-shown" [Waiting]
        "Microsoft rejects calls about an object that the job created, usually with 404 or 400. For a new object, this is usually temporary. When it lasts longer than `[api] uncertain`, the job is held."
        "Waiting: none. Held: look for the object in Partner Center, then run `dropship approve JOB` to try again, or `dropship cancel JOB`.";
    UnusableUrl "unusable-url" []
        "Microsoft has offered no URL for an upload or for driver metadata for longer than `[api] uncertain`. Or the URL for an upload or a download is malformed, or its host is not allowed."
        "If the host is one of Microsoft's, add it to `[api] blob_hosts` and restart dropship. Then run `dropship approve JOB`.";
    SigningFailed "signing-failed" [Failed]
        "Microsoft rejected the submission. The product of the submission cannot be used again."
        "Read the message and `error-report.txt` in the outbox. Correct the package and drop it again, or run `dropship retry JOB --new-product`.";
    ErrorReport "error-report" [Waiting]
        "The report about a rejected submission or a failed label cannot be downloaded."
        "None: dropship tries again, then continues without the report.";
    LabelFailed "label-failed" [Failed]
        "Microsoft reports that a label has failed, or the label was cancelled in Partner Center. Held: other labels of the job are unfinished."
        "Look at the label in Partner Center, then run `dropship retry JOB`, which requests the label again by the current rules.";
    SupersedeRefused "supersede-refused" []
        "Microsoft refuses to remove hardware ids from an older label."
        "Remove the hardware ids with the command in the message, then run `dropship approve JOB`.";
}
"Lost responses" {
    IncompleteList "incomplete-list" []
        "A list of the service cannot be read to its end, so dropship cannot prove that an object does not exist, or that only one object has a name."
        "Look for the name in Partner Center. The message says what `dropship approve JOB` does: it reads the list again, creates the object, or continues with the object that was found. `dropship cancel JOB` ends the job.";
    ExistsAlready "exists-already" []
        "Microsoft did not create the object because a similar object exists."
        "Look at the existing objects with `dropship api`, then run `dropship approve JOB` to send the create again, or `dropship cancel JOB`.";
    Ambiguous "ambiguous" []
        "The response to a create was lost. Objects with the requested name exist, but dropship cannot prove that the create made one of them."
        "Look at the objects in Partner Center, then run `dropship cancel JOB`, or `dropship approve JOB` to search again.";
    Unanswered "unanswered" []
        "A create was sent several times, each time without a response and without an effect."
        "Look for the name in Partner Center, then run `dropship approve JOB` to send the create again, or `dropship cancel JOB`.";
    CommitUnanswered "commit-unanswered" [Waiting]
        "The response to a commit was lost."
        "None: dropship reads the submission and tries again.";
    UpdateUnanswered "update-unanswered" [Waiting]
        "A label supersedes an older label. The response to the change of the older label was lost."
        "None: dropship reads the older label and tries again.";
    CommittedElsewhere "committed-elsewhere" [Failed]
        "The job found its submission committed, although the job had not committed it, for example because the store was restored from an older backup. Failed: Microsoft has rejected the submission since. Held: the submission contains another package than this job, has several labels with one name, or its list of labels is incomplete."
        "Nothing is sent again. Look in Partner Center for later submissions of the package. `dropship cancel JOB` ends the job; `dropship adopt PRODUCT SUBMISSION` follows another submission. Held: when the cause is gone, `dropship approve JOB` reads the submission again.";
    NoProduct "no-product" [Failed]
        "The job has no product although its step needs one."
        "Run `dropship retry JOB --new-product`.";
    NoSubmission "no-submission" [Failed]
        "The job has no submission although its step needs one."
        "Run `dropship retry JOB --new-product`.";
}
"Files of dropship" {
    Transfer "transfer" [Waiting Failed]
        "An upload or a download failed. Waiting: the cause can also be a file of dropship that cannot be read or written at the moment."
        "Check the network, the proxy and the disk. Waiting: dropship tries again. Held: the transfer has failed for longer than `[api] uncertain`; look for the file in Partner Center, then run `dropship approve JOB`. Failed: run `dropship retry JOB`.";
    BadDownload "bad-download" [Waiting]
        "A downloaded result is damaged, is longer than such a file can be, or is an archive that must not be unpacked: its entries overlap, have names that lead out of the archive, or have far too much content."
        "Waiting: none, dropship downloads the file again. Held (after `[api] uncertain`): look for the file in Partner Center, then run `dropship approve JOB`.";
    Outbox "outbox" [Waiting]
        "The outbox cannot be written."
        "Free space, or make the outbox writable for the daemon and for no other user. dropship tries again.";
    CopyLost "copy-lost" []
        "The copy of the package that dropship stored when it accepted the package cannot be read."
        "Restore the copy from a backup, then run `dropship approve JOB`. Or run `dropship cancel JOB` and drop the package again.";
    CopyChanged "copy-changed" []
        "The stored copy of the package has other bytes than the package that was inspected. Nothing was uploaded."
        "Check the disk of the store or the object storage, run `dropship cancel JOB`, then drop the package again.";
    PlanLost "plan-lost" [Failed]
        "The stored plan of the job cannot be read, or lacks the product, submission or label that the job has to create."
        "Restore the folder `packages` of the store from a backup. Then run `dropship approve JOB` if the job is held, or `dropship retry JOB` if it has failed. Without a backup, create what is missing with `dropship api`, then run `dropship cancel JOB`.";
    MetadataLost "metadata-lost" []
        "The stored copy of the driver metadata cannot be read, or was changed."
        "Restore the file that the message names from a backup of the store, then run `dropship approve JOB`.";
    MetadataMismatch "metadata-mismatch" []
        "The driver metadata lack an INF of the package that has hardware ids, or list an INF that the package does not contain."
        "Compare the lists in the message. `dropship approve JOB` requests the labels from exactly these metadata. `dropship cancel JOB` ends the job.";
    Recovered "recovered" []
        "The store was lost or restored from an older copy, and dropship recovered the job from its receipt or from the stored copy of the package. Microsoft may have more objects of the job than the receipt names."
        "Look for the product and the submissions of the package in Partner Center, then run `dropship approve JOB`, which continues the job at the step of the receipt, or `dropship cancel JOB`.";
    Unknown "unknown" [Failed Rejected]
        "dropship recovered the job from a receipt that contains no error."
        "Run `dropship retry JOB`, or drop the package again.";
    Internal "internal" [Waiting Failed]
        "A defect of dropship."
        "Report the defect with the log. Waiting: dropship tries again. Held: run `dropship approve JOB`. Failed: run `dropship retry JOB`.";
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
