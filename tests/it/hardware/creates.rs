//! What must not happen twice.

use std::time::Duration;

use dropship_hardware::{Class, CommitStatus, Fate, SubmissionKind};
use dropship_sandbox::{Action, FaultBody, Options, Quirk, Quirks};

use super::rig::{Rig, initial, new_product, until};

#[tokio::test]
async fn q01_a_create_whose_answer_is_lost_is_not_repeated() {
    for action in [Action::DropAfter, Action::Truncate, Action::Garbage] {
        let rig = Rig::plain().await;
        rig.fault("create_product", action.clone());
        let error = rig.client.create_product(&new_product("token-1")).await.expect_err("no answer");
        assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Uncertain), "{action:?}: {error}");
        assert_eq!((rig.count("create_product"), rig.held("products")), (1, 1), "{action:?}");
        let found = rig.client.products().all().await.expect("products");
        assert!(found.iter().any(|product| product.product_name == "token-1"), "it can be found again");
    }
}

#[tokio::test]
async fn q01_a_create_that_never_arrived_is_not_repeated_either() {
    let faults = [
        Action::DropBefore,
        Action::status(500),
        Action::status_with(502, FaultBody::Html),
        Action::status_with(503, FaultBody::Empty),
        Action::status_with(504, FaultBody::Text),
    ];
    for action in faults {
        let rig = Rig::plain().await;
        rig.fault("create_product", action.clone());
        let error = rig.client.create_product(&new_product("p")).await.expect_err("refused");
        assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Uncertain), "{action:?}: {error}");
        assert_eq!((rig.count("create_product"), rig.held("products")), (1, 0), "{action:?}");
    }
}

#[tokio::test]
async fn q01_a_create_may_be_carried_out_after_we_gave_up() {
    let options = Options::default();
    let rig = Rig::new(options, |settings| settings.call_timeout = Duration::from_millis(300)).await;
    rig.fault("create_product", Action::Late { ms: 700, cut: false });
    let error = rig.client.create_product(&new_product("p")).await.expect_err("late");
    assert_eq!(error.fate, Fate::Uncertain);
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    until("the service to carry it out in the end", async || rig.held("products") > 0).await;
    assert_eq!(rig.count("create_product"), 1);
}

#[tokio::test]
async fn q02_a_throttled_second_step_leaves_the_product_usable() {
    let rig = Rig::plain().await;
    let product = rig.client.create_product(&new_product("p")).await.expect("product").id;
    rig.fault("create_submission", Action::retry_after(429, "1"));
    let error = rig.client.create_submission(product, &initial("s")).await.expect_err("throttled");
    assert_eq!((error.class, error.fate), (Class::Retry, Fate::Refused));
    assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
    rig.client.create_submission(product, &initial("s")).await.expect("with the saved product id");
    assert_eq!((rig.held("products"), rig.held("submissions")), (1, 1));
}

#[tokio::test]
async fn q03_a_second_initial_submission_is_found_instead() {
    let rig = Rig::plain().await;
    let (product, id) = rig.submission().await;
    let error = rig.client.create_submission(product, &initial("s")).await.expect_err("one only");
    assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Refused), "{error}");
    let all = rig.client.submissions(product).all().await.expect("submissions");
    let found = all.iter().find(|held| held.kind == Some(SubmissionKind::Initial)).expect("the first");
    assert_eq!((found.id, found.name.as_str()), (id, "s"));
}

#[tokio::test]
async fn q04_a_commit_whose_answer_is_lost_shows_in_the_submission() {
    let rig = Rig::plain().await;
    let (product, id) = rig.uploaded().await;
    assert!(!rig.get(product, id).await.is_committed());
    rig.fault("commit", Action::DropAfter);
    let error = rig.client.commit(product, id).await.expect_err("no answer");
    assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Uncertain));
    assert!(rig.get(product, id).await.is_committed());
    let error = rig.client.commit(product, id).await.expect_err("a second commit");
    assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Refused), "{error}");
    assert!(error.message.contains("Only pending submissions"), "{error}");
}

#[tokio::test]
async fn q05_a_commit_that_was_not_taken_can_be_made_again() {
    let rig = Rig::plain().await;
    let (product, id) = rig.uploaded().await;
    rig.fault("commit", Action::status(503));
    let error = rig.client.commit(product, id).await.expect_err("unavailable");
    assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Uncertain));
    assert_eq!(rig.get(product, id).await.commit_status, Some(CommitStatus::Pending));
    rig.client.commit(product, id).await.expect("now");
    assert_eq!(rig.count("commit"), 2);
}

#[tokio::test]
async fn q06_a_commit_has_the_headers_that_the_service_insists_on() {
    let quirks = Quirks::none().with(Quirk::StrictCommitType);
    let rig = Rig::new(Options { quirks, ..Options::default() }, |_| ()).await;
    let (product, id) = rig.uploaded().await;
    rig.client.commit(product, id).await.expect("neither 411 nor 415");
    let requests = rig.control().requests();
    let commit = requests.iter().find(|entry| entry.operation == "commit").expect("the commit");
    assert_eq!(commit.headers["content-length"], "0");
    assert_eq!(commit.headers["content-type"], "application/json");
}

#[tokio::test]
async fn q15_a_create_that_is_answered_with_nothing_is_uncertain() {
    let rig = Rig::quirky("empty-2xx-body").await;
    let results = [
        rig.client.create_product(&new_product("a")).await,
        rig.client.create_product(&new_product("b")).await,
    ];
    let error = results.into_iter().find_map(Result::err).expect("every second one says nothing");
    assert_eq!((error.class, error.fate, error.status), (Class::Reconcile, Fate::Uncertain, Some(201)));
    assert_eq!(rig.held("products"), 2, "and yet both are there");
}

#[tokio::test]
async fn q22_a_label_whose_create_is_lost_is_found_by_its_name() {
    let rig = Rig::plain().await;
    let (product, id) = rig.signed().await;
    let new = rig.new_label(product, id, "ring 7").await;
    rig.fault("create_label", Action::DropAfter);
    let error = rig.client.create_label(product, id, &new).await.expect_err("no answer");
    assert_eq!((error.class, error.fate), (Class::Reconcile, Fate::Uncertain));
    let labels = rig.client.labels(product, id).all().await.expect("labels");
    assert_eq!(labels.iter().filter(|label| label.name == "ring 7").count(), 1);
    let whole = rig.client.label(product, id, labels[0].id, true).await.expect("the label");
    let (asked, held) = (new.targeting.expect("targeting"), whole.targeting.expect("targeting"));
    assert_eq!(held.restricted_to_audiences, asked.restricted_to_audiences);
    assert_eq!(held.hardware_ids[0].pnp_string, asked.hardware_ids[0].pnp_string);
}
