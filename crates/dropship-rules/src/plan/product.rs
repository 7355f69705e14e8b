//! The product request.

use dropship_hardware::{NewProduct, Unknown};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::render::Renderer;
use crate::input::MatchInput;
use crate::rule::{ProductRule, Signatures, Strategy};

pub(super) fn product(
    renderer: &mut Renderer,
    product: &ProductRule,
    input: &MatchInput<'_>,
    now: Timestamp,
) -> NewProduct {
    let mut types = std::collections::BTreeMap::new();
    for (family, kind) in &product.selected_product_types {
        types.insert(family.clone(), renderer.text("product.selected_product_types", kind));
    }
    let requested_signatures = match &product.requested_signatures {
        Signatures::Listed(codes) => renderer.list("product.requested_signatures", codes),
        Signatures::FromPackage => {
            let hlkx = input.facts.hlkx.as_ref();
            if types.is_empty() {
                types = hlkx.map(|hlkx| hlkx.product_types.clone()).unwrap_or_default();
            }
            hlkx.map(|hlkx| hlkx.operating_systems.clone()).unwrap_or_default()
        }
    };
    let is_existing = matches!(product.strategy, Strategy::ExistingId(_) | Strategy::ExistingName);
    if requested_signatures.is_empty() && !is_existing {
        renderer.add_problem(
            "product.requested_signatures: the package states no OS codes that could be requested".to_owned(),
        );
    }
    let announcement_date = product.announcement_date.and_then(|date| match date.resolve(now) {
        // The service takes this date without a zone.
        Ok(time) => Some(time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()),
        Err(reason) => {
            renderer.add_problem(format!("product.announcement_date: {reason}"));
            None
        }
    });
    NewProduct {
        product_name: renderer.option("product.name", &product.name).unwrap_or_default(),
        test_harness: product.test_harness.clone(),
        announcement_date,
        device_metadata_ids: renderer.list("product.device_metadata_ids", &product.device_metadata_ids),
        firmware_version: renderer.option("product.firmware_version", &product.firmware_version),
        device_type: product.device_type.clone(),
        is_test_sign: product.is_test_sign,
        is_flight_sign: product.is_flight_sign,
        marketing_names: renderer.list("product.marketing_names", &product.marketing_names),
        selected_product_types: types,
        requested_signatures,
        additional_attributes: product.additional_attributes.clone(),
        package_type: renderer.option("product.package_type", &product.package_type),
        other: Unknown::default(),
    }
}
