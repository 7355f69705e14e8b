use super::*;
use crate::secret_names::looks_random;

fn hidden(text: &str) -> Vec<&str> {
    find(text).into_iter().map(|place| &text[place.hidden]).collect()
}

#[test]
fn secret_is_found_wherever_it_is_typed() {
    for text in [
        "client_secret = \"hush\"",
        "[account]\nCLIENT_SECRET = 'hush'",
        "[account]\nclientSecret=\"hush\" # x",
        "[account]\nclient_secrt = \"hush\"",
        "[account]\nkey = \"hush\"",
        "[accounts.emea]\nvalue = \"hush\"",
        "account.client_secret = \"hush\"",
        "account.client_secret.value = \"hush\"",
        "[account.client_secret]\nx = \"hush\"",
        "account = { tenant_id = \"t\", client_secret = \"hush\", client_id = \"c\" }",
        "account = { tenant_id = \"t\", x = \"hush\" }",
        "\"client_secret\" = \"hush\"",
        "client_secrt = \"hush\"",
        "Client-Secert = \"hush\"",
        "account = \"hush\"",
        "accounts.emea = \"hush\"",
        "[[rule]]\nclient_secrt = \"hush\"",
        "[api]\nhttps_proxy = \"hush\"",
        "[account]\nclient_secret_file = \"hush\"",
        "notify = \"hush\"",
        "client_secret: \"hush\"",
        "client_secret \"hush\"",
        "client_secret hush",
        "client_secret = hush",
        "# client_secret = \"hush\"",
        "# client_secret hush",
        "[[notify]]\nsecret = \"hush\"",
        "[[notify]]\nurl = \"https://hooks.example/hush\"",
        "notify = [{ url = \"https://hooks.example/hush\" }]",
        "[api]\nproxy = \"hush\"",
        "[account]\nclient_secret_env = \"hush\"",
        "[account]\nmanaged_identity = \"hush\"",
        "[account]\nsecret_expires = \"hush\"",
        "[account]\nclient_secret_credential = \"hush\"",
    ] {
        assert_eq!(hidden(text), ["hush"], "{text}");
    }
    for (text, part) in [
        ("[account]\nclient_secret_file = \"abC8Q~x\"", "abC8Q~x"),
        ("[api]\nproxy = \"http://u:hush@h:1\"", "u:hush@h:1"),
        ("client_secret = \"\"\"\nhush\nhush\"\"\"\nx = 1", "\nhush\nhush"),
        ("client_secret = \"hush\nhush\"\nx = 1", "hush\nhush"),
        ("client_secret = \"hu\"sh\"", "hu\"sh"),
        ("client_secret = [\"hush\", 1]", "[\"hush\", 1]"),
        ("client_secret = \"hush", "hush"),
        ("client_secret = \"\u{e9}\\\u{e9}", "\u{e9}\\\u{e9}"),
    ] {
        assert_eq!(hidden(text), [part], "{text}");
    }
}

#[test]
fn usual_configuration_has_no_secrets() {
    let text = r#"
        [account]
        tenant_id = "x"
        client_id = "y"
        client_secret_file = "/etc/dropship/secret"
        secret_expires = "2027-12-31"
        managed_identity = false
        [accounts.a]
        secret_expires = "31.12.2027"
        client_secret_env = "DROPSHIP_SECRET"
        [accounts.b]
        client_secret_credential = "dropship.client-secret"
        [api]
        proxy = "http://proxy:8080"
        endpoint = "https://h/x"
        [[notify]]
        name = "a"
        url = "https://h/"
        [[rule]]
        vars = { token = { allowed = ["a"], default = "b" } }
        product.name = "{{ vars.token }}"
    "#;
    assert_eq!(hidden(text), [""; 0]);
}

#[test]
fn header_in_a_comment_is_not_that_of_the_lines_after_it() {
    assert_eq!(hidden("# [[notify]]\n# x = \"hush\"\ninclude = [\"rules.d/*.toml\"]"), ["hush"]);
    assert_eq!(hidden("[account]\n# [api]\nx = \"hush\"\n# workers = 4"), ["hush"]);
}

/// The values that are masked in every text of the process.
fn remembered(text: &str) -> Vec<&str> {
    let found = find(text).into_iter().map(|place| (place.why, &text[place.hidden]));
    found
        .filter(|(why, value)| *why != HiddenReason::Unusual || looks_random(value))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn secret_in_a_comment_is_found_in_every_form() {
    for text in [
        "# old: client_secret: h2-sh",
        "# client_secret=h2-sh # note",
        "; client_secret = h2-sh",
        "// client_secret: \"h2-sh\",",
        "#client_secret=\"h2-sh\"",
        "## Client Secret : 'h2-sh'",
        "# export CLIENT_SECRET=h2-sh",
        "# { \"client_secret\": \"h2-sh\" }",
        "# client_secret => h2-sh",
        "# client_secret := h2-sh",
        "# client_secret -> h2-sh",
        "# client_secret h2-sh",
        "# was: x = 1, password = h2-sh",
        "x = 1 # client_secret = \"h2-sh\"",
        "x = \"a\" # password: h2-sh",
        "[account]\n# see [the page\n[[notify]]\nvalue = \"h2-sh\"",
        "account = { # a ]\n value = \"h2-sh\" }",
    ] {
        assert_eq!(remembered(text), ["h2-sh"], "{text}");
    }
    for (text, part) in [
        ("# https://u:h2-sh@proxy:3128/x is the proxy", "u:h2-sh@proxy:3128/x"),
        ("# the last one was aB3dE5fG7hJ9kL2mN4, and expired", "aB3dE5fG7hJ9kL2mN4"),
        ("# client_secret = [\"h2-sh\"\n[account]", "[\"h2-sh"),
        ("# client_secret = \"h2-sh\nx = \"a\"", "h2-sh"),
    ] {
        assert_eq!(remembered(text), [part], "{text}");
    }
}

/// Sentences like those in the samples of other programs.
#[test]
fn prose_of_comments_is_not_masked_elsewhere() {
    for text in [
        "# The secret: never put it here. Use client_secret_file",
        "# Secret: Required",
        "# Password (optional): None",
        "# token: see https://docs.example/tokens#bearer for more",
        "# Authorization: Bearer or Basic",
        "# Credentials are read in this order: 1) environment, 2) file",
        "# The client secret is in /etc/dropship/secret",
        "# client_secret: /etc/dropship/secret",
        "# client_secret_file: Path of the file",
        "# Certificate: Contoso",
        "# token_ttl: 3600",
        "# Webhook: Teams, then Slack",
        "# Proxy: only if the firewall needs one",
        "# Questions: drivers@contoso.example",
        "# Default: \"unix:///run/dropship/control.sock\"",
        "# ex: \"tcp://localhost:9465\", or udp://:514.",
        "# url: the address, with http:// or https://",
        "# [api.token.Parameters]",
        "[account]\n# Note: Production\n# Tenant: 72f988bf-86f1-41af-91ab-2d7cd011db47",
        "[[notify]]\n# Owner: Release management\n# Channel: Drivers",
        "# secrets: [see the page, chapter Secrets",
        "# account: Contoso",
        "workers = 4 # Secret: none",
    ] {
        assert_eq!(remembered(text), [""; 0], "{text}");
    }
}

/// Words of its comments would be masked in every text of the process.
#[test]
fn sample_has_no_secrets() {
    let text = include_str!("../../../../config/dropship.toml");
    // The path of the webhook is a word, which is not masked elsewhere.
    assert_eq!(remembered(text), ["dropship"]);
}
