//! Rendering that collects everything that goes wrong.

use crate::direction;
use crate::template::{Template, TemplateError, TemplateScope};
use dropship_glob::Glob;

/// Renders the values of one rule for one package.
pub(super) struct Renderer {
    scope: TemplateScope,
    problems: Vec<String>,
}

impl Renderer {
    pub(super) fn new(scope: TemplateScope) -> Self {
        Self { scope, problems: Vec::new() }
    }

    /// The same package, seen for one partner.
    pub(super) fn for_partner<T>(&mut self, partner: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let scope = self.scope.with_partner(partner);
        let scope = std::mem::replace(&mut self.scope, scope);
        let result = work(self);
        self.scope = scope;
        result
    }

    pub(super) fn add_problem(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    /// A text that must not be empty.
    pub(super) fn text(&mut self, what: &str, template: &Template) -> String {
        self.check(what, template, template.render(&self.scope))
    }

    fn check(&mut self, what: &str, template: &Template, text: Result<String, TemplateError>) -> String {
        match text {
            Ok(text) if text.is_empty() => {
                self.add_problem(format!("{what}: `{}` renders nothing", template.source()));
                text
            }
            Ok(text) if text.contains(char::is_control) => {
                self.add_problem(format!(
                    "{what}: `{}` renders a line break or control character",
                    template.source()
                ));
                text
            }
            Ok(text) => {
                self.check_direction(what, template, &text);
                text
            }
            Err(error) => {
                self.add_problem(format!("{what}: {error}"));
                String::new()
            }
        }
    }

    fn check_direction(&mut self, what: &str, template: &Template, text: &str) {
        if let Some(c) = direction::control(text) {
            self.add_problem(format!("{what}: `{}` renders {}", template.source(), direction::reason(c)));
        }
    }

    pub(super) fn option(&mut self, what: &str, template: &Option<Template>) -> Option<String> {
        template.as_ref().map(|template| self.text(what, template))
    }

    /// Free text for people: it may have several lines.
    pub(super) fn prose(&mut self, what: &str, template: &Option<Template>) -> Option<String> {
        let template = template.as_ref()?;
        match template.render(&self.scope) {
            Ok(text) if text.is_empty() => {
                self.add_problem(format!("{what}: `{}` renders nothing", template.source()))
            }
            Ok(text) => {
                self.check_direction(what, template, &text);
                return Some(text);
            }
            Err(error) => self.add_problem(format!("{what}: {error}")),
        }
        None
    }

    pub(super) fn list(&mut self, what: &str, templates: &[Template]) -> Vec<String> {
        templates.iter().map(|template| self.text(what, template)).collect()
    }

    pub(super) fn globs(&mut self, what: &str, templates: &[Template]) -> Vec<Glob> {
        let mut globs = Vec::new();
        for template in templates {
            let text = self.check(what, template, template.render_glob(&self.scope));
            if text.is_empty() {
                continue;
            }
            match Glob::new(&text) {
                Ok(glob) => globs.push(glob),
                Err(reason) => self.add_problem(format!("{what}: {reason}")),
            }
        }
        globs
    }
}
