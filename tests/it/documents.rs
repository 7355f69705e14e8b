//! The documents: their commands run, their configurations pass `check`, and their links lead somewhere.
//!
//! The info string of a block says what a test does with it:
//!
//! | block | test |
//! |---|---|
//! | ```` ```sh run ```` | each line runs in a folder with packages, with a daemon and a sandbox |
//! | ```` ```toml whole ```` | a complete configuration that passes `check` and `test` |
//! | ```` ```toml rules ```` | passes them with an account, folders and signers added |
//! | ```` ```toml tests ```` | the same with the first `rules` of the document |
//! | ```` ```toml with-rule ````, ```` ```toml with-label ```` | passes them after a rule, or after a label of a rule |
//! | ```` ```toml sidecar ```` | variables that `plan` accepts with the `vars` of the document |
//! | ```` ```json FILE ```` | a file for the commands of the document |
//!
//! In every block and code span, the commands and options of dropship must exist.

mod blocks;
mod commands;
mod configurations;
mod links;
mod powershell;
mod shell;
