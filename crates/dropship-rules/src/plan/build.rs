//! From a rule and a package to a plan.

use dropship_hardware::{NewSubmission, ProductId, TestHarness};
use dropship_package::Kind;
use jiff::Timestamp;
use serde::Serialize;

use super::model::{Plan, StrategyPlan};
use super::render::Renderer;
use super::{label, product};
use crate::input::MatchInput;
use crate::rule::{ProductRule, Rule, Strategy};
use crate::template::TemplateScope;

/// Everything that prevents a rule from being applied to a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("rule `{rule}` cannot be carried out for this package: {}", problems.join("; "))]
pub struct PlanError {
    /// Name of the rule.
    pub rule: String,
    /// One sentence for each problem.
    pub problems: Vec<String>,
}

/// Renders the product, submission and labels of a rule for one package. Offsets such as `+30d` count from `now`,
/// except the labels' go-live offsets, which are resolved when the label is requested.
///
/// # Errors
/// Every template that cannot be rendered or renders nothing, and every request that Microsoft would certainly
/// refuse.
pub fn plan(rule: &Rule, input: &MatchInput<'_>, now: Timestamp) -> Result<Plan, PlanError> {
    let mut renderer = Renderer::new(TemplateScope::new(&rule.name, input, &rule.var_defaults()));
    if let Some(vars) = input.vars {
        rule.rejected_vars(vars).into_iter().for_each(|problem| renderer.add_problem(problem));
    }
    let product = product::product(&mut renderer, &rule.product, input, now);
    check_kind(&mut renderer, &rule.product, input);
    let submission = NewSubmission {
        name: match &rule.submission.name {
            Some(name) => renderer.text("submission.name", name),
            None => product.product_name.clone(),
        },
        kind: rule.submission.kind.clone(),
    };
    let labels = label::labels(&mut renderer, rule, input);
    let problems = renderer.into_problems();
    if !problems.is_empty() {
        return Err(PlanError { rule: rule.name.clone(), problems });
    }
    Ok(Plan {
        rule: rule.name.clone(),
        rule_digest: rule.digest(),
        account: rule.account.clone(),
        strategy: match rule.product.strategy {
            Strategy::New => StrategyPlan::New,
            Strategy::PerVersion => StrategyPlan::PerVersion,
            Strategy::ExistingId(id) => StrategyPlan::ExistingId(ProductId(id)),
            Strategy::ExistingName => StrategyPlan::ExistingName,
        },
        product,
        submission,
        labels,
    })
}

/// Reports a package of a kind that the service would refuse for this product.
fn check_kind(renderer: &mut Renderer, product: &ProductRule, input: &MatchInput<'_>) {
    match (input.facts.kind, &product.test_harness) {
        (Kind::Hlkx, TestHarness::Attestation) => {
            renderer.add_problem("attestation takes a signed .cab, and the package is an .hlkx".to_owned());
        }
        (Kind::Cab, TestHarness::Hlk | TestHarness::Hck) => {
            renderer.add_problem(
                "a product with HLK results takes an .hlkx, and the package is a .cab".to_owned(),
            );
        }
        _ => {}
    }
}
