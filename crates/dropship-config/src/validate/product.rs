//! `[rule.product]` and `[rule.submission]`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::rule_diagnostics::RuleDiagnostics;
use crate::raw::rule as raw;
use crate::raw::values::At;
use dropship_hardware::{AdditionalAttributes, DeviceType, SubmissionKind, TestHarness};
use dropship_rules::rule::{ProductRule, Signatures, Strategy, SubmissionRule};
use dropship_rules::{suggest, vocabulary};

/// `requested_signatures` that come from an `.hlkx`.
const FROM_PACKAGE: &str = "from_package";

/// The rule's product with what `[defaults.product]` says of the keys it leaves out.
pub(super) fn merged(own: Option<&raw::Product>, defaults: Option<&raw::Product>) -> raw::Product {
    let own = own.cloned().unwrap_or_default();
    let defaults = defaults.cloned().unwrap_or_default();
    raw::Product {
        strategy: own.strategy.or(defaults.strategy),
        id: own.id.or(defaults.id),
        name: own.name.or(defaults.name),
        test_harness: own.test_harness.or(defaults.test_harness),
        announcement_date: own.announcement_date.or(defaults.announcement_date),
        device_metadata_ids: own.device_metadata_ids.or(defaults.device_metadata_ids),
        firmware_version: own.firmware_version.or(defaults.firmware_version),
        device_type: own.device_type.or(defaults.device_type),
        is_test_sign: own.is_test_sign.or(defaults.is_test_sign),
        is_flight_sign: own.is_flight_sign.or(defaults.is_flight_sign),
        marketing_names: own.marketing_names.or(defaults.marketing_names),
        selected_product_types: own.selected_product_types.or(defaults.selected_product_types),
        requested_signatures: own.requested_signatures.or(defaults.requested_signatures),
        additional_attributes: own.additional_attributes.or(defaults.additional_attributes),
        package_type: own.package_type.or(defaults.package_type),
    }
}

pub(super) fn product(
    ctx: &mut RuleDiagnostics<'_, '_>,
    raw: &raw::Product,
    at: &Range<usize>,
) -> Option<ProductRule> {
    let strategy = strategy(ctx, raw, at);
    let exists = matches!(strategy, Strategy::ExistingId(_) | Strategy::ExistingName);
    let name = ctx.option(&raw.name);
    if name.is_none() && !matches!(strategy, Strategy::ExistingId(_)) {
        ctx.diagnostics.missing(at, "name");
    }
    // These keys describe a new product; a product that exists already does not change.
    if !exists {
        for (key, is_set) in [
            ("test_harness", raw.test_harness.is_some()),
            ("device_type", raw.device_type.is_some()),
            ("requested_signatures", raw.requested_signatures.is_some()),
        ] {
            if !is_set {
                ctx.diagnostics.missing(at, key);
            }
        }
    }
    let test_harness = test_harness(ctx, raw);
    let device_type = device_type(ctx, raw);
    let requested_signatures = signatures(ctx, raw, &test_harness);
    let product_types = raw.selected_product_types.as_ref();
    let mut selected_product_types = BTreeMap::new();
    for (family, kind) in product_types.iter().flat_map(|types| &types.value) {
        warn_unknown_word(ctx, &kind.span, "an OS family", family, vocabulary::OS_FAMILIES);
        let template = ctx.template(kind);
        if let Some(word) = template.literal() {
            warn_unknown_word(ctx, &kind.span, "a product type", word, vocabulary::PRODUCT_TYPES);
        }
        selected_product_types.insert(family.clone(), template);
    }
    Some(ProductRule {
        strategy,
        name,
        test_harness,
        announcement_date: raw.announcement_date.as_ref().map(|date| date.value.0),
        device_metadata_ids: ctx.list(&raw.device_metadata_ids),
        firmware_version: ctx.option(&raw.firmware_version),
        device_type,
        is_test_sign: raw.is_test_sign.as_ref().is_some_and(|flag| flag.value),
        is_flight_sign: raw.is_flight_sign.as_ref().is_some_and(|flag| flag.value),
        marketing_names: ctx.list(&raw.marketing_names),
        selected_product_types,
        requested_signatures,
        additional_attributes: attributes(ctx, raw),
        package_type: ctx.option(&raw.package_type),
    })
}

fn test_harness(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Product) -> TestHarness {
    let test_harness = match &raw.test_harness {
        Some(word) => TestHarness::from(word.as_str()),
        None => TestHarness::NotSet,
    };
    if let (TestHarness::Other(word), Some(at)) = (&test_harness, &raw.test_harness) {
        refuse_unknown_word(ctx, &at.span, "a test harness", word, &["attestation", "hlk", "hck"]);
    }
    test_harness
}

fn device_type(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Product) -> DeviceType {
    let device_type = match &raw.device_type {
        Some(word) => DeviceType::from(word.replace('_', "").as_str()),
        None => DeviceType::NotSet,
    };
    if let (DeviceType::Other(_), Some(at)) = (&device_type, &raw.device_type) {
        refuse_unknown_word(
            ctx,
            &at.span,
            "a device type",
            at,
            &["internal", "external", "internalExternal", "notSet"],
        );
    }
    device_type
}

fn strategy(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Product, at: &Range<usize>) -> Strategy {
    match (raw.strategy.as_ref().map(|strategy| strategy.value), &raw.id) {
        (Some(raw::Strategy::Existing), Some(id)) => Strategy::ExistingId(id.0),
        (Some(raw::Strategy::Existing), None) => {
            if raw.name.is_none() {
                ctx.diagnostics.error(at, "an existing product needs its `id` or its `name`");
            }
            Strategy::ExistingName
        }
        (strategy, id) => {
            if let Some(id) = id {
                let help = "add `strategy = \"existing\"`, or remove the id";
                ctx.diagnostics.error_with_help(&id.span, "a new product has no `id` yet", help);
            }
            if strategy != Some(raw::Strategy::PerVersion) {
                return Strategy::New;
            }
            let versioned = |name: &raw::Templated| {
                let variables = name.value.0.variables();
                // A file's name may carry the version: nothing else of an .hlkx does.
                let variable_names = ["inf.version", "infs", "file.stem", "file.name"];
                variables
                    .iter()
                    .any(|name| variable_names.iter().any(|versioned| name.starts_with(versioned)))
            };
            if let Some(name) = raw.name.as_ref().filter(|name| !versioned(name)) {
                let help = "let the name show `{{ inf.version }}`, or `{{ file.stem }}` if that carries it";
                ctx.diagnostics.error_with_help(
                    &name.span,
                    "`per_version` makes one product for each version, but the product's name has no version",
                    help,
                );
            }
            Strategy::PerVersion
        }
    }
}

fn signatures(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Product, harness: &TestHarness) -> Signatures {
    let Some(list) = &raw.requested_signatures else {
        return Signatures::Listed(Vec::new());
    };
    if let [only] = list.0.as_slice()
        && only.value.0.source() == FROM_PACKAGE
    {
        if *harness == TestHarness::Attestation {
            let help = "list the OS codes to sign for";
            ctx.diagnostics.error_with_help(&only.span, "a .cab for attestation states no OS codes", help);
        }
        return Signatures::FromPackage;
    }
    if list.0.is_empty() {
        ctx.diagnostics.error(&list.span, "`requested_signatures` is empty: nothing would be signed");
    }
    let mut templates = Vec::new();
    for code in &list.0 {
        let template = ctx.template(code);
        if let Some(word) = template.literal() {
            os_code(ctx, &code.span, word, harness);
        }
        if templates.contains(&template) {
            ctx.diagnostics.warn(&code.span, format!("`{}` is listed twice", template.source()), None);
        }
        templates.push(template);
    }
    Signatures::Listed(templates)
}

fn os_code(ctx: &mut RuleDiagnostics<'_, '_>, at: &Range<usize>, code: &str, harness: &TestHarness) {
    let upper = code.to_ascii_uppercase();
    if let Some(rest) = upper.strip_prefix("WINDOWS_V100_X86_") {
        let help = format!("x86 has no architecture in its code: `WINDOWS_v100_{rest}`");
        ctx.diagnostics.error_with_help(at, format!("the service refuses `{code}`"), help);
        return;
    }
    if *harness == TestHarness::Attestation && vocabulary::is_server(code) {
        // Such a submission is accepted, committed, and then fails for good.
        let help = "attestation signs for client systems; servers need HLK results";
        ctx.diagnostics.error_with_help(
            at,
            format!("attestation for the server system `{code}` always fails"),
            help,
        );
        return;
    }
    warn_unknown_word(ctx, at, "an OS code", code, vocabulary::OS_CODES);
}

/// A word of an open list: unknown words cause a warning and are sent.
pub(super) fn warn_unknown_word(
    ctx: &mut RuleDiagnostics<'_, '_>,
    at: &Range<usize>,
    kind: &str,
    word: &str,
    known: &[&str],
) {
    if known.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return;
    }
    let help = match suggest::nearest(word, known.iter().copied()) {
        Some(best) => format!("did you mean `{best}`? It is sent as it is"),
        None => "it is sent as it is; the service may know it".to_owned(),
    };
    let message = format!("`{word}` is not {kind} that Microsoft's documentation lists");
    ctx.diagnostics.warn(at, message, Some(help));
}

/// A word of a list that has been the same for years.
fn refuse_unknown_word(
    ctx: &mut RuleDiagnostics<'_, '_>,
    at: &Range<usize>,
    kind: &str,
    word: &str,
    known: &[&str],
) {
    let message = format!("`{word}` is not {kind}");
    match suggest::help(word, known) {
        Some(help) => ctx.diagnostics.error_with_help(at, message, help),
        None => ctx.diagnostics.error(at, message),
    }
}

/// At most one of three objects, whose fields are the API's own in `snake_case`.
fn attributes(ctx: &mut RuleDiagnostics<'_, '_>, raw: &raw::Product) -> Option<AdditionalAttributes> {
    let given = raw.additional_attributes.as_ref()?;
    if given.len() > 1 {
        ctx.diagnostics.error(&given.span, "`additional_attributes` has at most one table");
    }
    let mut json = serde_json::Map::new();
    for (name, fields) in &given.value {
        if !["storage_controller", "raid_controller", "svvp"].contains(&name.as_str()) {
            let known = ["storage_controller", "raid_controller", "svvp"];
            refuse_unknown_word(ctx, &fields.span, "an additional attribute", name, &known);
            continue;
        }
        let fields = fields.value.iter().map(|(key, value)| {
            let value = match value {
                raw::Plain::Flag(flag) => (*flag).into(),
                raw::Plain::Number(number) => (*number).into(),
                raw::Plain::Text(text) => text.as_str().into(),
            };
            (camel(key), value)
        });
        json.insert(camel(name), serde_json::Value::Object(fields.collect()));
    }
    match serde_json::from_value::<AdditionalAttributes>(json.into()) {
        Ok(attributes) => {
            unknown_attributes(ctx, &given.span, &attributes);
            Some(attributes)
        }
        Err(error) => {
            ctx.diagnostics.error(&given.span, format!("`additional_attributes` cannot be sent: {error}"));
            None
        }
    }
}

fn unknown_attributes(
    ctx: &mut RuleDiagnostics<'_, '_>,
    at: &Range<usize>,
    attributes: &AdditionalAttributes,
) {
    let unknown = [
        attributes.storage_controller.as_ref().map(|fields| &fields.other),
        attributes.raid_controller.as_ref().map(|fields| &fields.other),
        attributes.svvp.as_ref().map(|fields| &fields.other),
    ];
    for name in unknown.into_iter().flatten().flat_map(|other| other.keys()) {
        let message = format!("`{}` is not an attribute that Microsoft's documentation lists", snake(name));
        ctx.diagnostics.warn(at, message, None);
    }
}

/// `max_memory` as `maxMemory`; a few names of the API break the pattern.
fn camel(name: &str) -> String {
    match name {
        "supports_sector_4k_512e" => return "supportsSector4K512E".to_owned(),
        "supports_sector_4k_4k" => return "supportsSector4K4K".to_owned(),
        "is_ses" => return "isSES".to_owned(),
        "is_safte" => return "isSAFTE".to_owned(),
        _ => {}
    }
    let mut parts = name.split('_');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// `maxMemory` as `max_memory`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut upper_before = true;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !upper_before {
            out.push('_');
        }
        upper_before = letter.is_ascii_uppercase();
        out.push(letter.to_ascii_lowercase());
    }
    out
}

pub(super) fn submission(
    ctx: &mut RuleDiagnostics<'_, '_>,
    raw: Option<&At<raw::Submission>>,
    product: Option<&ProductRule>,
    at: &Range<usize>,
) -> Option<SubmissionRule> {
    let product = product?;
    let exists = matches!(product.strategy, Strategy::ExistingId(_) | Strategy::ExistingName);
    let kind = raw.and_then(|raw| raw.kind.as_ref());
    let derived = kind.map_or(exists, |kind| kind.value == raw::SubmissionType::Derived);
    if let Some(kind) = kind
        && derived
    {
        if !exists {
            let help = "a driver update needs a product: `strategy = \"existing\"` in [rule.product]";
            ctx.diagnostics.error_with_help(&kind.span, "a new product has nothing to derive from", help);
        }
        if product.test_harness == TestHarness::Attestation {
            ctx.diagnostics.error(&kind.span, "there are no derived submissions for attestation");
        }
    }
    let name = raw.and_then(|raw| ctx.option(&raw.name));
    if name.is_none() && product.name.is_none() && matches!(product.strategy, Strategy::ExistingId(_)) {
        let help = "add `[rule.submission]` with a `name`";
        let at = raw.map_or(at, |raw| &raw.span);
        ctx.diagnostics.error_with_help(at, "neither submission nor product has a `name`", help);
    }
    Some(SubmissionRule {
        name,
        kind: match derived {
            true => SubmissionKind::Derived,
            false => SubmissionKind::Initial,
        },
    })
}
