//! Where the checks of one rule report problems.

use dropship_rules::direction;
use dropship_rules::template::{Template, TemplateScope, unknown_variable};

use super::diagnostics::Diagnostics;
use crate::raw::values::{At, OneOrMany, Text};

/// Collects the problems of one rule, and checks its templates.
pub(super) struct RuleDiagnostics<'a, 'b> {
    pub(super) diagnostics: &'a mut Diagnostics<'b>,
    /// Names of the variables that the rule declares.
    pub(super) vars: Vec<String>,
    /// A sample package that templates are rendered with.
    pub(super) sample: TemplateScope,
}

impl RuleDiagnostics<'_, '_> {
    /// The template. Reports unknown variables and templates that cannot be rendered.
    pub(super) fn template(&mut self, at: &At<Text<Template>>) -> Template {
        let template = at.value.0.clone();
        if template.source().trim().is_empty() {
            self.diagnostics.error(&at.span, "this text is empty; leave the key out to send nothing");
        }
        if let Some(c) = direction::control(template.source()) {
            self.diagnostics.error(&at.span, format!("this text contains {}", direction::reason(c)));
        }
        if template.literal().is_some() {
            return template;
        }
        let before = self.diagnostics.problem_count();
        let vars: Vec<_> = self.vars.iter().map(String::as_str).collect();
        for name in template.variables() {
            if let Some((message, help)) = unknown_variable(&name, &vars) {
                match help {
                    Some(help) => self.diagnostics.error_with_help(&at.span, message, help),
                    None => self.diagnostics.error(&at.span, message),
                }
            }
        }
        if self.diagnostics.problem_count() == before
            && let Err(error) = template.render(&self.sample)
            && !error.lacks_fact
        {
            self.diagnostics.error(&at.span, error.message);
        }
        template
    }

    pub(super) fn option(&mut self, value: &Option<At<Text<Template>>>) -> Option<Template> {
        value.as_ref().map(|at| self.template(at))
    }

    pub(super) fn list(&mut self, values: &Option<OneOrMany<Text<Template>>>) -> Vec<Template> {
        let values = values.iter().flat_map(|values| &values.0);
        values.map(|at| self.template(at)).collect()
    }
}
