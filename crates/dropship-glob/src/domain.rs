//! Which texts a glob is compared with.

use super::char_set::CharSet;
use super::glob::{Glob, GlobMatcher};
use super::nfa::Nfa;

/// The texts that a kind of value can be, such as hardware ids or file names.
#[derive(Debug, Clone)]
pub struct Domain {
    alphabet: CharSet,
    shapes: Vec<Glob>,
}

impl Domain {
    /// Texts of these characters.
    #[must_use]
    pub fn of(alphabet: CharSet) -> Self {
        Self { alphabet, shapes: Vec::new() }
    }

    /// The same texts, as far as they match one of these globs.
    #[must_use]
    pub fn with_shapes(self, shapes: Vec<Glob>) -> Self {
        Self { shapes, ..self }
    }

    /// Whether the glob matches any of these texts.
    #[must_use]
    pub fn meets(&self, glob: &Glob) -> bool {
        if let (GlobMatcher::Simple(simple), []) = (glob.shape(), self.shapes.as_slice()) {
            return simple.letters().all(|letter| self.alphabet.contains(letter));
        }
        let nfa = glob.nfa();
        match self.shapes.as_slice() {
            [] => nfa.meets(&Nfa::anything(), &self.alphabet),
            shapes => shapes.iter().any(|shape| nfa.meets(&shape.nfa(), &self.alphabet)),
        }
    }
}
