//! Matches of globs, compared with a table and with regular expressions.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use dropship_glob::{CharSet, Domain, Glob, any, escape};
use proptest::prelude::*;

fn glob(text: &str) -> Glob {
    Glob::new(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn glob_matches_whole_texts_as_documented() {
    let cases: [(&str, &[&str], &[&str]); 27] = [
        (
            "pci\\ven_8086*",
            &["PCI\\VEN_8086&DEV_1234", "pci\\ven_8086"],
            &["PCI\\VEN_10DE", "xpci\\ven_8086"],
        ),
        ("*.CAB", &["x.cab", ".cab"], &["x.cab2", "cab"]),
        ("*audio*", &["My Audio.cab", "audio"], &["aud io"]),
        ("*", &["", "x/y\\z", "new\nline"], &[]),
        ("**", &["", "x"], &[]),
        ("a?c", &["aBc", "aäc", "a😀c", "a/c"], &["ac", "abbc", "a\u{308}\u{308}c"]),
        ("????", &["日本語字", "abcd"], &["日本", "abcde"]),
        ("[a-c]x", &["ax", "Bx", "CX"], &["dx", "x", "abx"]),
        ("[!a-c]x", &["dx", "ÄX", "-x"], &["ax", "BX", "x"]),
        ("[^k]", &["j"], &["k", "K", "\u{212a}"]),
        ("[ä-ö]", &["Ä", "é"], &["a", "Z"]),
        ("[]]", &["]"], &["[]", ""]),
        ("[!]]", &["x"], &["]"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[*][?][[][{][}][,]", &["*?[{},"], &["xxxxxx"]),
        ("x{a,b}y", &["xay", "XBY"], &["xy", "xaby", "x{a,b}y"]),
        ("x{a,}y", &["xay", "xy"], &["xby"]),
        ("{,a}{,b}", &["", "a", "b", "AB"], &["ba"]),
        ("{a*,?z}.cab", &["a.cab", "abc.cab", "yz.cab"], &["z.cab", "b.cab"]),
        ("{[a,],b}", &["a", ",", "b"], &["[a", "a,"]),
        ("{4d36e96c-*}", &["{4D36E96C-e325}"], &["4d36e96c-e325"]),
        ("{}", &["{}"], &[""]),
        ("*a*b*c", &["xAyBzC", "abc"], &["bac", "abcd"]),
        ("ab*ba", &["abba", "abxba"], &["aba"]),
        ("ÄPFEL*", &["äpfel.cab"], &["apfel"]),
        ("straße", &["STRAẞE", "STRAßE"], &["strasse"]),
        ("kelvin", &["\u{212a}ELVIN"], &["elvin"]),
    ];
    for (text, matching, not_matching) in cases {
        matching.iter().for_each(|found| assert!(glob(text).is_match(found), "{text} matches {found}"));
        not_matching
            .iter()
            .for_each(|found| assert!(!glob(text).is_match(found), "{text} does not match {found}"));
    }
}

#[test]
fn text_without_defined_meaning_is_refused_with_advice() {
    for (text, why) in [
        ("", "it is empty"),
        ("[a", "`[` has no closing `]`"),
        ("a]", "`]` has no opening `[`"),
        ("[]", "contain no character"),
        ("[!]", "contain no character"),
        ("[z-a]", "`z-a` runs from a higher to a lower character"),
        ("[a[b]", "`[` inside brackets must be their first character"),
        ("{a,b", "`{` has no closing `}`"),
        ("a}", "`}` has no opening `{`"),
        ("{a,{b,c}}", "braces cannot be nested"),
        ("{a{b}c}", "braces cannot be nested"),
        (&"x".repeat(4097), "longer than 4096 bytes"),
    ] {
        let error = Glob::new(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert_eq!(
        Glob::new("{a,{b}}").expect_err("nested").to_string(),
        "`{a,{b}}` is not a glob: braces cannot be nested; write a list of globs, or `[{]` for the character `{`"
    );
}

#[test]
fn glob_covers_another_only_when_it_surely_does() {
    let covers = |a: &str, b: &str| glob(a).covers(&glob(b));
    for (wide, narrow) in [
        ("*", "x*y"),
        ("con*", "Contoso*"),
        ("*.cab", "x.CAB"),
        ("*tos*", "contoso*"),
        ("*.cab", "audio*.cab"),
        ("pci*", "PCI\\VEN_{8086,10de}*"),
        ("*b*", "*abc*"),
        ("{a,b}", "B"),
    ] {
        assert!(covers(wide, narrow), "{wide} {narrow}");
    }
    for (wide, narrow) in [("contoso*", "con*"), ("*.cab", "*"), ("*.cab", "*.{cab,hlkx}"), ("a?c", "abc*")] {
        assert!(!covers(wide, narrow), "{wide} {narrow}");
    }
}

#[test]
fn glob_that_matches_no_text_of_a_domain_is_recognised() {
    let infs = Domain::of(CharSet::all_but("/\\")).with_shapes(vec![glob("*.inf")]);
    for possible in ["*", "echo.inf", "e*", "*.i?f", "{a,b}.INF", "{x/y,x}.inf", "?????"] {
        assert!(infs.meets(&glob(possible)), "{possible}");
    }
    for never in ["echo", "sub/echo.inf", "*.sys", "???", "{a/,b\\}*", "*inf[!f]"] {
        assert!(!infs.meets(&glob(never)), "{never}");
    }
    let digits = Domain::of(CharSet::of([('0', '9')]));
    assert!(digits.meets(&glob("*1*")) && !digits.meets(&glob("v*")));
    assert!(glob("a*").meets(&glob("*B")) && !glob("a*").meets(&glob("b*")));
}

/// The same glob as a regular expression, by another parser: groups of braces and brackets are found with expressions.
fn regex_of(glob: &str) -> regex::Regex {
    let part = regex::Regex::new(r"\{([^{}]*,[^{}]*)\}|(\[[^\]]+\])|([*?])|(.)").unwrap();
    fn write(part: &regex::Regex, glob: &str, in_braces: bool, out: &mut String) {
        for found in part.captures_iter(glob) {
            if let Some(choices) = found.get(1) {
                out.push_str("(?:");
                write(part, choices.as_str(), true, out);
                out.push(')');
            } else if let Some(class) = found.get(2) {
                out.push_str(&class.as_str().replacen("[!", "[^", 1));
            } else {
                match found.get(0).unwrap().as_str() {
                    "*" => out.push_str(".*"),
                    "?" => out.push('.'),
                    "," if in_braces => out.push('|'),
                    letter => out.push_str(&regex::escape(letter)),
                }
            }
        }
    }
    let mut text = "(?is)^(?:".to_owned();
    write(&part, glob, false, &mut text);
    regex::Regex::new(&(text + ")$")).unwrap()
}

fn a_glob() -> impl Strategy<Value = String> {
    let letter = prop_oneof!["[abkAB1äÄß_-]", Just("\\".to_owned()), Just("\u{212a}".to_owned())];
    let simple = prop_oneof![
        8 => letter,
        2 => Just("*".to_owned()),
        1 => Just("?".to_owned()),
        1 => "\\[!?[abkä1]{1,3}\\]",
    ];
    let sequence = proptest::collection::vec(simple, 0..5).prop_map(|parts| parts.concat());
    let braces =
        proptest::collection::vec(sequence.clone(), 2..4).prop_map(|all| format!("{{{}}}", all.join(",")));
    let parts = proptest::collection::vec(prop_oneof![3 => sequence, 1 => braces], 1..5);
    parts.prop_map(|parts| parts.concat()).prop_filter("not empty", |glob| !glob.is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn glob_matches_what_its_regular_expression_matches(text in a_glob(), found in "[abkKAB1äÄßẞ_\\\\-]{0,8}") {
        prop_assert_eq!(glob(&text).is_match(&found), regex_of(&text).is_match(&found), "{} {}", text, found);
    }

    #[test]
    fn globs_that_match_one_text_meet(a in a_glob(), b in a_glob(), text in "[abkäB1_]{0,4}") {
        let (a, b) = (glob(&a), glob(&b));
        let both = a.is_match(&text) && b.is_match(&text);
        prop_assert!(!both || a.meets(&b), "{} {} {}", a, b, text);
        prop_assert!(!a.covers(&b) || !b.is_match(&text) || a.is_match(&text), "{} covers {}: {}", a, b, text);
    }

    #[test]
    fn escaped_text_matches_itself_only(text in "[a*?{},\\[\\]!^ä-]{1,6}", other in "[a*?{},\\[\\]!^ä-]{1,6}") {
        let literal = Glob::literal(&text).unwrap();
        prop_assert!(literal.is_match(&text) && any(std::slice::from_ref(&literal), &text));
        prop_assert_eq!(literal.is_match(&other), text.to_lowercase() == other.to_lowercase());
        prop_assert_eq!(literal.only_text(), Some(text.clone()));
        let within = glob(&format!("{{x,{}}}", escape(&text)));
        let longer = format!("{text}y");
        prop_assert!(within.is_match(&text) && !within.is_match(&longer));
    }
}

#[test]
fn literal_prefix_ends_at_the_first_choice() {
    for (text, prefix) in [
        (r"PCI\VEN_8086*", r"PCI\VEN_8086"),
        (r"pci\ven_{8086,10de}&dev_*", r"pci\ven_"),
        ("*dev_1", ""),
        ("a?c", "a"),
        ("[ab]c", ""),
        ("whole", "whole"),
        ("{guid}", "{guid}"),
    ] {
        assert_eq!(Glob::new(text).expect(text).literal_prefix(), prefix);
    }
}
