//! The forms in which a secret is typed into a configuration by mistake.

/// The accounts of configurations, and what stands beside them. Each is a form.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let account = "[account]\ntenant_id = \"tenant\"\nclient_id = \"client\"\n";
    let valid = format!("{account}client_secret_file = \"secret\"\n");
    let filled = |form: &str| form.replace("$V", &valid).replace("$S", secret);
    let keys = KEYS.iter().flat_map(|key| KEYED.map(|form| form.replace("$K", key)));
    let in_account = keys.chain(IN_ACCOUNT.map(str::to_owned));
    let in_account = in_account.map(|form| format!("{account}{}\n", filled(&form)));
    let in_notify = IN_NOTIFY.map(|form| format!("{valid}[[notify]]\nname = \"n\"\n{}\n", filled(form)));
    let elsewhere = ELSEWHERE.map(filled);
    let urls = urls("[api]", &API, &USERS).chain(urls("[[notify]]\nname = \"n\"", &WEBHOOK, &PATHS));
    let urls = urls.map(|form| format!("{valid}{}", filled(&form)));
    in_account.chain(in_notify).chain(elsewhere).chain(urls).collect()
}

/// Each key with each URL. An unknown key makes sure that the configuration is refused.
fn urls(table: &str, keys: &[&str], urls: &[&str]) -> impl Iterator<Item = String> {
    let form = |key: &str, url: &str| format!("{table}\n{}\nunknown = 1\n", key.replace("$U", url));
    let forms: Vec<_> = keys.iter().flat_map(|key| urls.iter().map(move |url| form(key, url))).collect();
    forms.into_iter()
}

/// Keys of an account.
const KEYS: [&str; 15] = [
    "client_secret",
    "Client-Secret",
    "clientSecret",
    "client_secrt",
    "password",
    "value",
    "x",
    "client_id",
    "managed_identity",
    "secret_expires",
    "client_secret_file",
    "client_secret_env",
    "client_secret_credential",
    "client_certificate_file",
    "federated_token_file",
];

/// Forms of any key.
const KEYED: [&str; 8] = [
    "$K = \"$S\"",
    "$K = '$S' # $S",
    "$K = [\"$S\"]",
    "$K = { value = \"$S\" }",
    "$K = \"\"\"\n$S\n\"\"\"",
    "$K = $S",
    "$K = \"$S",
    "$K: $S",
];

/// Lines of `[account]`.
const IN_ACCOUNT: [&str; 45] = [
    "client_secret.value = \"$S\"",
    "client_secret.\"$S\" = 1",
    "client_secret = '''$S'''",
    "client_secret = \"\"\"\\\n  $S\\\n  \"\"\"",
    "client_secret = [\n\"$S\",\n]",
    "client_secret = [[\"$S\"]]",
    "client_secret = { \"$S\" = 1 }",
    "client_secret = { a = { b = [\"$S\"] } }",
    "client_secret = '$S",
    "client_secret = $S\"",
    "client_secret == \"$S\"",
    "client_secret := \"$S\"",
    "client_secret \"$S\"",
    "client_secret $S",
    "\"client_secret = \"$S\"",
    "client_secret = \"$S\" \"$S\"",
    "client_secret = \"$S\\q\"",
    "client_secret = \u{201c}$S\u{201d}",
    "client_secret = \"$S\"\nclient_secret = \"$S\"",
    "client_secret = \"$S\"\n= broken",
    "= broken\nclient_secret = \"$S\"",
    "client_secret =\n\"$S\"",
    "client_secret = \"\n$S\"",
    "client_secret = \"\"\"$S",
    "client_secret = \"\" # $S",
    "client_secret = \"$S\"\u{7}",
    "client_secret =\u{a0}\"$S\"",
    "export client_secret=\"$S\"",
    "# the secret is $S\nfoo = \"",
    "foo = 1 # $S",
    "foo = \" # $S",
    "tenant_id = \"t\", client_secret = \"$S\"",
    "$S",
    "\"$S\"",
    "\"$S\" = 1",
    "= \"$S\"",
    "[client_secret]\nvalue = \"$S\"",
    "[account.client_secret]\nvalue = \"$S\"",
    "[account.client_secret.\"$S\"]",
    "[account.\"$S\"]",
    "[\"$S\"]",
    "[$S]",
    "[client_secret = \"$S\"",
    "client_secret_file = \"-----BEGIN PRIVATE KEY-----$S-----END PRIVATE KEY-----\"",
    "client_secret_file = 5\nclient_secret_env = \"$S\"",
];

/// Lines of `[[notify]]`.
const IN_NOTIFY: [&str; 16] = [
    "url = \"$S\"",
    "webhook = \"$S\"",
    "secret = \"$S\"",
    "url = \"https://h/\"\nsecret_file = \"$S\"",
    "url = \"https://h/\"\nsecret_credential = \"$S\"",
    "token = '$S'",
    "to = \"$S\"",
    "url = \"http://h/\"\nname = \"$S\"",
    "url = \"https://h/\"\non = [\"$S\"]",
    "url = \"https://h/\"\ntimeout = \"$S\"",
    "url = \"https://h/\"\nheaders = { Authorization = \"$S\" }",
    "command = \"$S\"",
    "command = [\"$S\"]",
    "command = [\"curl\", \"$S\"]",
    "command = [5, \"$S\"]",
    "command = [\"/bin/curl\", \"-H\", \"$S\"",
];

/// Whole configurations without rules. `$V` is a valid account.
const ELSEWHERE: [&str; 25] = [
    "client_secret = \"$S\"\n$V",
    "secret = \"$S\"\n$V",
    "account = \"$S\"\n",
    "account = [\"$S\"]\n",
    "account = { tenant_id = \"t\", client_id = \"c\", client_secret = \"$S\" }\n",
    "account = { tenant_id = \"t\", client_id = \"c\", client_secret = \"$S\"\n",
    "account.client_secret = \"$S\"\n",
    "accounts = \"$S\"\n",
    "accounts.a.client_secret = \"$S\"\n",
    "accounts = { a = { tenant_id = \"t\", client_id = \"c\", client_secret = \"$S\" } }\n",
    "[accounts.\"$S\"]\ntenant_id = \"t\"\n",
    "[[account]]\nclient_secret = \"$S\"\n",
    "[acount]\nclient_secret = \"$S\"\n",
    "[credentials]\nx = \"$S\"\n$V",
    "[azure]\nx = \"$S\"\n$V",
    "$V[account]\nclient_secret = \"$S\"\n",
    "DROPSHIP_CLIENT_SECRET=$S\n$V",
    "export X=$S\n$V",
    "notify = \"$S\"\n$V",
    "notify = [{ name = \"n\", url = \"$S\", }, x]\n$V",
    "$V[api]\nworkers = \"$S\"\n",
    "$V[metrics]\nlisten = \"$S\"\n",
    "$V[metrics]\nbearer_token = \"$S\"\n",
    "$V[[folder]]\nname = \"q\"\npath = \"q\"\npassword = \"$S\"\n",
    "$V[[rule]]\nname = \"q\"\nclient_secret = \"$S\"\n",
];

/// Keys of `[api]` with a URL.
const API: [&str; 7] = [
    "proxy = \"$U\"",
    "https_proxy = \"$U\"",
    "endpoint = \"$U\"",
    "blob_hosts = [\"$U\"]",
    "proxy = $U",
    "proxy = [\"$U\"]",
    "proxy = \"$U",
];

/// URLs of services and proxies with a secret. Some are no valid URLs.
const USERS: [&str; 13] = [
    "http://user:$S@proxy:3128",
    "http://$S@proxy:3128",
    "user:$S@proxy:3128",
    "http://user:$S@",
    "http://user:$S@proxy:99999",
    "//user:$S@proxy",
    "http://us er:$S@proxy",
    "http://user:p@$S@proxy",
    "http://user:$S#@proxy",
    "http://proxy:$S",
    "http://proxy/$S",
    "http://proxy?x=$S",
    "$S",
];

/// Keys of `[[notify]]` with a URL.
const WEBHOOK: [&str; 8] = [
    "url = \"$U\"",
    "url = $U",
    "Url = \"$U\"",
    "url = [\"$U\"]",
    "url = \"\"\"\n$U\"\"\"",
    "url = \"$U\"\nurl = \"$U\"",
    "url = \"$U\"\n= x",
    "command = [\"/bin/curl\", \"$U\"]\nx = 1",
];

/// URLs of webhooks with a secret. Some are no valid URLs.
const PATHS: [&str; 11] = [
    "https://h/services/$S",
    "https://h/?token=$S",
    "https://h/#$S",
    "https://u:$S@h/",
    "http://h/$S",
    "h/$S",
    "htps://h/$S",
    "https://h:x/$S",
    "https://h h/$S",
    "https://$S.example/",
    "mailto:$S",
];
