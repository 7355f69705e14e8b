//! The kinds of trouble that need attention.

use serde::{Deserialize, Serialize};

use dropship_engine::observe::id;

/// Whether packages are still accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// No package is accepted.
    StopsIntake,
    /// Packages are accepted, but something else needs attention.
    Warning,
}

/// Name, message id and documentation of a kind.
#[derive(Debug, Clone, Copy)]
pub struct KindInfo {
    /// The name in JSON, metrics and texts.
    pub name: &'static str,
    /// The message id of the log entry about a new item; the journal's catalog has its text.
    pub message_id: &'static str,
    /// Usual severity; a single item can be less or more severe.
    pub severity: Severity,
    /// The cause and the effect.
    pub meaning: &'static str,
    /// The remedy.
    pub remedy: &'static str,
}

/// An entry: kind, name, message id, usual severity; then the meaning, which is also the documentation; then the remedy.
macro_rules! kinds {
    ($($kind:ident $name:literal $message_id:ident $severity:ident $meaning:literal $remedy:literal;)*) => {
        /// A kind of trouble. Held jobs are none: they wait for an operator as intended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum AttentionKind {
            $(#[doc = $meaning] $kind,)*
        }

        impl AttentionKind {
            /// All kinds, in the order in which the documentation lists them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// Name, message id and documentation.
            #[must_use]
            pub const fn info(self) -> KindInfo {
                match self {
                    $(Self::$kind => KindInfo {
                        name: $name,
                        message_id: id::$message_id,
                        severity: Severity::$severity,
                        meaning: $meaning,
                        remedy: $remedy,
                    },)*
                }
            }
        }
    };
}

kinds! {
    ServiceDown "service-down" SERVICE_DOWN Warning
        "Microsoft's service does not answer, or answers only with failures. Jobs wait and continue automatically."
        "Check the network, the proxy and `[api] endpoint`; `dropship check --online` shows the error. If these are right, look at Microsoft's service health.";
    Throttled "throttled" THROTTLED Warning
        "Microsoft limits the number of calls of an account. Calls pause until the time in the message, then continue more slowly."
        "Usually, no action is needed. If this lasts for hours, look for other programs that use the same account.";
    AccountSuspended "account-suspended" ACCOUNT_PAUSED Warning
        "Microsoft refuses the credentials or the roles of an account. Its jobs wait, and dropship probes the account."
        "Renew the secret or grant the roles in Partner Center; `dropship check --online` names what is missing.";
    FolderDegraded "folder-degraded" FOLDER_DEGRADED Warning
        "A drop folder cannot be read or watched. If every folder is degraded, no package is accepted."
        "The message names what is missing: the folder, a permission, a limit of the kernel or a drop-in of systemd. Correct this; the folder recovers automatically.";
    OutboxUnwritable "outbox-unwritable" OUTBOX_UNWRITABLE Warning
        "Results cannot be written to an outbox."
        "Make the folder in the message writable for the user of the daemon, or free space on its disk. Under systemd, `dropship systemd paths` prints the `ReadWritePaths=` that are needed.";
    DiskLow "disk-low" DISK_LOW StopsIntake
        "The disk of the store is nearly full. When at most `[store] min_free` is free, no package is accepted. While less than twice as much is free, or few inodes are left, this is a warning."
        "Free space on the disk that the message names, or lower `[store] keep`.";
    IntakePaused "intake-paused" INTAKE_PAUSED Warning
        "Files wait in their folders, usually because too many accepted packages have not been started at Microsoft (`[store] most_waiting`). The message has the reason."
        "After a burst, no action is needed. Otherwise `dropship status` shows what the jobs wait for: the end of a pause, a suspended account, or the service.";
    ReloadRefused "reload-refused" RELOAD_REFUSED Warning
        "The last reload was refused. The previous configuration stays active."
        "Correct the errors that `dropship check` reports, then run `dropship reload`. If the previous configuration is restored, no reload is needed.";
    RestartPending "restart-pending" RESTART_PENDING Warning
        "Keys of the configuration that take effect only at a restart have changed."
        "Run `systemctl restart dropship`. Every job resumes at its step.";
    ClockSkew "clock-skew" CLOCK_SKEW Warning
        "The clock of this machine differs from that of Microsoft's service by more than a minute. From five minutes on, tokens and signed URLs are refused."
        "Synchronise the clock, for example with `timedatectl set-ntp true`.";
    SecretExpiring "secret-expiring" SECRET_EXPIRING Warning
        "The secret or the certificate of an account has expired or expires within 30 days."
        "Create a new secret or certificate in Entra and replace the file. For a secret, set `secret_expires` to its last day; the date of a certificate is read from its file. Then run `dropship reload`, or `systemctl restart dropship` if the secret is a systemd credential or an environment variable.";
    LabelNotWithdrawn "label-not-withdrawn" LABEL_PENDING_WITHDRAWAL Warning
        "A label of a cancelled job, or a duplicate label, has to be withdrawn and still exists at Microsoft. dropship tries again until Microsoft allows the withdrawal."
        "Usually, no action is needed. `dropship show JOB` prints the reason. If the label must not be published, cancel it in Partner Center.";
    LabelDrift "label-drift" LABEL_DRIFTED Warning
        "A published label was withdrawn, has expired, or was changed at Microsoft, but not by dropship."
        "Look at the label in Partner Center. `dropship approve JOB --label NAME` acknowledges the change. If the status of the label is `gone`, `dropship retry JOB` requests the label again.";
    Overdue "overdue" OVERDUE Warning
        "A job waits longer than `[api.overdue]` allows, which is more than Microsoft usually needs."
        "Look at the submission in Partner Center. dropship continues to wait and repeats nothing.";
    Stalled "stalled" STALLED StopsIntake
        "A component of the daemon does not send heartbeats. (A drop folder that hangs is `folder-degraded` instead.) If this lasts, systemd's watchdog restarts the daemon."
        "Check the disks and network file systems that the log names, then run `systemctl restart dropship`. Every job resumes.";
    StoreOlderThanReceipts "store-older-than-receipts" STORE_OLDER Warning
        "Receipts in an outbox are newer than the store, because the store was restored from an older copy or is new. The trouble lasts until an operator has decided on each recovered job."
        "Nothing is sent twice, unless the copy is older than `[store] keep`. Decide on each job that `dropship jobs --state held` lists: docs/operating.md, section Restore.";
    DatabaseAway "database-away" DATABASE_AWAY StopsIntake
        "The database of the store (`[store] url`) does not respond. Until it does, no package is accepted and no change is acknowledged. Then work continues automatically."
        "Look at the database and the network to it; the message has the error.";
    PackageStorageAway "package-storage-away" PACKAGE_STORAGE_AWAY StopsIntake
        "The storage of captured packages (`[store] packages`) does not respond or refuses the credentials. Until it works again, no package is accepted, and jobs that have to upload their package wait. Then work continues automatically."
        "Look at the storage, the network to it and its credentials; the message has the error.";
    NodeAway "node-away" NODE_AWAY Warning
        "The node that watches a folder (`[[folder]] node`) is not running. Files in the folder wait, and results of its jobs are not delivered."
        "Start dropship on that node, or correct the name of the node in the configuration: docs/fleet.md, section Folders on one node.";
}

impl AttentionKind {
    /// The name in JSON, metrics and texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether another log entry, made where the trouble was detected, has the same message id.
    pub(super) const fn is_logged_where_detected(self) -> bool {
        matches!(
            self,
            Self::AccountSuspended
                | Self::FolderDegraded
                | Self::ReloadRefused
                | Self::LabelDrift
                | Self::Overdue
                | Self::IntakePaused
                | Self::DatabaseAway
        )
    }

    /// The same for the end of the trouble.
    pub(super) const fn is_end_logged_where_detected(self) -> bool {
        matches!(
            self,
            Self::AccountSuspended | Self::FolderDegraded | Self::IntakePaused | Self::DatabaseAway
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_those_of_json_and_unique() {
        let mut names = BTreeSet::new();
        for kind in AttentionKind::ALL {
            let json = serde_json::to_value(kind).expect("JSON");
            assert_eq!(json, kind.name());
            assert!(names.insert(kind.name()), "{} stands there twice", kind.name());
        }
    }

    #[test]
    fn every_kind_has_a_message_id_of_its_own() {
        let ids: BTreeSet<_> = AttentionKind::ALL.map(|kind| kind.info().message_id).into();
        assert_eq!(ids.len(), AttentionKind::ALL.len());
    }
}
