//! Addresses of Microsoft's pages about products, submissions and labels.

use dropship_web::page::package::ValueView;

use dropship_config::Config;
use dropship_engine::outbox::Receipt;
use dropship_job::RemoteId;

/// Base of the pages. They are not documented; these are the addresses that Partner Center itself shows.
const BASE: &str = "https://partner.microsoft.com/en-us/dashboard/hardware/driver";

/// The ids of a package at Microsoft.
pub(super) struct PartnerCenter {
    /// Whether they are Microsoft's, and not those of a sandbox.
    is_real: bool,
    product: Option<RemoteId>,
    submission: Option<RemoteId>,
}

impl PartnerCenter {
    /// The ids of a job.
    pub(super) fn of(config: &Config, is_sandbox: bool, job: &Receipt) -> Self {
        let is_real = !is_sandbox && config.api.endpoint.host_str().is_some_and(is_microsoft);
        Self { is_real, product: job.product_id, submission: job.submission_id }
    }

    /// The product.
    pub(super) fn product(&self) -> Option<ValueView> {
        let product = self.product?;
        Some(self.value(product, Some(format!("{BASE}/{product}"))))
    }

    /// The submission.
    pub(super) fn submission(&self) -> Option<ValueView> {
        let submission = self.submission?;
        Some(self.value(submission, self.submission_page()))
    }

    /// A label.
    pub(super) fn label(&self, label: RemoteId) -> Option<ValueView> {
        let page = self.submission_page().map(|page| format!("{page}/ShippingLabel/{label}"));
        Some(self.value(label, page))
    }

    fn submission_page(&self) -> Option<String> {
        Some(format!("{BASE}/{}/submission/{}", self.product?, self.submission?))
    }

    fn value(&self, id: RemoteId, page: Option<String>) -> ValueView {
        match page.filter(|_| self.is_real) {
            Some(link) => ValueView::Link { text: id.to_string(), link, is_external: true },
            None => ValueView::Code(id.to_string()),
        }
    }
}

fn is_microsoft(host: &str) -> bool {
    host.ends_with(".microsoft.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_to_partner_center_only_if_they_are_microsofts() {
        let id = |number: u64| RemoteId::new(number);
        let mut package = PartnerCenter { is_real: true, product: Some(id(1)), submission: Some(id(2)) };
        let link = |value: Option<ValueView>| match value {
            Some(ValueView::Link { link, is_external: true, .. }) => link,
            other => format!("{other:?}"),
        };
        assert_eq!(link(package.product()), format!("{BASE}/1"));
        assert_eq!(link(package.submission()), format!("{BASE}/1/submission/2"));
        assert_eq!(link(package.label(id(3))), format!("{BASE}/1/submission/2/ShippingLabel/3"));
        package.is_real = false;
        assert_eq!(package.product(), Some(ValueView::Code("1".to_owned())));
        assert!(is_microsoft("manage.devcenter.microsoft.com"));
        assert!(!is_microsoft("evil-microsoft.com") && !is_microsoft("microsoft.com.evil.example"));
    }
}
