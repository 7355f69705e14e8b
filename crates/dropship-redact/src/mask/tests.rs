use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

#[test]
fn secret_anywhere_in_a_text_is_masked() {
    for (text, masked) in [
        ("at https://h/b?SIG=a%2f; next", "at https://h/b?SIG=*** next"),
        ("{\"url\":\"https://h/b?sig=x&se=1&sig=y\"}", "{\"url\":\"https://h/b?sig=***&se=1&sig=***\"}"),
        ("Authorization: Bearer ey.x-y done", "Authorization: Bearer *** done"),
        ("\u{e9}sig=x", "\u{e9}sig=***"),
        ("sig=***x", "sig=***"),
        ("sig=bearer abc", "sig=*** abc"),
        ("Proxy-Authorization: Basic dTpw\r\nHost: h", "Proxy-Authorization: Basic ***\r\nHost: h"),
        ("Authorization: Digest username=\"u\", response=\"r\" x", "Authorization: Digest *** x"),
        ("authorization: hush hush", "authorization: ***"),
        (
            "authorization: Custom https://b/c?x=1 sig=abc client_secret=x",
            "authorization: *** sig=*** client_secret=***",
        ),
        ("{\"Authorization\":[\"Custom a b\"]}", "{\"Authorization\":[\"***\"]}"),
        ("grant_type=x&client_secret=a%7Eb&client_id=1", "grant_type=x&client_secret=***&client_id=1"),
        ("{\"client_assertion\": \"a\\\"b c\", \"x\": 1}", "{\"client_assertion\": \"***\", \"x\": 1}"),
        ("{'refresh_token':'a b'}", "{'refresh_token':'***'}"),
        ("body=client_secret%3Dabc%26client_id%3D1", "body=client_secret%3D***%26client_id%3D1"),
        ("client_secret%253Dabc%2526x", "client_secret%253D***%2526x"),
        ("&quot;password&quot;:&quot;a b&quot;", "&quot;password&quot;:&quot;***&quot;"),
        ("{\"m\":\"{\\\"access_token\\\":\\\"abc\\\"}\"}", "{\"m\":\"{\\\"access_token\\\":\\\"***\\\"}\"}"),
        ("clientSecret = \"a b\"", "clientSecret = \"***\""),
        ("<Password>a b</Password>", "<Password>***</Password>"),
        ("http://user:p@ss@proxy:8080/x", "http://***@proxy:8080/x"),
        ("http://user@proxy:8080/x", "http://***@proxy:8080/x"),
        ("postgres://dropship@db1.corp,db2.corp/x", "postgres://dropship@db1.corp,db2.corp/x"),
        ("postgresql://u:p@ss@db.corp/x", "postgresql://***@db.corp/x"),
        ("postgres://u%3Apass@db.corp/x", "postgres://***@db.corp/x"),
        ("notpostgres://u@db.corp/x", "notpostgres://***@db.corp/x"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln end", "token *** end"),
        ("cut eyJhbGciOiJSUzI1NiJ9", "cut ***"),
        ("it is abC8Q~0123456789abcdefghijklmnopqrstuv.", "it is ***"),
        (
            "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\n",
        ),
    ] {
        assert_eq!(mask(text), masked, "{text}");
        assert_eq!(mask(masked), masked, "masked once is masked");
    }
}

#[test]
fn text_without_a_secret_is_unchanged() {
    for text in [
        "",
        "design=3 sig= bearer",
        "x-sig=1 my_sig=2",
        "a sig=*** b",
        "sig=&se=1",
        "bearer",
        "no access token: the service is down",
        "client_secret_file = \"/etc/x\", client_assertion_type=jwt",
        "the secret: it is empty",
        "continuationToken=PD94",
        "mail to a@b.example at https://h/x@y",
        "C:\\new\\u\\100%&amp;",
    ] {
        assert_eq!(mask(text), text);
    }
}

#[test]
fn text_with_many_secrets_is_masked_in_one_pass() {
    let text = "?sig=abc&".repeat(200_000);
    assert_eq!(mask(&text), "?sig=***&".repeat(200_000));
    for hostile in
        ["eyJ", "Q~", "://", "%25", "&#", "\\\\", "PRIVATE KEY-----", "token=\"", "authorization:,"]
    {
        let _masked = mask(&hostile.repeat(50_000));
    }
}

/// Each way in which an echo can write a secret.
fn encodings(secret: &str) -> Vec<String> {
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let html: String = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('+', "&#x2B;");
    let mut all = vec![
        secret.to_owned(),
        percent(secret),
        percent(secret).to_lowercase(),
        percent(&percent(secret)),
        form.clone(),
        form.replace('%', "%25"),
        serde_json::Value::from(json.as_str()).to_string(),
        secret.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect(),
        secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        html.replace('%', "%25"),
        html,
        json,
    ];
    for inner in [secret, &form] {
        let digits: String = inner.bytes().map(|byte| format!("{byte:02x}")).collect();
        all.extend([digits.to_uppercase(), format!("\\x{digits}")]);
    }
    for prefix in ["", "a", "ab"] {
        for inner in [secret, &form] {
            all.push(STANDARD.encode(format!("{prefix}{inner}&x")));
            all.push(URL_SAFE_NO_PAD.encode(format!("{prefix}{inner}")));
            all.push(percent(&STANDARD.encode(format!("{prefix}{inner}"))));
        }
    }
    all
}

#[test]
fn live_secret_is_masked_in_every_encoding() {
    let token = format!("eyK{}", "Ab3_-.x9".repeat(200));
    for secret in
        ["s3cr~t/+=&<\"' x\\y", "abcde1", "kurz.é~ß+long-enough-for-blocks", "%41%2542 literal", &token]
    {
        let registry = Registry::new();
        registry.add(secret, None);
        for encoded in encodings(secret) {
            let masked = mask_with(&registry, &format!("before [{encoded}] after"));
            assert!(masked.starts_with("before [") && masked.ends_with("] after"), "{masked}");
            let rest = masked.replace(MASK, "");
            let left = rest.len().saturating_sub("before [] after".len());
            // Base64 keeps the characters that belong to its neighbours, too.
            assert!(masked.contains(MASK) && left <= 30, "{secret}: {encoded}: {masked}");
        }
    }
}

#[test]
fn part_of_a_long_secret_is_masked() {
    let token: String =
        (0..4000_u32).map(|n| char::from(b'a' + u8::try_from(n * n * 7 % 26).expect("small"))).collect();
    let registry = Registry::new();
    registry.add(&token, None);
    assert_eq!(mask_with(&registry, &format!("cut {}", &token[7..900])), "cut ***");
    assert_eq!(mask_with(&registry, &format!("{} x", &token[100..])), "*** x");
}

#[test]
fn many_secrets_are_found_and_the_oldest_expiring_are_forgotten() {
    let registry = Registry::new();
    registry.add("client-secret-0123456789", None);
    for n in 0..20_000 {
        registry.add(&format!("signature-of-upload-{n:08}"), Some(std::time::Duration::from_secs(60)));
    }
    let (count, size) = registry.size();
    assert!(count > 1000 && count < 20_000 && size <= 8 << 20, "{count} {size}");
    let last = format!("{} signature-of-upload-00019999 client-secret-0123456789", "x".repeat(1 << 20));
    assert!(mask_with(&registry, &last).ends_with("x *** ***"));
}

#[test]
fn plain_words_are_no_secrets() {
    let registry = Registry::new();
    for word in ["sandbox", "secret", "1234567", "a1", ""] {
        registry.add(word, None);
    }
    assert_eq!(registry.size().0, 0);
}

#[test]
fn live_secrets_alone_are_masked_in_texts_that_are_compared() {
    const LIVE: &str = "l1ve+Secret/of=this.test";
    crate::remember(LIVE, crate::Lifetime::Process);
    let percent: String = LIVE.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for text in [LIVE.to_owned(), percent] {
        assert_eq!(super::mask_live(&format!("a {text}, sig=looks-like-one")), "a ***, sig=looks-like-one");
        assert!(super::holds_secret(text.as_bytes()), "{text}");
    }
    assert!(!super::holds_secret(b"sig=looks-like-one"));
}
