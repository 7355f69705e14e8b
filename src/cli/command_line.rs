//! The arguments of `dropship` and the list of its commands. Doc comments are the help texts.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::{
    adopt, api, approve, cancel, check, completions, config, demo, doctor, export, init, inspect, jobs,
    labels, log_level, man, pause, plan, reload, rescan, resume, retry, run, sandbox, show, status, store,
    submit, systemd, test, top, wait, who,
};

/// Heading of the options that every command accepts.
pub(super) const GLOBAL_OPTIONS: &str = "Global options";

/// Submit signed Windows driver packages from drop folders to Microsoft and publish their shipping labels
///
/// dropship watches folders into which build servers drop signed packages (.cab, .hlkx, .hckx). It submits each package through
/// the Microsoft Hardware dashboard API by the rules in its configuration, downloads the signed package and creates the
/// shipping labels that the rule defines.
///
/// Start with `dropship demo`: it needs no configuration and sends nothing to Microsoft.
#[derive(Debug, Parser)]
#[command(name = "dropship", version, propagate_version = true, max_term_width = 100)]
pub(super) struct CommandLine {
    /// Configuration file [default: /etc/dropship/dropship.toml]
    #[arg(long, global = true, value_name = "FILE", env = "DROPSHIP_CONFIG", help_heading = GLOBAL_OPTIONS)]
    pub(super) config: Option<PathBuf>,
    /// Print one JSON document to standard output and nothing else
    #[arg(long, global = true, help_heading = GLOBAL_OPTIONS)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// All commands, in the order of the help text; [`super::help`] groups them.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Demo(demo::Args),
    Init(init::Args),
    Run(run::Args),
    Sandbox(Box<sandbox::Args>),
    Check(check::Args),
    Test(test::Args),
    Plan(plan::Args),
    Reload(reload::Args),
    Inspect(inspect::Args),
    /// Print settings of the systemd unit
    #[command(subcommand)]
    Systemd(systemd::Command),
    /// Show the configuration on disk, with its defaults
    #[command(subcommand)]
    Config(config::Command),
    Submit(submit::Args),
    Wait(wait::Args),
    Jobs(jobs::Args),
    Show(show::Args),
    Status(status::Args),
    Top(top::Args),
    Labels(labels::Args),
    Who(who::Args),
    Retry(retry::Args),
    Approve(approve::Args),
    Cancel(cancel::Args),
    Pause(pause::Args),
    Resume(resume::Args),
    Rescan(rescan::Args),
    LogLevel(log_level::Args),
    Adopt(adopt::Args),
    Api(api::Args),
    Doctor(doctor::Args),
    Export(export::Args),
    /// Move the store to another place
    #[command(subcommand)]
    Store(store::Command),
    Completions(completions::Args),
    Man(man::Args),
}
