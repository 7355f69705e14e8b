//! Follows the relationships from part to part.

use std::io;

use crate::checks::{Check, Report};

use super::archive::Archive;
use super::opc::{Relationship, part_text, relationships, relationships_of, resolve};

/// Maximum number of relationships of one kind that are followed.
pub(super) const MAX_TARGETS: usize = 8;

/// The relationships of a part; `None`, with a finding, if they cannot be read.
pub(super) fn of_part(
    archive: &Archive<'_>,
    part: &str,
    report: &mut Report<'_>,
) -> io::Result<Option<Vec<Relationship>>> {
    let name = relationships_of(part);
    let read = part_text(archive, &name)?.map_err(str::to_owned).and_then(|text| relationships(&text));
    Ok(match read {
        Ok(found) => Some(found),
        Err(reason) => {
            report.add(
                Check::Malformed,
                format!("the part {name} cannot be used: {reason}; create the package again"),
            );
            None
        }
    })
}

/// Names of the parts that the relationships of a kind point to.
pub(super) fn targets(owner: &str, links: &[Relationship], kind: &str) -> Vec<String> {
    let found = links.iter().filter(|link| link.kind == kind && link.mode == "Internal");
    found.take(MAX_TARGETS).map(|link| resolve(owner, &link.target)).collect()
}
