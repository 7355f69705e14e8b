use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::*;
use crate::testing::{ReceivedRequest, Reply, TestServer};
use crate::{Client, Execution, IdentityEndpoint, ManagedIdentity, Purpose, SecretSource};

const IDENTITY: &str = include_str!("tests/identity.pem");

fn form(request: &ReceivedRequest) -> HashMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

fn audiences(_: &ReceivedRequest) -> Reply {
    Reply::json(200, &json!({"value": []}))
}

/// The requests for tokens that a probe with these settings makes.
async fn token_requests(server: &TestServer, change: impl FnOnce(&mut Settings)) -> Vec<ReceivedRequest> {
    let mut settings = server.settings();
    change(&mut settings);
    Client::new(settings).expect("client").probe().await.expect("probe");
    server.all_requests().into_iter().filter(|request| request.target.contains("oauth2")).collect()
}

#[tokio::test]
async fn v1_token_form_is_as_documented() {
    let server = TestServer::start(audiences).await;
    let requests = token_requests(&server, |_| ()).await;
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "client"),
        ("client_secret", "s3cret"),
        ("resource", "https://manage.devcenter.microsoft.com"),
    ];
    assert_eq!(form(request), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer t0ken"));
}

#[tokio::test]
async fn v2_token_form_has_a_scope() {
    let server = TestServer::without_tokens(|request| match request.target.as_str() {
        "/tenant/oauth2/v2.0/token" => Reply::json(200, &json!({"access_token": "x", "expires_in": 3599})),
        _ => audiences(request),
    })
    .await;
    let requests = token_requests(&server, |settings| settings.version = TokenVersion::V2).await;
    assert_eq!(form(&requests[0])["scope"], "https://manage.devcenter.microsoft.com/.default");
    assert!(!form(&requests[0]).contains_key("resource"));
}

#[tokio::test]
async fn token_request_is_shared_by_a_hundred_workers() {
    let server = TestServer::without_tokens(|request| {
        if request.target.contains("oauth2") {
            return Reply::Late(Duration::from_millis(50), Box::new(Reply::token("x")));
        }
        audiences(request)
    })
    .await;
    let client = server.client();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.probe().await }
            })
        })
        .collect();
    for call in calls {
        call.await.expect("task").expect("probe");
    }
    assert_eq!(server.tokens(), 1);
}

#[tokio::test]
async fn refused_token_request_is_shared_by_waiting_callers_and_not_repeated() {
    let server = TestServer::without_tokens(|_| {
        let body = json!({"error": "invalid_client", "error_description": "AADSTS7000222: The provided client secret keys are expired."});
        Reply::Late(Duration::from_millis(50), Box::new(Reply::json(401, &body)))
    })
    .await;
    let client = server.client();
    let calls: Vec<_> = (0..20)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.probe().await }
            })
        })
        .collect();
    for call in calls {
        let error = call.await.expect("task").expect_err("no token");
        assert_eq!((error.recovery, error.execution), (Recovery::Credentials, Execution::NotSent));
        assert!(
            error.to_string().contains("AADSTS7000222") && error.to_string().contains("check tenant"),
            "{error}"
        );
    }
    assert!(server.tokens() <= 2, "{} requests", server.tokens());
}

#[tokio::test]
async fn failed_token_request_is_repeated() {
    let count = AtomicUsize::new(0);
    let server = TestServer::without_tokens(move |request| {
        if !request.target.contains("oauth2") {
            return audiences(request);
        }
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::empty(503),
            1 => Reply::Drop,
            2 => Reply::Answer(200, vec![], b"<html>".to_vec()),
            _ => Reply::token("x"),
        }
    })
    .await;
    server.client().probe().await.expect("at last");
    assert_eq!(server.tokens(), 4);
}

#[tokio::test]
async fn secret_file_is_read_again_for_each_token() {
    let server = TestServer::without_tokens(|request| {
        if request.target.contains("oauth2") {
            return Reply::json(200, &json!({"access_token": "x", "expires_in": "0"}));
        }
        audiences(request)
    })
    .await;
    let mut file = tempfile::NamedTempFile::new().expect("file");
    file.write_all(b"first\r\n").expect("write");
    let mut settings = server.settings();
    settings.credential = Credential::Secret(SecretSource::File(file.path().to_owned()));
    let client = Client::new(settings).expect("client");
    client.probe().await.expect("probe");
    std::fs::write(file.path(), "second").expect("write");
    client.probe().await.expect("probe");
    std::fs::write(file.path(), "\n").expect("write");
    let error = client.probe().await.expect_err("empty");
    assert_eq!(error.recovery, Recovery::Credentials);
    let secrets: Vec<_> =
        server.all_requests().iter().filter_map(|request| form(request).remove("client_secret")).collect();
    assert!(secrets.contains(&"first".to_owned()) && secrets.contains(&"second".to_owned()), "{secrets:?}");
}

#[tokio::test]
async fn certificate_signs_an_assertion() {
    let server = TestServer::without_tokens(|request| {
        if request.target.contains("oauth2") { Reply::token("x") } else { audiences(request) }
    })
    .await;
    let certificate = || Credential::Certificate(SecretSource::fixed(SecretString::from(IDENTITY)));
    let requests = token_requests(&server, |settings| settings.credential = certificate()).await;
    let v2 = token_requests(&server, |settings| {
        settings.credential = certificate();
        settings.version = TokenVersion::V2;
    })
    .await;
    for (request, algorithm, path) in
        [(&requests[0], "RS256", "/tenant/oauth2/token"), (&v2[1], "PS256", "/tenant/oauth2/v2.0/token")]
    {
        let form = form(request);
        assert!(!form.contains_key("client_secret"));
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let (signed, signature) = form["client_assertion"].rsplit_once('.').expect("three parts");
        let (header, claims) = signed.split_once('.').expect("three parts");
        let part = |text| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON")
        };
        let (header, claims) = (part(header), part(claims));
        assert_eq!(header["alg"], algorithm);
        assert_eq!(claims["aud"], server.base.join(path).expect("url").as_str());
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("client"), &json!("client")));
        let life = claims["exp"].as_i64().expect("exp") - jiff::Timestamp::now().as_second();
        assert!((500..=600).contains(&life), "{life}");

        let leaf = STANDARD.decode(header["x5c"][0].as_str().expect("x5c")).expect("base64");
        let certificate =
            webpki::EndEntityCert::try_from(&rustls_pki_types::CertificateDer::from(leaf.clone()))
                .map(|_| ());
        certificate.expect("a certificate");
        let print = |digest| URL_SAFE_NO_PAD.encode(ring::digest::digest(digest, &leaf));
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
        let verification: &'static dyn ring::signature::VerificationAlgorithm = match algorithm {
            "RS256" => {
                assert_eq!(header["x5t"], print(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY));
                &RSA_PKCS1_2048_8192_SHA256
            }
            _ => {
                assert_eq!(header["x5t#S256"], print(&ring::digest::SHA256));
                &RSA_PSS_2048_8192_SHA256
            }
        };
        let key = UnparsedPublicKey::new(verification, public_key(&leaf));
        key.verify(signed.as_bytes(), &signature).expect("the signature holds");
    }
}

/// The RSA key of a certificate.
fn public_key(certificate: &[u8]) -> Vec<u8> {
    use x509_cert::der::Decode;
    let certificate = x509_cert::Certificate::from_der(certificate).expect("certificate");
    let info = certificate.tbs_certificate.subject_public_key_info;
    info.subject_public_key.raw_bytes().to_vec()
}

#[test]
fn certificate_of_key_is_the_one_with_the_key() {
    let found = certificate_of_key(&SecretString::from(IDENTITY)).expect("a certificate");
    assert!(!public_key(&found).is_empty());
    let (key, _) = IDENTITY.split_once("-----BEGIN CERTIFICATE").expect("both");
    assert!(certificate_of_key(&SecretString::from(key)).is_err(), "only a key");
}

#[tokio::test]
async fn unusable_certificate_is_reported_before_a_request_is_sent() {
    let server = TestServer::start(audiences).await;
    let (key, certificate) = IDENTITY.split_once("-----BEGIN CERTIFICATE").expect("both");
    for (pem, says) in [
        (key.to_owned(), "no certificate"),
        (format!("-----BEGIN CERTIFICATE{certificate}"), "private key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----".to_owned(), "without a passphrase"),
        (IDENTITY.replace('\n', " "), "a section does not end"),
    ] {
        let mut settings = server.settings();
        settings.credential = Credential::Certificate(SecretSource::fixed(SecretString::from(pem)));
        let error = Client::new(settings).expect("client").probe().await.expect_err("useless");
        assert_eq!((error.recovery, error.execution), (Recovery::Credentials, Execution::NotSent));
        assert!(error.to_string().contains(says), "{error}");
        // The first bytes of the key, `MII`, as numbers.
        assert!(!error.to_string().contains("77, 73, 73"), "{error}");
    }
    assert!(server.all_requests().is_empty());
}

#[tokio::test]
async fn federated_token_is_sent_as_assertion() {
    let server = TestServer::start(audiences).await;
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), "a.b.c\n").expect("write");
    let path = file.path().to_owned();
    let requests =
        token_requests(&server, |settings| settings.credential = Credential::FederatedTokenFile(path)).await;
    assert_eq!(form(&requests[0])["client_assertion"], "a.b.c");
}

#[tokio::test]
async fn managed_identity_of_a_virtual_machine_yields_a_token() {
    let server = TestServer::without_tokens(|request| {
        if request.is("GET", "/metadata/identity/oauth2/token") {
            assert_eq!(request.header("metadata"), Some("true"));
            assert_eq!(request.query("api-version").as_deref(), Some("2018-02-01"));
            return Reply::token(&request.query("resource").expect("resource"));
        }
        if request.target.contains("oauth2") { Reply::token("x") } else { audiences(request) }
    })
    .await;
    let identity = |purpose| ManagedIdentity {
        identity: Some("assigned".to_owned()),
        purpose,
        endpoint: IdentityEndpoint::Metadata(server.base.clone()),
    };
    let exchange = Purpose::Exchange { resource: ManagedIdentity::EXCHANGE.to_owned() };
    let requests = token_requests(&server, |settings| {
        settings.credential = Credential::ManagedIdentity(identity(exchange))
    })
    .await;
    assert_eq!(requests[0].query("client_id").as_deref(), Some("assigned"));
    assert_eq!(form(&requests[1])["client_assertion"], "api://AzureADTokenExchange");
    assert_eq!(form(&requests[1])["client_id"], "client");

    let requests = token_requests(&server, |settings| {
        settings.credential = Credential::ManagedIdentity(identity(Purpose::Direct))
    })
    .await;
    assert_eq!(requests.len(), 3, "no exchange: {requests:?}");
    let last = server.requests().pop().expect("a call");
    assert_eq!(last.header("authorization"), Some("Bearer https://manage.devcenter.microsoft.com"));
}

#[tokio::test]
async fn app_service_hands_tokens_out_its_own_way() {
    let ends = jiff::Timestamp::now().as_second() + 7200;
    let server = TestServer::without_tokens(move |request| {
        if request.is("GET", "/msi/token") {
            assert_eq!(request.header("x-identity-header"), Some("h3ader"));
            assert_eq!(request.query("api-version").as_deref(), Some("2019-08-01"));
            return Reply::json(200, &json!({"access_token": "app", "expires_on": ends.to_string()}));
        }
        audiences(request)
    })
    .await;
    let endpoint = IdentityEndpoint::AppService {
        endpoint: server.base.join("/msi/token").expect("url"),
        header: SecretString::from("h3ader"),
    };
    let mut settings = server.settings();
    settings.credential =
        Credential::ManagedIdentity(ManagedIdentity { identity: None, purpose: Purpose::Direct, endpoint });
    let client = Client::new(settings).expect("client");
    client.probe().await.expect("probe");
    client.probe().await.expect("probe");
    let headers: Vec<_> = server
        .all_requests()
        .iter()
        .filter_map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(headers, ["Bearer app", "Bearer app"]);
    assert_eq!(server.all_requests().len(), 3);
}

#[tokio::test]
async fn failed_renewal_before_expiry_keeps_the_token() {
    let count = AtomicUsize::new(0);
    let server = TestServer::without_tokens(move |request| {
        if !request.target.contains("oauth2") {
            return audiences(request);
        }
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::json(200, &json!({"access_token": "x", "expires_in": 1000})),
            _ => Reply::empty(503),
        }
    })
    .await;
    let client = server.client();
    client.probe().await.expect("a new token");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(850)).await;
    tokio::time::resume();
    for _ in 0..3 {
        client.probe().await.expect("it is still valid");
    }
    assert_eq!(server.tokens(), 1 + 4, "and the token service is not pestered");
}
