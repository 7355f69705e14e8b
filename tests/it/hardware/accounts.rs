//! Tokens and accounts.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dropship_hardware::{
    Class, Client, Credential, Fate, IdentityEndpoint, ManagedIdentity, Purpose, SecretSource, TokenVersion,
};
use dropship_redact::Secret;
use dropship_sandbox::{Action, Credentials, Fault, Options};
use serde_json::json;

use super::rig::{Rig, TENANT, new_product, settings, until};

/// A certificate with its key, made for tests.
const IDENTITY: &str = include_str!("../../../crates/dropship-hardware/src/auth/tests/identity.pem");

#[tokio::test]
async fn every_credential_gets_a_token_in_both_forms() {
    let rig = Rig::plain().await;
    let base: url::Url = rig.sandbox.base_url().parse().expect("a URL");
    let federated = rig.folder.path().join("token");
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
        Credential::Secret(SecretSource::fixed(Secret::new("hush"))),
        Credential::Certificate(SecretSource::fixed(Secret::new(IDENTITY))),
        Credential::FederatedTokenFile(federated),
        machine(Purpose::Direct),
    ];
    for credential in credentials {
        for version in [TokenVersion::V1, TokenVersion::V2] {
            let change = |settings: &mut dropship_hardware::Settings| {
                settings.credential = credential.clone();
                settings.version = version;
            };
            let client = Client::new(settings(&rig.sandbox, TENANT, change)).expect("a client");
            client.probe().await.unwrap_or_else(|error| panic!("{credential:?} {version:?}: {error}"));
        }
    }
}

#[tokio::test]
async fn q32_a_probe_tells_why_the_account_does_not_work() {
    let options = Options {
        credentials: Credentials::One {
            tenant_id: TENANT.to_owned(),
            client_id: "app".to_owned(),
            client_secret: Secret::new("another"),
        },
        ..Options::default()
    };
    let rig = Rig::new(options, |_| ()).await;
    let error = rig.client.probe().await.expect_err("a wrong secret");
    assert_eq!((error.class, error.fate), (Class::Credentials, Fate::NeverSent));
    assert!(error.to_string().contains("AADSTS") && !error.to_string().contains("hush"), "{error}");
    let rig = Rig::new(Options::default(), |settings| settings.version = TokenVersion::V2).await;
    rig.client.probe().await.expect("all is well");
}

#[tokio::test]
async fn q28_tokens_end_and_are_renewed_without_a_word() {
    let rig =
        Rig::new(Options { token_lifetime: Duration::from_secs(3600), ..Options::default() }, |_| ()).await;
    let (product, id) = rig.submission().await;
    assert_eq!(rig.count("token"), 1);
    // Their clock runs ahead of ours: we still trust the token, they do not.
    rig.control().advance(Duration::from_secs(7200));
    rig.get(product, id).await;
    assert_eq!(rig.count("token"), 2);
    rig.control().advance(Duration::from_secs(7200));
    rig.client.create_product(&new_product("q")).await.expect("for creates, too");
    assert_eq!((rig.count("token"), rig.held("products")), (3, 2));
}

#[tokio::test]
async fn q28_a_short_token_is_renewed_ahead_of_its_end() {
    let rig =
        Rig::new(Options { token_lifetime: Duration::from_secs(2), ..Options::default() }, |_| ()).await;
    let began = Instant::now();
    until("two renewals", async || {
        rig.client.probe().await.expect("always a good token");
        rig.count("token") >= 3
    })
    .await;
    let refused = rig.control().requests().iter().filter(|entry| entry.status == Some(401)).count();
    assert_eq!(refused, 0, "renewed before the service had to refuse it");
    assert!(began.elapsed() > Duration::from_secs(1), "and not at every call");
}

#[tokio::test]
async fn q28_endless_401s_end() {
    let rig = Rig::plain().await;
    rig.control().fault(Fault::on("list_audiences", Action::status(401)).times(0)).expect("a fault");
    let error = rig.client.probe().await.expect_err("never");
    assert_eq!((error.class, error.fate), (Class::Credentials, Fate::Refused));
    assert_eq!((rig.count("list_audiences"), rig.count("token")), (2, 2));
}

#[tokio::test]
async fn several_accounts_live_side_by_side() {
    let rig = Rig::plain().await;
    let other = Client::new(settings(&rig.sandbox, "99999999-8888-7777-6666-555555555555", |_| ()))
        .expect("a client");
    rig.client.create_product(&new_product("ours")).await.expect("ours");
    other.create_product(&new_product("theirs")).await.expect("theirs");
    let names = |products: Vec<dropship_hardware::Product>| -> Vec<String> {
        products.into_iter().map(|product| product.product_name).collect()
    };
    assert_eq!(names(rig.client.products().all().await.expect("list")), ["ours"]);
    assert_eq!(names(other.products().all().await.expect("list")), ["theirs"]);
    assert_eq!(rig.control().add_products(TENANT, "more", 1).len(), 1);
}
