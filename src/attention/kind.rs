//! The kinds of trouble that need attention.

use serde::{Deserialize, Serialize};

use crate::observe::id;

/// A kind of trouble. Held jobs are none: they wait for an operator as intended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionKind {
    /// Microsoft's service does not answer, or answers only with failures. Jobs wait and continue automatically.
    ServiceDown,
    /// Microsoft limits the number of calls of an account. Calls pause until the time in the message, then continue more slowly.
    Throttled,
    /// Microsoft refuses the credentials or the roles of an account. Its jobs wait, and dropship probes the account.
    AccountSuspended,
    /// A drop folder cannot be read or watched. If that holds for every folder, no package is accepted.
    FolderDegraded,
    /// Results cannot be written to an outbox.
    OutboxUnwritable,
    /// The disk of the store is nearly full. At `[store] min_free`, no package is accepted; at twice as much, this is a warning.
    DiskLow,
    /// Files wait in their folders, because too many accepted packages have not been started at Microsoft (`[store] most_waiting`).
    IntakePaused,
    /// The last reload was refused. The previous configuration stays active.
    ReloadRefused,
    /// Keys of the configuration have changed that take effect only at a restart.
    RestartPending,
    /// The clock of this machine differs from that of Microsoft's service by more than a minute. From five minutes on, tokens and signed URLs are refused.
    ClockSkew,
    /// The secret or the certificate of an account has expired or expires within 30 days.
    SecretExpiring,
    /// A label that has to be withdrawn still exists at Microsoft. dropship tries again until Microsoft allows it.
    LabelNotWithdrawn,
    /// A published label was withdrawn, has expired, or was changed at Microsoft, and dropship did not do it.
    LabelDrift,
    /// A job waits longer than `[api.overdue]` allows, which is more than Microsoft usually needs.
    Overdue,
    /// A component of the daemon does not send heartbeats. systemd's watchdog restarts the daemon if that lasts.
    Stalled,
    /// Receipts in an outbox are newer than the store: it was restored from an older copy.
    StoreOlderThanReceipts,
}

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

impl AttentionKind {
    /// All kinds, in the order in which the documentation lists them.
    pub const ALL: [Self; 16] = [
        Self::ServiceDown,
        Self::Throttled,
        Self::AccountSuspended,
        Self::FolderDegraded,
        Self::OutboxUnwritable,
        Self::DiskLow,
        Self::IntakePaused,
        Self::ReloadRefused,
        Self::RestartPending,
        Self::ClockSkew,
        Self::SecretExpiring,
        Self::LabelNotWithdrawn,
        Self::LabelDrift,
        Self::Overdue,
        Self::Stalled,
        Self::StoreOlderThanReceipts,
    ];

    /// Name, message id and documentation.
    #[must_use]
    pub const fn info(self) -> KindInfo {
        match self {
            Self::ServiceDown => KindInfo {
                name: "service-down",
                message_id: id::SERVICE_DOWN,
                severity: Severity::Warning,
                meaning: "Microsoft's service does not answer, or answers only with failures. Jobs wait and continue automatically.",
                remedy: "Check the network, the proxy and `[api] endpoint`; `dropship check --online` shows the error. If they are right, look at Microsoft's service health.",
            },
            Self::Throttled => KindInfo {
                name: "throttled",
                message_id: id::THROTTLED,
                severity: Severity::Warning,
                meaning: "Microsoft limits the number of calls of an account. Calls pause until the time in the message, then continue more slowly.",
                remedy: "None, unless it lasts: look for other programs that use the same account.",
            },
            Self::AccountSuspended => KindInfo {
                name: "account-suspended",
                message_id: id::ACCOUNT_PAUSED,
                severity: Severity::Warning,
                meaning: "Microsoft refuses the credentials or the roles of an account. Its jobs wait, and dropship probes the account.",
                remedy: "Renew the secret or grant the roles in Partner Center; `dropship check --online` names what is missing.",
            },
            Self::FolderDegraded => KindInfo {
                name: "folder-degraded",
                message_id: id::FOLDER_DEGRADED,
                severity: Severity::Warning,
                meaning: "A drop folder cannot be read or watched. If that holds for every folder, no package is accepted.",
                remedy: "The message names the permission, limit or drop-in that is missing. Restore it; the folder recovers automatically.",
            },
            Self::OutboxUnwritable => KindInfo {
                name: "outbox-unwritable",
                message_id: id::OUTBOX_UNWRITABLE,
                severity: Severity::Warning,
                meaning: "Results cannot be written to an outbox.",
                remedy: "Make the folder in the message writable for the user of the daemon, or free space on its disk. Under systemd, `dropship systemd paths` prints the `ReadWritePaths=` that are needed.",
            },
            Self::DiskLow => KindInfo {
                name: "disk-low",
                message_id: id::DISK_LOW,
                severity: Severity::StopsIntake,
                meaning: "The disk of the store is nearly full. At `[store] min_free`, no package is accepted; at twice as much, this is a warning.",
                remedy: "Free space on the disk that the message names, or lower `[store] keep`.",
            },
            Self::IntakePaused => KindInfo {
                name: "intake-paused",
                message_id: id::INTAKE_PAUSED,
                severity: Severity::Warning,
                meaning: "Files wait in their folders, because too many accepted packages have not been started at Microsoft (`[store] most_waiting`).",
                remedy: "After a burst none. Otherwise `dropship status` shows what the jobs wait for: a pause, an account, the service.",
            },
            Self::ReloadRefused => KindInfo {
                name: "reload-refused",
                message_id: id::RELOAD_REFUSED,
                severity: Severity::Warning,
                meaning: "The last reload was refused. The previous configuration stays active.",
                remedy: "Correct the errors that `dropship check` reports, then run `dropship reload`. If the previous configuration is restored, no reload is needed.",
            },
            Self::RestartPending => KindInfo {
                name: "restart-pending",
                message_id: id::RESTART_PENDING,
                severity: Severity::Warning,
                meaning: "Keys of the configuration have changed that take effect only at a restart.",
                remedy: "`systemctl restart dropship`; every job resumes at its step.",
            },
            Self::ClockSkew => KindInfo {
                name: "clock-skew",
                message_id: id::CLOCK_SKEW,
                severity: Severity::Warning,
                meaning: "The clock of this machine differs from that of Microsoft's service by more than a minute. From five minutes on, tokens and signed URLs are refused.",
                remedy: "Synchronise the clock, for example with `timedatectl set-ntp true`.",
            },
            Self::SecretExpiring => KindInfo {
                name: "secret-expiring",
                message_id: id::SECRET_EXPIRING,
                severity: Severity::Warning,
                meaning: "The secret or the certificate of an account has expired or expires within 30 days.",
                remedy: "Create a new one in Entra, replace the file, and set `secret_expires` to the new day; then `dropship reload`. The date of a certificate is read from its file.",
            },
            Self::LabelNotWithdrawn => KindInfo {
                name: "label-not-withdrawn",
                message_id: id::LABEL_PENDING_WITHDRAWAL,
                severity: Severity::Warning,
                meaning: "A label that has to be withdrawn still exists at Microsoft. dropship tries again until Microsoft allows it.",
                remedy: "Usually none. To see the reason: `dropship show JOB`. If the label must not be published, cancel it in Partner Center.",
            },
            Self::LabelDrift => KindInfo {
                name: "label-drift",
                message_id: id::LABEL_DRIFTED,
                severity: Severity::Warning,
                meaning: "A published label was withdrawn, has expired, or was changed at Microsoft, and dropship did not do it.",
                remedy: "Look at the label in Partner Center. `dropship approve JOB --label NAME` acknowledges it; `dropship retry JOB` requests a label again that is gone.",
            },
            Self::Overdue => KindInfo {
                name: "overdue",
                message_id: id::OVERDUE,
                severity: Severity::Warning,
                meaning: "A job waits longer than `[api.overdue]` allows, which is more than Microsoft usually needs.",
                remedy: "Look at the submission in Partner Center. dropship keeps waiting and repeats nothing.",
            },
            Self::Stalled => KindInfo {
                name: "stalled",
                message_id: id::STALLED,
                severity: Severity::StopsIntake,
                meaning: "A component of the daemon does not send heartbeats. systemd's watchdog restarts the daemon if that lasts.",
                remedy: "Check the disks and network file systems that the log names, then `systemctl restart dropship`; every job resumes.",
            },
            Self::StoreOlderThanReceipts => KindInfo {
                name: "store-older-than-receipts",
                message_id: id::STORE_OLDER,
                severity: Severity::Warning,
                meaning: "Receipts in an outbox are newer than the store: it was restored from an older copy.",
                remedy: "Nothing is sent twice. Decide on each job that `dropship jobs --state held` lists: docs/operating.md, section Restore.",
            },
        }
    }

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
        )
    }

    /// The same for the end of the trouble.
    pub(super) const fn is_end_logged_where_detected(self) -> bool {
        matches!(self, Self::AccountSuspended | Self::FolderDegraded | Self::IntakePaused)
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
