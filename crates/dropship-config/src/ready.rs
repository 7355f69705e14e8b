//! Requirements of `run` in addition to a valid configuration.

use dropship_rules::Rule;

use dropship_intake::ReadyWhen;

use super::model::Config;
use super::report::{Problem, Report};

impl Config {
    /// Checks that the daemon can run with this configuration: it needs an account, a folder, a rule, a trusted signer, and
    /// outboxes that no one else can write to.
    /// `inspect`, `plan` and `test` do not need them.
    ///
    /// # Errors
    /// Everything that is missing.
    pub fn ready_to_run(&self) -> Result<(), Report> {
        let mut problems = Vec::new();
        let mut missing = |message: &str, help: &str| {
            problems.push(Problem::of_file(&self.path, message).with_help(help));
        };
        if self.accounts.is_empty() {
            missing("there is no account", "add `[account]` with tenant_id, client_id and one credential");
        }
        if self.folders.is_empty() {
            missing("there is no folder to watch", "add `[[folder]]` with a name and a path");
        }
        if self.rules.is_empty() {
            missing("there is no rule, so every package would be rejected", "add `[[rule]]`");
        }
        let signers = &self.signers;
        if signers.roots.is_empty() && !signers.system_roots && signers.thumbprints.is_empty() {
            missing(
                "no signature is trusted",
                "add `[signers]` with `roots` (where chains must end), `system_roots` or `thumbprints` (of your certificates)",
            );
        }
        problems.extend(super::outbox_access::problems(self));
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Report { problems }),
        }
    }

    /// Whether the folder's packages bring sidecar files that set variables.
    #[must_use]
    pub fn sidecar_sets_vars(&self, folder: Option<&str>) -> bool {
        let folder = folder.and_then(|name| self.folders.iter().find(|folder| folder.name == name));
        folder.is_some_and(|folder| matches!(&folder.ready, ReadyWhen::Sidecar(suffix) if suffix == ".toml"))
    }

    /// The account that a rule names.
    #[must_use]
    pub fn account_of(&self, rule: &Rule) -> Option<&super::model::Account> {
        self.accounts.get(&rule.account)
    }
}
