//! Audiences by name, audience name or id.

use dropship_hardware::Audience;

/// Finds each wanted audience, by id, name or audience name.
///
/// # Errors
/// One text for each name that no audience has, or several have.
pub fn resolve<'a>(wanted: &[String], known: &'a [Audience]) -> Result<Vec<&'a Audience>, Vec<String>> {
    let mut found: Vec<&Audience> = Vec::new();
    let mut problems = Vec::new();
    for name in wanted {
        match find(name, known) {
            Ok(audience) if found.iter().any(|other| other.id == audience.id) => {}
            Ok(audience) => found.push(audience),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn find<'a>(name: &str, known: &'a [Audience]) -> Result<&'a Audience, String> {
    let plain = name.trim().trim_matches(['{', '}']);
    let same = |text: &str| text.trim().eq_ignore_ascii_case(plain) && !plain.is_empty();
    if let Some(audience) = known.iter().find(|audience| same(&audience.id)) {
        return Ok(audience);
    }
    let named = |audience: &&Audience| same(&audience.name) || same(&audience.audience_name);
    let mut fits: Vec<_> = known.iter().filter(named).collect();
    fits.dedup_by(|a, b| a.id == b.id);
    match fits.as_slice() {
        [only] => Ok(only),
        [] => {
            let names: Vec<_> = known.iter().map(|audience| format!("`{}`", audience.name)).collect();
            let there = match names.is_empty() {
                true => "none at all".to_owned(),
                false => names.join(", "),
            };
            Err(format!("the account has no audience `{name}`; it has {there}"))
        }
        several => {
            let ids: Vec<_> = several.iter().map(|audience| format!("`{}`", audience.id)).collect();
            Err(format!("`{name}` fits several audiences: {}; use the id", ids.join(", ")))
        }
    }
}
