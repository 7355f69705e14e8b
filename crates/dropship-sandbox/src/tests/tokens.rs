//! The authority.

use crate::Credentials;
use dropship_redact::SecretString;

use super::*;

async fn ask(service: &TestService, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/{path}", service.sandbox.base_url());
    let answer = service.http.post(url).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const V2: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", "app"),
    ("client_secret", "hush"),
    ("scope", "https://manage.devcenter.microsoft.com/.default"),
];

#[tokio::test]
async fn v2_token_has_numeric_lifetime() {
    let service = TestService::plain().await;
    let (status, body) = ask(&service, &format!("{TENANT}/oauth2/v2.0/token"), &V2).await;
    assert_eq!(status, 200);
    assert_eq!(body["token_type"], "Bearer");
    // The clock may advance one second between issuing and checking.
    assert!((3599..=3600).contains(&body["expires_in"].as_i64().unwrap()));
}

#[tokio::test]
async fn wrong_credentials_get_distinct_errors() {
    let credentials = Credentials::One {
        tenant_id: TENANT.to_owned(),
        client_id: "app".to_owned(),
        client_secret: SecretString::from("hush"),
    };
    let service = TestService::new(Options { credentials, ..Options::default() }).await;
    let path = format!("{TENANT}/oauth2/v2.0/token");
    for (field, value, status, code, number) in [
        ("client_secret", "loud", 401, "invalid_client", 7_000_215),
        ("client_secret", "", 401, "invalid_client", 7_000_218),
        ("client_id", "other", 400, "unauthorized_client", 700_016),
        ("scope", "https://graph.microsoft.com/.default", 400, "invalid_resource", 500_011),
        ("scope", "https://manage.devcenter.microsoft.com", 400, "invalid_scope", 1_002_012),
        ("grant_type", "password", 400, "unsupported_grant_type", 70_003),
    ] {
        let form: Vec<_> =
            V2.iter().map(|(key, held)| (*key, if *key == field { value } else { held })).collect();
        let (actual, body) = ask(&service, &path, &form).await;
        assert_eq!(
            (actual, &body["error"], &body["error_codes"][0]),
            (status, &json!(code), &json!(number)),
            "{field}={value}"
        );
        assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{number}: ")));
    }
    let (status, body) = ask(&service, "another/oauth2/v2.0/token", &V2).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &json!(90_002)));
    assert_eq!(ask(&service, &path, &V2).await.0, 200);
    let log = format!("{:?}", service.sandbox.control().requests());
    assert!(!log.contains("hush") && !log.contains("loud") && !log.contains(&service.token));
}

#[tokio::test]
async fn expired_token_is_rejected() {
    let service = TestService::plain().await;
    assert_eq!(service.send(Method::GET, "products", None).await.status(), 200);
    service.sandbox.control().advance(Duration::from_secs(3601));
    let answer = service.send(Method::GET, "products", None).await;
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    assert_eq!(answer.json::<Value>().await.unwrap()["statusCode"], 401);
}

#[tokio::test]
async fn managed_identity_gets_a_token() {
    let service = TestService::plain().await;
    let url = format!(
        "{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://manage.devcenter.microsoft.com",
        service.sandbox.base_url()
    );
    assert_eq!(service.http.get(&url).send().await.unwrap().status(), 400);
    let body: Value =
        service.http.get(&url).header("Metadata", "true").send().await.unwrap().json().await.unwrap();
    assert!(body["access_token"].is_string());
}
