use std::collections::BTreeSet;

use memchr::memmem::Finder;

use crate::web::rows::{Row, RowFilter, SortOrder, contains_word, testing};

/// The words of a search: parts of all texts, and texts that no package has.
const WORDS: [&str; 28] = [
    "contoso",
    "audio.inf",
    "22.1",
    "ring",
    "test",
    "οδος",
    "οδοσ",
    "σασ",
    "σας",
    "wifi",
    "9.cab",
    "fabrikam",
    "9.0",
    "9.1",
    "ärger",
    "gmbh",
    "plain",
    "i̇stanbul",
    "istanbul",
    "straße",
    "strasse",
    "11529215",
    "465140",
    "1465",
    "no-such-text",
    "cabaudio",
    "-",
    "0000",
];

/// Whether one of the texts of a package contains a word, text by text.
fn contains(row: &Row, word: &str) -> bool {
    let infs = row.infs.iter().flatten();
    let of_infs = infs.flat_map(|inf| [Some(&inf.name), inf.provider.as_ref(), inf.version.as_ref()]);
    let ids = [row.product, row.submission].into_iter().flatten().map(|id| id.to_string());
    contains_word(&row.package, word)
        || of_infs.into_iter().flatten().any(|text| contains_word(text, word))
        || contains_word(row.id.as_str(), word)
        || ids.into_iter().any(|id| id.contains(word))
}

#[test]
fn search_finds_what_a_look_at_each_text_finds() {
    let rows = testing::rows();
    let ids: Vec<String> = rows.read().newest_first().map(|row| row.id.to_string()).collect();
    let words: Vec<&str> =
        WORDS.into_iter().chain(ids.iter().step_by(9).flat_map(|id| [id.as_str(), &id[3..9]])).collect();
    let mut found_any = 0;
    for (index, word) in words.iter().enumerate() {
        for wanted in [vec![*word], vec![*word, words[(index * 7 + 1) % words.len()]]] {
            let words = wanted.iter().map(|word| (*word).to_owned()).collect();
            let filter = RowFilter { words, ..RowFilter::default() };
            let page = rows.page(&filter, SortOrder::default(), &BTreeSet::new(), 0, usize::MAX);
            let found: Vec<_> = page.rows.iter().map(|(row, _)| row.id.clone()).collect();
            let all = rows.read();
            let expected = all.newest_first().filter(|row| wanted.iter().all(|word| contains(row, word)));
            assert_eq!(found, expected.map(|row| row.id.clone()).collect::<Vec<_>>(), "{wanted:?}");
            found_any += usize::from(!found.is_empty());
        }
        for row in rows.read().newest_first() {
            let in_label = row.labels.iter().any(|label| contains_word(&label.name, word));
            assert_eq!(row.has_label(&Finder::new(word)), in_label, "{word} in {row:?}");
        }
    }
    assert!(found_any > 40, "{found_any}");
}

#[test]
fn name_in_lower_case_is_that_of_the_file() {
    for row in testing::rows().read().newest_first() {
        assert_eq!(row.name_in_lower_case(), row.package.to_lowercase());
    }
}
