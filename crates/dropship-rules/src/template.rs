//! Text values of rules: `MiniJinja`, where what is undefined is an error.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, ErrorKind, UndefinedBehavior};

mod sample;
mod scope;
mod variables;

pub use scope::Scope;
pub use variables::unknown_variable;

/// Steps that a template may take; text values need some dozens.
const FUEL: u64 = 100_000;
/// Longest text that a template may render, in bytes; names at Microsoft are far shorter.
const MAX_LENGTH: usize = 16_384;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
});

/// One text value of a rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    source: Arc<str>,
    literal: bool,
}

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, with which variable.
    pub message: String,
    /// The template is sound, but this package lacks a fact that it shows.
    pub lacks_fact: bool,
}

impl Template {
    /// Reads a template; only its syntax is judged.
    ///
    /// # Errors
    /// What is wrong with the syntax.
    pub fn new(text: &str) -> Result<Self, String> {
        let literal = !text.contains("{{") && !text.contains("{%") && !text.contains("{#");
        if !literal {
            ENVIRONMENT
                .template_from_str(text)
                .map_err(|error| format!("`{text}` is not a template: {}", describe(&error)))?;
        }
        Ok(Self { source: text.into(), literal })
    }

    /// The template as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text, if there is nothing to fill in.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        self.literal.then_some(&*self.source)
    }

    /// Names of the variables that it shows, such as `inf.version`.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<String> {
        if self.literal {
            return BTreeSet::new();
        }
        match ENVIRONMENT.template_from_str(&self.source) {
            Ok(template) => template.undeclared_variables(true).into_iter().collect(),
            Err(_) => BTreeSet::new(),
        }
    }

    /// The text for one package; blanks around it are dropped.
    ///
    /// # Errors
    /// When a variable is undefined, a filter fails, or the text is beyond all measure.
    pub fn render(&self, scope: &Scope) -> Result<String, TemplateError> {
        if self.literal {
            return Ok(self.source.trim().to_owned());
        }
        let template =
            ENVIRONMENT.template_from_str(&self.source).map_err(|error| self.error(&error, scope))?;
        let text = template.render(scope.context()).map_err(|error| self.error(&error, scope))?;
        if text.len() > MAX_LENGTH {
            return Err(TemplateError {
                message: format!("`{}` renders {} bytes, more than {MAX_LENGTH}", self.source, text.len()),
                lacks_fact: false,
            });
        }
        Ok(text.trim().to_owned())
    }

    fn error(&self, error: &minijinja::Error, scope: &Scope) -> TemplateError {
        let missing = match error.kind() {
            ErrorKind::UndefinedError => scope.missing(&self.variables()),
            _ => None,
        };
        TemplateError {
            lacks_fact: error.kind() == ErrorKind::UndefinedError,
            message: match missing {
                Some(reason) => format!("`{}` cannot be rendered: {reason}", self.source),
                None => format!("`{}` cannot be rendered: {}", self.source, describe(error)),
            },
        }
    }
}

/// `MiniJinja`'s error without the name of a template that nobody named.
fn describe(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

#[cfg(test)]
mod tests;
