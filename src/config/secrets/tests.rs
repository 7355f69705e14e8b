use super::*;

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

/// Words of its comments would be masked in every text of the process.
#[test]
fn sample_has_no_secrets() {
    let text = include_str!("../../../config/dropship.toml");
    let remembered = find(text).into_iter().filter(|place| place.why != Why::Unusual);
    let shown: Vec<_> = remembered.map(|place| &text[place.hidden]).collect();
    // The path of the webhook is a word, which is not masked elsewhere.
    assert_eq!(shown, ["dropship"]);
}
