//! `dropship check --online`: each account at the service.

use crate::attention::ClockLimit;
use crate::cli::output::Output;
use dropship_config::model::Config;
use dropship_hardware::{Audience, Error, Listing, Recovery};
use dropship_rules::label::audiences::resolve;

/// Gets a token and makes read-only calls with each account. Returns what is wrong.
pub(super) async fn check(config: &Config, output: &Output) -> Vec<String> {
    let clients = match dropship_engine::accounts::clients(config, false) {
        Ok(clients) => clients,
        Err(error) => return vec![format!("{error:#}")],
    };
    let mut problems = Vec::new();
    for (name, client) in clients {
        let read = client.audiences().read().await;
        let skew = client.clock_offset();
        let before = problems.len();
        match read {
            Ok(audiences) => problems.extend(unknown_audiences(config, &name, &audiences, output)),
            Err(error) => problems.push(format!("account `{name}`: {error}{}", advice(&error))),
        }
        problems.extend(skew.and_then(|skew| clock_problem(&name, skew)));
        if problems.len() == before {
            let clock = skew.map(|skew| format!(", clocks differ by {} s", skew.unsigned_abs()));
            output.say(&format!("account `{name}`: ok{}", clock.unwrap_or_default()));
        }
    }
    problems
}

/// The cause of an error in terms of Partner Center, where the error does not name it itself.
fn advice(error: &Error) -> &'static str {
    match (error.recovery, error.status) {
        (Recovery::Credentials, _) => {
            "; secrets expire, and the application must be listed in Partner Center under Account settings > User management > \
             Microsoft Entra applications"
        }
        (_, Some(500)) => {
            "; a 500 that lasts is a known sign of an application that is not set up completely: in Partner Center associate the Entra \
             application with the account, and give it the role Manager and, under Hardware, its driver and shipping label roles"
        }
        (_, Some(503)) => "; a 503 that lasts usually means a missing Hardware role in Partner Center",
        _ => "",
    }
}

/// The audiences of the rules of an account that the account does not have.
fn unknown_audiences(
    config: &Config,
    account: &str,
    account_audiences: &Listing<Audience>,
    output: &Output,
) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(why) = &account_audiences.incomplete {
        problems.push(format!("account `{account}`: the list of audiences is incomplete: {why}"));
    }
    for rule in config.rules.iter().filter(|rule| rule.account == account) {
        for (number, label) in (1..).zip(&rule.labels) {
            for audience in &label.audiences {
                let Some(name) = audience.literal() else {
                    let source = audience.source();
                    output.say(&format!(
                        "rule `{}`, label {number}: audience `{source}` depends on the package and is not checked",
                        rule.name
                    ));
                    continue;
                };
                if let Err(reasons) = resolve(&[name.to_owned()], &account_audiences.items) {
                    let reasons = reasons.join("; ");
                    problems.push(format!(
                        "rule `{}`, label {number}, account `{account}`: {reasons}",
                        rule.name
                    ));
                }
            }
        }
    }
    problems
}

/// The problem of clocks that differ too much.
fn clock_problem(account: &str, skew: i64) -> Option<String> {
    let seconds = skew.unsigned_abs();
    let side = if skew < 0 { "behind" } else { "ahead of" };
    (seconds > ClockLimit::SECONDS).then(|| {
        format!(
            "account `{account}`: the clock of this machine is {seconds} s {side} the service's; tokens can be rejected: synchronise \
             the clock with NTP"
        )
    })
}
