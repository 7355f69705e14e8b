//! Audiences by name, audience name or id.

use dropship_hardware::Audience;

/// Finds each wanted audience, by id, name or audience name.
///
/// # Errors
/// One text for each name that no audience has, or several have.
pub fn resolve<'a>(names: &[String], audiences: &'a [Audience]) -> Result<Vec<&'a Audience>, Vec<String>> {
    let mut found: Vec<&Audience> = Vec::new();
    let mut problems = Vec::new();
    for name in names {
        match find(name, audiences) {
            Ok(audience) if found.iter().any(|other| other.id == audience.id) => {}
            Ok(audience) => found.push(audience),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn find<'a>(name: &str, audiences: &'a [Audience]) -> Result<&'a Audience, String> {
    let plain = name.trim().trim_matches(['{', '}']);
    let is_same = |text: &str| text.trim().eq_ignore_ascii_case(plain) && !plain.is_empty();
    if let Some(audience) = audiences.iter().find(|audience| is_same(&audience.id)) {
        return Ok(audience);
    }
    let named = |audience: &&Audience| is_same(&audience.name) || is_same(&audience.audience_name);
    let mut matching: Vec<_> = audiences.iter().filter(named).collect();
    matching.dedup_by(|a, b| a.id == b.id);
    match matching.as_slice() {
        [only] => Ok(only),
        [] => {
            let names: Vec<_> = audiences.iter().map(|audience| format!("`{}`", audience.name)).collect();
            let known_names = match names.is_empty() {
                true => "none at all".to_owned(),
                false => names.join(", "),
            };
            Err(format!("the account has no audience `{name}`; it has {known_names}"))
        }
        several => {
            let ids: Vec<_> = several.iter().map(|audience| format!("`{}`", audience.id)).collect();
            Err(format!("`{name}` fits several audiences: {}; use the id", ids.join(", ")))
        }
    }
}
