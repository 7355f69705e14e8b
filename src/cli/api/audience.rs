//! `dropship api audience`, and audiences by name.

use super::session::{ApiSession, call_error};
use super::shape::cell;
use crate::cli::exit::Exit;
use dropship_hardware::Audience;
use dropship_rules::guid::{is_guid, plain_guid};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List the audiences of the account; audience ids differ between accounts
    List,
}

pub(super) async fn run(verb: &Verb, session: &ApiSession<'_>) -> anyhow::Result<Exit> {
    let Verb::List = verb;
    session.list(session.client()?.audiences(), &["ID", "NAME", "AUDIENCE NAME", "DESCRIPTION"], row).await
}

fn row(audience: &Audience) -> Vec<String> {
    let Audience { id, name, audience_name, description, .. } = audience;
    [id, name, audience_name, description].map(|text| cell(text)).to_vec()
}

/// Resolves audiences to ids. Only names need a call to the service.
pub(super) async fn resolve_ids(names: &[String], session: &ApiSession<'_>) -> anyhow::Result<Vec<String>> {
    let account_audiences = if names.iter().all(|name| is_guid(name)) {
        Vec::new()
    } else {
        session.client()?.audiences().all().await.map_err(call_error)?
    };
    let mut ids = Vec::new();
    for name in names {
        let id = if is_guid(name) { plain_guid(name) } else { find(name, &account_audiences)? };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The id of the one audience with this name or audience name.
fn find(name: &str, account_audiences: &[Audience]) -> anyhow::Result<String> {
    let same = |text: &str| text.trim().eq_ignore_ascii_case(name.trim());
    let fits =
        account_audiences.iter().filter(|audience| same(&audience.name) || same(&audience.audience_name));
    let quoted =
        |texts: Vec<&str>| texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    match fits.collect::<Vec<_>>().as_slice() {
        [only] => Ok(only.id.clone()),
        [] if account_audiences.is_empty() => {
            anyhow::bail!("there is no audience `{name}`: the account has no audiences")
        }
        [] => {
            let names = quoted(account_audiences.iter().map(|audience| audience.name.as_str()).collect());
            anyhow::bail!("there is no audience `{name}`; the account has {names}")
        }
        several => {
            let ids = quoted(several.iter().map(|audience| audience.id.as_str()).collect());
            anyhow::bail!("several audiences are named `{name}`: {ids}; use the id")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audience_name_that_is_not_unique_is_an_error() {
        let audience = |id: &str, name: &str| Audience {
            id: id.to_owned(),
            name: name.to_owned(),
            audience_name: name.replace(' ', "_"),
            ..Audience::default()
        };
        let account_audiences = [audience("1", "Test Ring"), audience("2", "Pilot"), audience("3", "pilot")];
        assert_eq!(find("test_ring", &account_audiences).unwrap(), "1");
        assert!(find("Pilot", &account_audiences).unwrap_err().to_string().contains("`2`, `3`"));
        assert!(find("Retail", &account_audiences).unwrap_err().to_string().contains("`Test Ring`"));
        assert!(find("x", &[]).is_err());
    }
}
