//! Globs over request paths.

use dropship_glob::{Glob, GlobError};

/// A glob over a path: `*` and `?` match within a segment, `**` as a segment matches any number of segments.
#[derive(Debug)]
pub(crate) struct PathGlob {
    segments: Vec<GlobSegment>,
}

#[derive(Debug)]
enum GlobSegment {
    /// `**`.
    Any,
    /// Nothing between two slashes, or before the first one.
    Empty,
    One(Glob),
}

impl PathGlob {
    /// Reads a glob. A slash at the end is ignored.
    ///
    /// # Errors
    /// When a segment is not a valid glob.
    pub(crate) fn new(text: &str) -> Result<Self, GlobError> {
        let segments = text.trim_end_matches('/').split('/').map(|segment| match segment {
            "**" => Ok(GlobSegment::Any),
            "" => Ok(GlobSegment::Empty),
            glob => Glob::new(glob).map(GlobSegment::One),
        });
        Ok(Self { segments: segments.collect::<Result<_, _>>()? })
    }

    /// Whether the glob matches a whole path. A slash at the end is ignored.
    pub(crate) fn is_match(&self, path: &str) -> bool {
        let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        // reached[n]: the segments of the glob up to here match the first n segments of the path.
        let mut reached = vec![false; path.len() + 1];
        reached[0] = true;
        for segment in &self.segments {
            let mut next = vec![false; path.len() + 1];
            match segment {
                GlobSegment::Any => {
                    let first = reached.iter().position(|&is_reached| is_reached).unwrap_or(next.len());
                    next[first..].fill(true);
                }
                GlobSegment::Empty => step(&reached, &mut next, &path, str::is_empty),
                GlobSegment::One(glob) => step(&reached, &mut next, &path, |part| glob.is_match(part)),
            }
            reached = next;
        }
        reached.last() == Some(&true)
    }
}

/// Extends each match by one segment of the path.
fn step(reached: &[bool], next: &mut [bool], path: &[&str], is_match: impl Fn(&str) -> bool) {
    for (n, part) in path.iter().enumerate() {
        next[n + 1] = reached[n] && is_match(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_matches_one_segment_and_two_stars_match_any_number() {
        let matches = |glob: &str, path: &str| PathGlob::new(glob).unwrap().is_match(path);
        assert!(matches(
            "/v2.0/my/hardware/products/*/submissions",
            "/V2.0/my/hardware/products/7/submissions/"
        ));
        assert!(!matches("/products/*/submissions", "/products/7/submissions/8"));
        assert!(!matches("/products/*", "/products"));
        assert!(matches("/products/**", "/products"));
        assert!(matches("/products/**", "/products/7/submissions/8"));
        assert!(matches("/**/commit", "/a/b/c/commit"));
        assert!(matches("/**/commit", "/commit"));
        assert!(!matches("/**/commit", "/a/commits"));
        assert!(matches("**", "/anything/at/all"));
        assert!(PathGlob::new("/a/[").is_err());
    }
}
