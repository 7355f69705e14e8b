//! Lists that are paged in other ways than documented, whose entries are odd, or that end in errors.

use dropship_hardware::{Client, INCOMPLETE_LIST};
use dropship_sandbox::{Fault, FaultAction, Options, Quirks};

use crate::harness::service::{TENANT, TestService};

async fn quirky(quirks: &str, page_size: usize) -> TestService {
    let quirks = Quirks::parse(quirks).expect("quirks");
    TestService::new(Options { quirks, page_size, ..Options::default() }, |_| ()).await
}

/// The number of products that can be read, and the reason why there may be more.
async fn products(client: &Client) -> (usize, Option<String>) {
    let listing = client.products().read().await.expect("the first page");
    (listing.items.len(), listing.incomplete.map(|incomplete| incomplete.to_string()))
}

#[tokio::test]
async fn list_with_unusable_next_link_is_incomplete() {
    for quirk in [
        "next-link-without-token",
        "next-link-empty-token",
        "next-link-other-parameter",
        "next-link-other-relation",
        "next-link-odata",
        "next-link-loop",
    ] {
        let service = quirky(quirk, 5).await;
        service.control().add_products(TENANT, "Product", 12);
        let (count, why) = products(&service.client).await;
        assert!(count < 12, "{quirk}: {count}");
        assert!(why.as_ref().is_some_and(|why| why.contains("ends early")), "{quirk}: {why:?}");
        let error = service.client.products().all().await.expect_err(quirk);
        assert!(error.has_code(INCOMPLETE_LIST), "{quirk}: {error}");
        assert!(service.count("list_products") < 10, "{quirk}");
        assert_eq!(
            products(&service.client).await.0,
            count,
            "{quirk}: a list without more pages is read again"
        );
    }
}

#[tokio::test]
async fn list_of_one_page_is_complete_with_any_next_link() {
    let service = quirky("next-link-without-token,next-link-odata,next-link-loop", 50).await;
    service.control().add_products(TENANT, "Product", 12);
    assert_eq!(products(&service.client).await, (12, None));
}

#[tokio::test]
async fn entry_with_fields_of_other_types_is_read() {
    let all = "numbers-as-text,text-as-numbers,booleans-as-text,null-lists,missing-lists,objects-for-lists,\
               lists-for-maps,negative-publisher-id,string-ids,enum-case,unknown-fields";
    for quirks in all.split(',').chain([all]) {
        let service = quirky(quirks, 5).await;
        let ids = service.control().add_products(TENANT, "Product", 12);
        let (product, id, label) = service.labelled().await;
        assert_eq!(products(&service.client).await, (13, None), "{quirks}");
        let listed = service.client.products().all().await.expect(quirks);
        assert!(ids.iter().all(|id| listed.iter().any(|product| product.id.0 == *id)), "{quirks}");
        let committed: Vec<_> = listed.iter().filter(|product| product.is_committed == Some(true)).collect();
        assert_eq!(committed.len(), 1, "{quirks}: what decides about adoption is read in every form");
        let submissions = service.client.submissions(product).all().await.expect(quirks);
        assert_eq!((submissions.len(), submissions[0].id), (1, id), "{quirks}");
        let labels = service.client.labels(product, id).all().await.expect(quirks);
        assert_eq!((labels.len(), labels[0].id), (1, label.id), "{quirks}");
        let whole = service.client.label(product, id, label.id, true).await.expect(quirks);
        assert_eq!(whole.targeting.expect("targeting").hardware_ids.len(), 1, "{quirks}");
    }
}

#[tokio::test]
async fn list_that_fails_on_a_later_page_is_read_to_there() {
    let service = quirky("none", 5).await;
    service.control().add_products(TENANT, "Product", 12);
    let failing = Fault::on("list_products", FaultAction::status(500)).nth(2).times(0);
    service.control().fault(failing).expect("a fault");
    let listing = service.client.products().read().await.expect("the first page");
    let incomplete = listing.incomplete.expect("it fails");
    assert_eq!(listing.items.len(), 5);
    assert_eq!(incomplete.cause().expect("an error").status, Some(500));
    assert!(service.count("list_products") < 10, "the attempts are bounded");
    service.client.products().read().await.expect_err("now the first page fails, too");
}
