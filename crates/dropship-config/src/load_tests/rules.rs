//! Products, submissions, accounts and templates of rules.

use super::{config, lines};

const NOTHING: [&str; 0] = [];

fn product(keys: &str) -> Vec<String> {
    lines(&format!("[[rule]]\nname = \"r\"\n[rule.product]\n{keys}\n"))
}

#[test]
fn words_of_open_lists_are_warned_of_and_those_of_closed_ones_refused() {
    let text = "name = \"{{ inf.version }}\"\ntest_harness = \"hlx\"\ndevice_type = \"internl\"\n\
                requested_signatures = [\"WINDOWS_v100_X64_C0_FULL\", \"WINDOWS_v100_X86_CO_FULL\", \"WINDOWS_v200_FULL\"]\n\
                selected_product_types = { windows_v100_CO = \"Audio Devise\", Windows_v100_XX = \"LAN\" }";
    assert_eq!(
        product(text),
        [
            "5:16 `hlx` is not a test harness [did you mean `hlk`?]",
            "6:15 `internl` is not a device type [did you mean `internal`?]",
            "7:25 `WINDOWS_v100_X64_C0_FULL` is not an OS code that Microsoft's documentation lists [did you mean \
             `WINDOWS_v100_X64_CO_FULL`? It is sent as it is]",
            "7:53 the service refuses `WINDOWS_v100_X86_CO_FULL` [x86 has no architecture in its code: \
             `WINDOWS_v100_CO_FULL`]",
            "7:81 `WINDOWS_v200_FULL` is not an OS code that Microsoft's documentation lists [did you mean \
             `WINDOWS_v100_VB_FULL`? It is sent as it is]",
            "8:46 `Audio Devise` is not a product type that Microsoft's documentation lists [did you mean `Audio Device`? \
             It is sent as it is]",
            "8:80 `Windows_v100_XX` is not an OS family that Microsoft's documentation lists [did you mean \
             `Windows_v100_VB`? It is sent as it is]",
        ]
    );
}

#[test]
fn attestation_is_for_clients_and_lists_its_systems() {
    let attestation =
        "name = \"{{ inf.version }}\"\ntest_harness = \"Attestation\"\ndevice_type = \"internal\"\n";
    assert_eq!(
        product(&format!("{attestation}requested_signatures = [\"WINDOWS_v100_SERVER_X64_GE_FULL\"]")),
        [
            "7:25 attestation for the server system `WINDOWS_v100_SERVER_X64_GE_FULL` always fails [attestation signs \
             for client systems; servers need HLK results]"
        ]
    );
    assert_eq!(
        product(&format!("{attestation}requested_signatures = \"from_package\"")),
        ["7:24 a .cab for attestation states no OS codes [list the OS codes to sign for]"]
    );
    assert_eq!(
        product(&format!("{attestation}requested_signatures = []")),
        ["7:24 `requested_signatures` is empty: nothing would be signed"]
    );
}

#[test]
fn strategy_with_missing_or_wrong_keys_is_reported() {
    let hlk = "test_harness = \"hlk\"\ndevice_type = \"internal\"\nrequested_signatures = \"from_package\"\n";
    assert_eq!(
        product(&format!("name = \"{{{{ file.stem }}}}\"\nid = \"5\"\n{hlk}")),
        ["5:6 a new product has no `id` yet [add `strategy = \"existing\"`, or remove the id]"]
    );
    assert_eq!(
        product(&format!("name = \"{{{{ rule.name }}}}\"\nstrategy = \"per_version\"\n{hlk}")),
        [
            "4:8 `per_version` makes one product for each version, but the product's name has no version [let the name show `{{ inf.version }}`, or \
             `{{ file.stem }}` if that carries it]"
        ]
    );
    assert_eq!(
        product("strategy = \"existing\""),
        ["3:1 an existing product needs its `id` or its `name`", "3:1 `name` is missing"]
    );
    assert_eq!(
        product("strategy = \"existing\"\nid = 5"),
        ["3:1 neither submission nor product has a `name` [add `[rule.submission]` with a `name`]"]
    );
    assert_eq!(
        product(&format!("name = \"{{{{ file.stem }}}}\"\n{hlk}[rule.submission]\ntype = \"derived\"")),
        [
            "9:8 a new product has nothing to derive from [a driver update needs a product: `strategy = \"existing\"` \
             in [rule.product]]"
        ]
    );
}

#[test]
fn templates_that_do_not_render_are_found() {
    let hlk = "test_harness = \"hlk\"\ndevice_type = \"internal\"\nrequested_signatures = \"from_package\"\n";
    let name = |name: &str| product(&format!("name = \"{name}\"\n{hlk}"));
    assert_eq!(
        name("{{ inf.verison }}{{ file.stem }}"),
        ["4:8 `inf` has no `verison` [did you mean `version`?]"]
    );
    assert_eq!(
        name("{{ inf.version }} {{ inf.stem | uper }}"),
        [
            "4:8 `{{ inf.version }} {{ inf.stem | uper }}` cannot be rendered: unknown filter: filter uper is unknown"
        ]
    );
    assert_eq!(
        name("{{ inf.version "),
        [
            "4:8 `{{ inf.version ` is not a template: syntax error: unexpected end of input, expected end of variable block"
        ]
    );
    assert_eq!(
        name(""),
        [
            "4:8 this text is empty; leave the key out to send nothing",
            "4:8 this can render the same name for two packages [show something that differs, such as `{{ inf.version }}`, `{{ file.stem }}` or `{{ package.sha256[:8] }}`; products with the same name are hard to distinguish]"
        ]
    );
    assert_eq!(name("{{ inf.version | split('.') | first }} {{ infs[1].name }}"), NOTHING);
}

#[test]
fn rules_name_accounts_that_there_are() {
    let account = |name: &str| format!("[accounts.{name}]\nmanaged_identity = true\n");
    let rule = |key: &str| {
        format!(
            "[[rule]]\nname = \"r\"\n{key}\n[rule.product]\nname = \"{{{{ inf.version }}}}\"\ntest_harness = \"hlk\"\n\
             device_type = \"internal\"\nrequested_signatures = \"from_package\"\n"
        )
    };
    let one = config(&format!("{}{}", account("eu"), rule("")));
    assert_eq!(one.rules[0].account, "eu");
    let both = format!("{}{}", account("eu"), account("us"));
    assert_eq!(config(&format!("{both}{}", rule("account = \"us\""))).rules[0].account, "us");
    assert_eq!(
        lines(&format!("{both}{}", rule("account = \"uk\""))),
        ["7:11 there is no account `uk` [did you mean `us`?]"]
    );
    assert_eq!(
        lines(&format!("{both}{}", rule(""))),
        ["6:8 there are several accounts, and the rule names none [set `account = \"eu\"` in the rule]"]
    );
}

#[test]
fn folder_sets_retention_and_priority() {
    let config = config(
        "[store]\nmin_free = \"2GiB\"\n[[folder]]\nname = \"a\"\npath = \"/a\"\nready = \"marker:.done\"\npriority = 3\noutbox_keep = \"30d\"\n",
    );
    assert_eq!(config.store.min_free, Some(2 << 30));
    let folder = &config.folders[0];
    assert_eq!((folder.priority, folder.outbox_keep), (3, Some(std::time::Duration::from_secs(30 * 86_400))));
}

#[test]
fn checks_are_known_by_name() {
    use dropship_package::{Level, Policy};
    let known = Policy::known_checks();
    let free = known.iter().find(|check| !check.fixed).expect("a check").name;
    let fixed = known.iter().find(|check| check.fixed).expect("a fixed check").name;
    assert_eq!(config(&format!("[preflight]\n{free} = \"off\"\n")).preflight[free], Level::Off);
    assert_eq!(
        lines(&format!("[preflight]\n{fixed} = \"off\"\n"))[0].split(" [").next(),
        Some(format!("2:{} the level of `{fixed}` cannot be changed", fixed.len() + 4).as_str())
    );
    let misspelt = format!("x{free}");
    assert_eq!(
        lines(&format!("[preflight]\n{misspelt} = \"warn\"\nzzz = \"loud\"\n")),
        [
            format!("2:{} there is no check `{misspelt}` [did you mean `{free}`?]", misspelt.len() + 4),
            "3:7 `loud` is not a value of this key [known here: `off`, `info`, `warn` and `error`]"
                .to_owned(),
        ]
    );
}

#[test]
fn unclassified_product_for_retail_is_a_warning() {
    let rule = |label: &str| {
        lines(&format!(
            "[[rule]]\nname = \"r\"\n[rule.product]\nname = \"{{{{ inf.version }}}}\"\ntest_harness = \"hlk\"\n\
             device_type = \"internal\"\nrequested_signatures = \"from_package\"\n\
             selected_product_types = {{ windows_v100_CO = \"Unclassified\" }}\n\
             [[rule.label]]\nname = \"{{{{ inf.version }}}}\"\ndestination = \"windows_update\"\n{label}\n"
        ))
    };
    assert_eq!(rule("audiences = \"Beta\""), NOTHING);
    assert_eq!(
        rule(""),
        [
            "4:8 the product type of `windows_v100_CO` is Unclassified, and a label goes to retail [Microsoft reviews \
             such labels once more (Microsoft, \"Publishing restrictions\")]"
        ]
    );
}
