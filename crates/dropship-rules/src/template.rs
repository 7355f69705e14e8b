//! Text values of rules: `MiniJinja` templates, in which an undefined variable is an error.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};

mod nesting;
mod sample;
mod scope;
mod variables;

pub use scope::TemplateScope;
pub use variables::unknown_variable;

/// Steps that a template may take; text values need some dozens.
const FUEL: u64 = 100_000;
/// Longest template, in bytes.
const MAX_SOURCE: usize = 4096;
/// Longest text that a template may render, in bytes; names at Microsoft are far shorter.
const MAX_LENGTH: usize = 16_384;

/// Constant; made once, because templates are rendered often.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// Writes the values of expressions as globs that match nothing else.
static GLOB_ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment();
    // Blocks that a template captures are escaped already; with this they are marked as such.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("glob".into()));
    environment.set_formatter(|out, _, value| {
        let text = value.to_string();
        match value.is_safe() {
            true => out.write_str(&text)?,
            false => out.write_str(&dropship_glob::escape(&text))?,
        }
        Ok(())
    });
    environment
});

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

/// One text value of a rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    source: Arc<str>,
    literal: bool,
}

/// Why a template could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// The mistake, and the variable.
    pub message: String,
    /// The template is valid, but this package lacks a fact that the template shows.
    pub lacks_fact: bool,
}

impl Template {
    /// Reads a template; checks only its syntax.
    ///
    /// # Errors
    /// When the text has a syntax error, or is too long.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > MAX_SOURCE {
            return Err(format!("a template has at most {MAX_SOURCE} bytes; this one has {}", text.len()));
        }
        let literal = !text.contains("{{") && !text.contains("{%") && !text.contains("{#");
        if !literal {
            nesting::check(text)?;
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

    /// Whether an expression is inside the brackets of a glob, where its value could not be matched literally.
    #[must_use]
    pub fn has_expression_in_brackets(&self) -> bool {
        let mut rest = &*self.source;
        let mut in_brackets = false;
        while let Some(c) = rest.chars().next() {
            let tag = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
                .into_iter()
                .find(|(open, _)| rest.starts_with(open));
            let Some((open, close)) = tag else {
                in_brackets = c != ']' && (in_brackets || c == '[');
                rest = &rest[c.len_utf8()..];
                continue;
            };
            if in_brackets && open == "{{" {
                return true;
            }
            rest = rest.split_once(close).map_or("", |(_, rest)| rest);
        }
        false
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
    /// When a variable is undefined, a filter fails, the template takes too many steps, or the text has more than 16384 bytes.
    pub fn render(&self, scope: &TemplateScope) -> Result<String, TemplateError> {
        self.render_in(&ENVIRONMENT, scope)
    }

    /// The glob for one package: the text of the template is a glob, and the values of its expressions are matched literally.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_glob(&self, scope: &TemplateScope) -> Result<String, TemplateError> {
        self.render_in(&GLOB_ENVIRONMENT, scope)
    }

    fn render_in(
        &self,
        environment: &Environment<'static>,
        scope: &TemplateScope,
    ) -> Result<String, TemplateError> {
        if self.literal {
            return Ok(self.source.trim().to_owned());
        }
        let template =
            environment.template_from_str(&self.source).map_err(|error| self.error(&error, scope))?;
        let text = template.render(scope.context()).map_err(|error| self.error(&error, scope))?;
        if text.len() > MAX_LENGTH {
            return Err(TemplateError {
                message: format!("`{}` renders {} bytes, more than {MAX_LENGTH}", self.source, text.len()),
                lacks_fact: false,
            });
        }
        Ok(text.trim().to_owned())
    }

    fn error(&self, error: &minijinja::Error, scope: &TemplateScope) -> TemplateError {
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

/// `MiniJinja`'s error without the name of the template, which is generated.
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
