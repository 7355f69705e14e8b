//! `dropship doctor`: what is not as it should be, and what would mend it.

use std::path::Path;

use super::exit::Exit;
use super::output::Output;
use super::place;
use crate::depot::Depot;
use crate::doctor::{Finding, examine};
use crate::store::{Durable, Opening, StoreError};

pub(super) async fn run(config: &Path, output: &Output) -> anyhow::Result<Exit> {
    let findings = match place::connect(config).await? {
        Ok(client) => client.doctor().await?,
        Err(no_daemon) => {
            let config = place::load(config)?;
            let home = &config.store.path;
            place::store_exists(home, no_daemon)?;
            super::owner::become_owner(home)?;
            alone(home)?
        }
    };
    output.give(&findings, || text(&findings))?;
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Without a daemon the next start is rehearsed on a copy.
fn alone(home: &Path) -> anyhow::Result<Vec<Finding>> {
    let rehearsal = match Durable::rehearse(home) {
        Ok(rehearsal) => rehearsal,
        Err(error @ (StoreError::Damaged { .. } | StoreError::Newer { .. })) => {
            let mend =
                "the next start fails with these words: put the file back from a backup; nothing is mended";
            return Ok(vec![Finding::new(error.to_string(), mend)]);
        }
        Err(error) => return Err(error.into()),
    };
    let Opening { quarantined, passed, caught_up, .. } = &rehearsal.opening;
    let mut findings = Vec::new();
    findings.extend(quarantined.as_ref().map(|(_, why)| {
        Finding::new(
            format!("the database is of no use: {why}"),
            format!("the next start puts it aside and rebuilds it from {caught_up} lines of the journal"),
        )
    }));
    if *passed > 0 {
        findings.push(Finding::new(
            format!("{passed} stretches of the journal are damaged"),
            "the next start passes over them: the database holds what they said",
        ));
    }
    let depot = Depot::look(home);
    findings.extend(examine(&rehearsal.store, &depot)?);
    Ok(findings)
}

fn text(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "everything is as it should be".to_owned();
    }
    let lines = findings.iter().map(|finding| format!("{}\n    {}", finding.what, finding.mend));
    lines.collect::<Vec<_>>().join("\n")
}
