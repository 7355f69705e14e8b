//! Why a text is not a glob.

/// Maximum length of a glob, in bytes.
pub(super) const MAX_LENGTH: usize = 4096;

/// A text that is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{glob}` is not a glob: {problem}")]
pub struct GlobError {
    /// The text.
    pub glob: String,
    /// The mistake.
    pub problem: GlobProblem,
}

/// A mistake in a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobProblem {
    /// There is no text.
    #[error("it is empty, and an empty glob matches nothing; write `*` for anything")]
    Empty,
    /// It is longer than any glob needs to be.
    #[error("it is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// `[` without `]`.
    #[error("`[` has no closing `]`; write `[[]` for the character `[`")]
    UnclosedClass,
    /// `]` without `[`.
    #[error("`]` has no opening `[`; write `[]]` for the character `]`")]
    StrayBracket,
    /// `[` inside a class, but not as its first member.
    #[error("`[` inside brackets must be their first character")]
    NestedClass,
    /// A class that no character fits, such as `[!]`.
    #[error("the brackets contain no character")]
    EmptyClass,
    /// A range such as `z-a`.
    #[error("`{0}-{1}` runs from a higher to a lower character")]
    ReversedRange(char, char),
    /// `{` without `}`.
    #[error("`{{` has no closing `}}`; write `[{{]` for the character `{{`")]
    UnclosedBraces,
    /// `}` without `{`.
    #[error("`}}` has no opening `{{`; write `[}}]` for the character `}}`")]
    StrayBrace,
    /// `{` inside braces.
    #[error("braces cannot be nested; write a list of globs, or `[{{]` for the character `{{`")]
    NestedBraces,
}
