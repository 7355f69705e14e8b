//! Tokens, credentials and accounts.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dropship_hardware::{
    Client, Credential, Execution, IdentityEndpoint, ManagedIdentity, Purpose, Recovery, SecretSource,
    TokenVersion,
};
use dropship_redact::SecretString;
use dropship_sandbox::{Credentials, Fault, FaultAction, Options};
use serde_json::json;

use crate::harness::service::{TENANT, TestService, advance_client, new_product, settings};

/// A certificate with its key, made for tests.
const IDENTITY: &str = include_str!("../../../crates/dropship-hardware/src/auth/tests/identity.pem");

#[tokio::test]
async fn every_credential_kind_gets_a_token_from_both_endpoints() {
    let service = TestService::plain().await;
    let base: url::Url = service.sandbox.base_url().parse().expect("a URL");
    let federated = service.folder.path().join("token");
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let ends = jiff::Timestamp::now().as_second() + 600;
    let token =
        [part(json!({"alg": "RS256", "kid": "k"})), part(json!({"exp": ends})), part(json!("signature"))];
    std::fs::write(&federated, token.join(".")).expect("write");
    let machine = |purpose| {
        let endpoint = IdentityEndpoint::Metadata(base.clone());
        Credential::ManagedIdentity(ManagedIdentity { identity: None, purpose, endpoint })
    };
    let credentials = [
        Credential::Secret(SecretSource::fixed(SecretString::from("hush"))),
        Credential::Certificate(SecretSource::fixed(SecretString::from(IDENTITY))),
        Credential::FederatedTokenFile(federated),
        machine(Purpose::Direct),
    ];
    for credential in credentials {
        for version in [TokenVersion::V1, TokenVersion::V2] {
            let change = |settings: &mut dropship_hardware::Settings| {
                settings.credential = credential.clone();
                settings.version = version;
            };
            let client = Client::new(settings(&service.sandbox, TENANT, change)).expect("a client");
            client.probe().await.unwrap_or_else(|error| panic!("{credential:?} {version:?}: {error}"));
        }
    }
}

#[tokio::test]
async fn q32_probe_of_a_refused_account_reports_the_reason() {
    let options = Options {
        credentials: Credentials::One {
            tenant_id: TENANT.to_owned(),
            client_id: "app".to_owned(),
            client_secret: SecretString::from("another"),
        },
        ..Options::default()
    };
    let service = TestService::new(options, |_| ()).await;
    let error = service.client.probe().await.expect_err("a wrong secret");
    assert_eq!((error.recovery, error.execution), (Recovery::Credentials, Execution::NotSent));
    assert!(error.to_string().contains("AADSTS") && !error.to_string().contains("hush"), "{error}");
    let service = TestService::new(Options::default(), |settings| settings.version = TokenVersion::V2).await;
    service.client.probe().await.expect("all is well");
}

#[tokio::test]
async fn q28_expired_token_is_renewed() {
    let service =
        TestService::new(Options { token_lifetime: Duration::from_secs(3600), ..Options::default() }, |_| ())
            .await;
    let (product, id) = service.submission().await;
    assert_eq!(service.count("token"), 1);
    // The service's clock is ahead: the client still considers the token valid, the service does not.
    service.control().advance(Duration::from_secs(7200));
    service.get(product, id).await;
    assert_eq!(service.count("token"), 2);
    service.control().advance(Duration::from_secs(7200));
    service.client.create_product(&new_product("q")).await.expect("for creates, too");
    assert_eq!((service.count("token"), service.count_of("products")), (3, 2));
}

#[tokio::test]
async fn q28_short_lived_token_is_renewed_before_it_expires() {
    let service =
        TestService::new(Options { token_lifetime: Duration::from_secs(1000), ..Options::default() }, |_| ())
            .await;
    service.client.probe().await.expect("a new token");
    for tokens in 1..=2 {
        // The renewal is due after 800 seconds. The clocks of the service and of the client advance in two steps.
        for (step, expected) in [(500, tokens), (400, tokens + 1)] {
            service.control().advance(Duration::from_secs(step));
            advance_client(Duration::from_secs(step)).await;
            service.client.probe().await.expect("always a good token");
            assert_eq!(service.count("token"), expected, "not at every call, but before it expires");
        }
    }
    let refused = service.control().requests().iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!(refused, 0, "renewed before the service had to refuse it");
}

#[tokio::test]
async fn q28_repeated_401_ends_with_an_error() {
    let service = TestService::plain().await;
    service.control().fault(Fault::on("list_audiences", FaultAction::status(401)).times(0)).expect("a fault");
    let error = service.client.probe().await.expect_err("never");
    assert_eq!((error.recovery, error.execution), (Recovery::Credentials, Execution::Rejected));
    assert_eq!((service.count("list_audiences"), service.count("token")), (2, 2));
}

#[tokio::test]
async fn several_accounts_do_not_affect_each_other() {
    let service = TestService::plain().await;
    let other = Client::new(settings(&service.sandbox, "99999999-8888-7777-6666-555555555555", |_| ()))
        .expect("a client");
    service.client.create_product(&new_product("ours")).await.expect("ours");
    other.create_product(&new_product("theirs")).await.expect("theirs");
    let names = |products: Vec<dropship_hardware::Product>| -> Vec<String> {
        products.into_iter().map(|product| product.product_name).collect()
    };
    assert_eq!(names(service.client.products().all().await.expect("list")), ["ours"]);
    assert_eq!(names(other.products().all().await.expect("list")), ["theirs"]);
    assert_eq!(service.control().add_products(TENANT, "more", 1).len(), 1);
}
