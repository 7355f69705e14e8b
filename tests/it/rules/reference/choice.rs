//! Which rule applies to a package: "Matching" in `docs/rules.md`.

use super::glob;
use super::model::{Condition, Inf, Package, Rule, Wanted};

/// The first rule that matches.
pub(super) fn choose<'a>(rules: &'a [Rule], package: &Package) -> Option<&'a Rule> {
    rules.iter().find(|rule| {
        let folder = rule.folders.is_empty() || rule.folders.contains(&package.folder);
        let conditions = rule.conditions.iter().all(|condition| holds(condition, package, Infs::Every));
        let excluded =
            rule.not.iter().any(|not| not.iter().all(|condition| holds(condition, package, Infs::Any)));
        folder && conditions && !excluded
    })
}

/// Whether a condition on the INFs themselves must hold for every INF. In `not` one is enough.
#[derive(Clone, Copy, PartialEq)]
enum Infs {
    Every,
    Any,
}

fn holds(condition: &Condition, package: &Package, mode: Infs) -> bool {
    let fits = |value: &str| condition.values.iter().any(|wanted| fits(condition.key, wanted, value));
    let of_infs = |value: fn(&Inf) -> String| {
        let infs = &package.infs;
        match mode {
            Infs::Every => !infs.is_empty() && infs.iter().all(|inf| fits(&value(inf))),
            Infs::Any => infs.iter().any(|inf| fits(&value(inf))),
        }
    };
    let of_lists = |values: fn(&Inf) -> &[String]| {
        package.infs.iter().any(|inf| values(inf).iter().any(|value| fits(value)))
    };
    match condition.key {
        "file" => fits(&package.file),
        "kind" => fits(if package.is_cab { "cab" } else { "hlkx" }),
        "signer" => fits(&package.signer),
        "contains" => package.files.iter().any(|path| fits(path)),
        "architecture" => package.architectures.iter().any(|name| fits(name)),
        "operating_system" => package.operating_systems.iter().any(|code| fits(code)),
        "provider" => of_infs(|inf| inf.provider.clone().unwrap_or_default()),
        "class" => of_infs(|inf| inf.class.clone().unwrap_or_default()),
        "class_guid" => of_infs(|inf| inf.class_guid.clone().unwrap_or_default()),
        "version" => of_infs(|inf| inf.version.clone().unwrap_or_default()),
        "date" => of_infs(|inf| inf.date.clone().unwrap_or_default()),
        "extension" => of_infs(|inf| inf.is_extension.to_string()),
        "inf" => package.infs.iter().any(|inf| fits(&inf.name)),
        "hardware_id" => of_lists(|inf| &inf.hardware_ids),
        "manufacturer" => of_lists(|inf| &inf.manufacturers),
        "description" => of_lists(|inf| &inf.descriptions),
        key => panic!("no key `{key}`"),
    }
}

fn fits(key: &str, wanted: &Wanted, value: &str) -> bool {
    match wanted {
        Wanted::Flag(flag) => value == flag.to_string(),
        Wanted::Glob(glob) if key == "class_guid" => glob::matches(bare(glob), bare(value)),
        // A version without wildcards: absent numbers are 0.
        Wanted::Glob(exact) if key == "version" => {
            version(value).is_some_and(|value| version(exact) == Some(value))
        }
        Wanted::Glob(glob) => glob::matches(glob, value),
        Wanted::Range(low, high) if key == "version" => {
            let Some(value) = version(value) else { return false };
            low.as_ref().is_none_or(|low| version(low).expect("a bound") <= value)
                && high.as_ref().is_none_or(|high| value < version(high).expect("a bound"))
        }
        // Dates compare as texts: yyyy-mm-dd.
        Wanted::Range(low, high) => {
            !value.is_empty()
                && low.as_ref().is_none_or(|low| low.as_str() <= value)
                && high.as_ref().is_none_or(|high| value < high.as_str())
        }
    }
}

/// The four numbers of a version; absent ones are 0.
fn version(text: &str) -> Option<[u32; 4]> {
    let mut numbers = [0; 4];
    if text.is_empty() {
        return None;
    }
    for (at, part) in text.split('.').enumerate() {
        *numbers.get_mut(at)? = part.parse().ok()?;
    }
    Some(numbers)
}

/// A GUID without its braces.
fn bare(guid: &str) -> &str {
    guid.strip_prefix('{').and_then(|guid| guid.strip_suffix('}')).unwrap_or(guid)
}
