//! Shipping labels: when they may be made, changed and withdrawn.

use std::time::Duration;

use dropship_hardware::{
    Action as Change, Chid, ChidChange, Class, Fate, HardwareIdChange, LabelUpdate, Step,
};
use dropship_sandbox::{Options, Wait};

use super::rig::{CODE, Rig, new_product};

#[tokio::test]
async fn q20_a_wrong_os_code_is_told_by_its_target() {
    for quirks in ["none", "functional-status", "pascal-case-status"] {
        let rig = Rig::quirky(quirks).await;
        let mut new = new_product("p");
        new.requested_signatures = vec![CODE.to_owned(), "WINDOWS_v100_X86_TH2_FULL".to_owned()];
        let error = rig.client.create_product(&new).await.expect_err("x86 has no tag");
        assert_eq!((error.class, error.fate), (Class::Permanent, Fate::Refused), "{quirks}: {error}");
        assert!(error.has_code("invalidInput"));
        let (target, message) = &error.validation[0];
        assert_eq!(target, "requestedSignatures");
        assert!(message.contains("WINDOWS_v100_X86_TH2_FULL"), "{message}");
    }
}

#[tokio::test]
async fn q21_a_label_that_comes_too_early_is_tried_later() {
    for quirks in ["none", "functional-status"] {
        let rig = Rig::quirky(quirks).await;
        let (product, id) = rig.uploaded().await;
        rig.client.commit(product, id).await.expect("committed");
        let label =
            serde_json::from_value(serde_json::json!({"name": "early", "destination": "windowsUpdate"}));
        let error =
            rig.client.create_label(product, id, &label.expect("label")).await.expect_err("too early");
        assert_eq!((error.class, error.fate), (Class::NotReady, Fate::Refused), "{quirks}: {error}");
        assert_eq!(rig.held("labels"), 0);
    }
}

#[tokio::test]
async fn q23_a_label_is_changed_once_it_is_free() {
    let rig = Rig::plain().await;
    let (product, id, label) = rig.labelled().await;
    let mut update = LabelUpdate::default();
    update.targeting.chids =
        vec![ChidChange { action: Change::Add, chid: "12345678-1234-1234-1234-123456789012".into() }];
    let error = rig.client.update_label(product, id, label.id, &update).await.expect_err("locked");
    assert_eq!((error.class, error.fate), (Class::NotReady, Fate::Refused), "{error}");
    rig.control().advance_work(Duration::from_secs(3601));
    assert!(rig.client.label(product, id, label.id, true).await.expect("label").is_done());
    rig.client.update_label(product, id, label.id, &update).await.expect("free");
    let held =
        rig.client.label(product, id, label.id, true).await.expect("label").targeting.expect("targeting");
    let chid = |chid: &Chid| chid.chid.to_ascii_lowercase().contains("12345678-1234");
    assert!(held.chids.iter().any(chid), "{held:?}");
    assert!(!held.restricted_to_audiences.is_empty(), "audiences that are not named stay");

    rig.control().advance_work(Duration::from_secs(3601));
    let target = &held.hardware_ids[0];
    let mut update = LabelUpdate::default();
    update.targeting.hardware_ids = vec![HardwareIdChange {
        action: Change::Add,
        bundle_id: target.bundle_id.clone(),
        inf_id: target.inf_id.clone(),
        operating_system_code: target.operating_system_code.clone(),
        pnp_string: "pci\\ven_8086&dev_0002".into(),
    }];
    rig.client.update_label(product, id, label.id, &update).await.expect("free again");
    let held =
        rig.client.label(product, id, label.id, true).await.expect("label").targeting.expect("targeting");
    assert_eq!(held.hardware_ids.len(), 2);
    let body = rig
        .control()
        .requests()
        .into_iter()
        .rfind(|entry| entry.operation == "update_label")
        .expect("it")
        .body;
    assert!(body.get("targeting").is_some() && body.get("targetingInfo").is_none(), "{body}");
}

#[tokio::test]
async fn q23_an_update_of_nothing_is_not_sent() {
    let rig = Rig::plain().await;
    let (product, id, label) = rig.labelled().await;
    let error =
        rig.client.update_label(product, id, label.id, &LabelUpdate::default()).await.expect_err("nothing");
    assert_eq!((error.class, error.fate), (Class::Permanent, Fate::NeverSent));
    assert_eq!(rig.count("update_label"), 0);
}

#[tokio::test]
async fn q24_a_cancelled_label_shows_as_failed_and_is_cancelled_once() {
    let rig = Rig::new(Options { approval: Wait::UntilReleased, ..Options::default() }, |_| ()).await;
    let (product, id, label) = rig.labelled().await;
    rig.control().advance_work(Duration::from_secs(3601));
    let step = rig.client.label(product, id, label.id, false).await.expect("label").workflow_status;
    assert_eq!(step.and_then(|status| status.current_step), Some(Step::MicrosoftApproval));
    rig.client.cancel_label(product, id, label.id).await.expect("204");
    let error = rig.client.cancel_label(product, id, label.id).await.expect_err("once is enough");
    assert_eq!((error.class, error.fate), (Class::Permanent, Fate::Refused), "{error}");
    rig.control().advance_work(Duration::from_secs(27 * 3600));
    let gone = rig.client.label(product, id, label.id, false).await.expect("label");
    assert!(gone.is_failed() && !gone.is_done());
}

#[tokio::test]
async fn q16_a_label_whose_steps_are_numbers_is_known_by_its_targets() {
    let rig = Rig::quirky("numeric-current-step,string-ids,unknown-fields").await;
    let (product, id, label) = rig.labelled().await;
    assert!(!label.is_done());
    rig.control().advance_work(Duration::from_secs(3601));
    assert!(rig.client.label(product, id, label.id, true).await.expect("label").is_done());
}
