//! Which texts the facts of packages and the columns of driver metadata can be. A glob that matches none of them is a
//! mistake: where it excludes something, the exclusion never takes effect.

use dropship_glob::{CharSet, Domain, Glob};

use crate::matching::Fact;
use crate::vocabulary::OS_CODES;

/// Why a glob matches no text that it is ever compared with, with advice; `None` if it can match.
#[must_use]
pub fn never_matches(fact: Fact, glob: &Glob) -> Option<&'static str> {
    match fact {
        Fact::File => advice_unless(glob, &Domain::of(CharSet::all_but("/")), "a file name contains no `/`"),
        Fact::Inf => inf_name(glob),
        Fact::HardwareId => hardware_id(glob),
        Fact::Contains => advice_unless(
            glob,
            &Domain::of(CharSet::all_but("\\")),
            "a path in a package is written with `/`, not with `\\`",
        ),
        Fact::ClassGuid | Fact::Chid => advice_unless(
            glob,
            &shaped("0123456789abcdef-", &[&[8, 4, 4, 4, 12]]),
            "a GUID consists of hexadecimal digits in groups of 8, 4, 4, 4 and 12, with `-` between them",
        ),
        Fact::Thumbprint => advice_unless(
            glob,
            &shaped("0123456789abcdef", &[&[40], &[64]]),
            "a thumbprint consists of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits, without `:` or blanks",
        ),
        Fact::Kind | Fact::Architecture | Fact::OperatingSystem => None,
        Fact::Provider
        | Fact::Class
        | Fact::Version
        | Fact::Date
        | Fact::Manufacturer
        | Fact::Description
        | Fact::Signer
        | Fact::Issuer
        | Fact::ProductType
        | Fact::KitVersion
        | Fact::Extension
        | Fact::Primitive => None,
    }
}

/// Why a glob matches no hardware id.
#[must_use]
pub fn hardware_id(glob: &Glob) -> Option<&'static str> {
    let ids = Domain::of(CharSet::all_but("/,\0\t\r\n"));
    advice_unless(glob, &ids, "a hardware id separates its parts with `\\`, and contains neither `/` nor `,`")
}

/// Why a glob matches no INF file name.
#[must_use]
pub fn inf_name(glob: &Glob) -> Option<&'static str> {
    let shapes: Vec<_> = Glob::new("*.inf").into_iter().collect();
    let names = Domain::of(CharSet::all_but("/\\")).with_shapes(shapes);
    advice_unless(glob, &names, "the file name of an INF ends in `.inf` and contains no folder")
}

/// Whether a glob matches an OS code that Microsoft documents.
#[must_use]
pub fn is_known_os(glob: &Glob) -> bool {
    OS_CODES.iter().any(|code| glob.is_match(code))
}

/// Texts of these characters in groups of these lengths, with `-` between the groups.
fn shaped(alphabet: &str, shapes: &[&[usize]]) -> Domain {
    let glob = |groups: &&[usize]| {
        let groups: Vec<_> = groups.iter().map(|length| "?".repeat(*length)).collect();
        Glob::new(&groups.join("-")).ok()
    };
    Domain::of(CharSet::these(alphabet)).with_shapes(shapes.iter().filter_map(glob).collect())
}

fn advice_unless(glob: &Glob, domain: &Domain, advice: &'static str) -> Option<&'static str> {
    (!domain.meets(glob)).then_some(advice)
}
