//! One page of a list, and its link to the next one.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use dropship_redact::mask;

use crate::json;

/// One page: an envelope as documented, or a plain array.
#[derive(Debug)]
pub(super) struct Page<E> {
    pub(super) entries: Vec<E>,
    pub(super) next: NextPage,
    pub(super) form: PageForm,
}

/// The form in which the entries of a page came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageForm {
    /// The array `value` of an envelope.
    Envelope,
    /// A plain array.
    PlainArray,
    /// No array, for this reason: entries may be missing.
    NoArray(String),
}

/// The continuation of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextPage {
    /// No page.
    None,
    /// The page with this continuation token, encoded as it came.
    Token(String),
    /// Probably a page, but not one that can be requested, for this reason.
    Unusable(String),
}

impl<E> Page<E> {
    /// Reads a page, with the entries that it has. `entry` reads each of them as soon as it is parsed, so that there is never a
    /// tree of the whole page.
    ///
    /// # Errors
    /// When the page is neither an object nor an array.
    pub(super) fn read(body: &[u8], entry: impl Fn(Value) -> E) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json::within_budget(body)?);
        let page = (&mut deserializer).deserialize_any(PageVisitor(&entry))?;
        deserializer.end()?;
        Ok(page)
    }
}

struct PageVisitor<'a, F>(&'a F);

impl<'de, E, F: Fn(Value) -> E> Visitor<'de> for PageVisitor<'_, F> {
    type Value = Page<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a page of one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Page<E>, A::Error> {
        Ok(Page { entries: each(seq, self.0)?, next: NextPage::None, form: PageForm::PlainArray })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<E>, A::Error> {
        let mut entries = None;
        // The fields that can announce another page.
        let mut others = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "value" {
                entries = Some(map.next_value_seed(Entries(self.0))?);
            } else if key == "links" || is_next(&key) {
                others.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let none = || (Vec::new(), PageForm::NoArray("it has no `value`".to_owned()));
        let (entries, form) = entries.unwrap_or_else(none);
        Ok(Page { entries, next: next(&others), form })
    }
}

fn each<'de, A: SeqAccess<'de>, E>(mut seq: A, entry: impl Fn(Value) -> E) -> Result<Vec<E>, A::Error> {
    let mut entries = Vec::new();
    while let Some(value) = seq.next_element()? {
        entries.push(entry(value));
    }
    Ok(entries)
}

/// Reads the entries in the field `value` of an envelope.
struct Entries<'a, F>(&'a F);

impl<'de, E, F: Fn(Value) -> E> DeserializeSeed<'de> for Entries<'_, F> {
    type Value = (Vec<E>, PageForm);

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, E, F: Fn(Value) -> E> Visitor<'de> for Entries<'_, F> {
    type Value = (Vec<E>, PageForm);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Ok((each(seq, self.0)?, PageForm::Envelope))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some((key, value)) = map.next_entry()? {
            fields.insert(key, value);
        }
        Ok(match fields.is_empty() {
            true => no_array("an empty object"),
            false => (vec![(self.0)(Value::Object(fields))], no_array::<E>("an object").1),
        })
    }

    fn visit_unit<R: Error>(self) -> Result<Self::Value, R> {
        Ok(no_array("null"))
    }

    fn visit_bool<R: Error>(self, _: bool) -> Result<Self::Value, R> {
        Ok(no_array("a plain value"))
    }

    fn visit_i64<R: Error>(self, _: i64) -> Result<Self::Value, R> {
        Ok(no_array("a plain value"))
    }

    fn visit_u64<R: Error>(self, _: u64) -> Result<Self::Value, R> {
        Ok(no_array("a plain value"))
    }

    fn visit_f64<R: Error>(self, _: f64) -> Result<Self::Value, R> {
        Ok(no_array("a plain value"))
    }

    fn visit_str<R: Error>(self, _: &str) -> Result<Self::Value, R> {
        Ok(no_array("a plain value"))
    }
}

fn no_array<E>(what: &str) -> (Vec<E>, PageForm) {
    (Vec::new(), PageForm::NoArray(format!("its `value` is {what} instead of an array")))
}

/// The continuation, by the links and the other fields of an envelope.
fn next(page: &Map<String, Value>) -> NextPage {
    let links = match page.get("links") {
        None | Some(Value::Null) => NextPage::None,
        Some(Value::Array(links)) => links.iter().map(of_link).fold(NextPage::None, NextPage::or),
        Some(Value::Object(link)) if link.contains_key("href") => of_link(&Value::Object(link.clone())),
        // `{"next_link": {"href": …}}` or `{"next_link": "…"}`: relations as keys.
        Some(Value::Object(links)) => links
            .iter()
            .filter(|(rel, value)| is_next(rel) && is_set(value))
            .map(|(rel, _)| named(rel))
            .fold(NextPage::None, NextPage::or),
        Some(_) => NextPage::Unusable("its links cannot be read".to_owned()),
    };
    let others = page.iter().filter(|(key, value)| *key != "links" && is_next(key) && is_set(value));
    others.map(|(key, _)| named(key)).fold(links, NextPage::or)
}

impl NextPage {
    /// The one that says more: a token, then a reason.
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Token(_), _) | (Self::Unusable(_), Self::None | Self::Unusable(_)) => self,
            _ => other,
        }
    }
}

/// The target of a link. A link whose relation is not documented is not followed: it may not lead to a page.
fn of_link(link: &Value) -> NextPage {
    let text = |key| {
        let fields = link.as_object().into_iter().flatten();
        let field = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        field.and_then(|(_, value)| value.as_str()).unwrap_or_default().trim()
    };
    let (rel, href) = (text("rel"), text("href"));
    let parameters = href.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or(query));
    let parameters = parameters.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    if rel.eq_ignore_ascii_case("next_link") || rel.eq_ignore_ascii_case("next") {
        let token = parameters
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("continuationToken"))
            .map(|(_, token)| token.trim())
            .find(|token| !token.is_empty());
        return match token {
            Some(token) => NextPage::Token(token.to_owned()),
            None => {
                NextPage::Unusable(format!("its link `{rel}` has no continuation token: `{}`", shown(href)))
            }
        };
    }
    let is_known = ["self", "first", "last", "prev", "previous", "previous_link"]
        .iter()
        .any(|known| rel.eq_ignore_ascii_case(known));
    if !is_known && (is_next(rel) || parameters.map(|(name, _)| name).any(is_next)) {
        return NextPage::Unusable(format!(
            "its link `{}` to more entries is not one of the documentation: `{}`",
            shown(rel),
            shown(href)
        ));
    }
    NextPage::None
}

/// Whether the name of a field, relation or parameter announces more entries, such as `@odata.nextLink` or `$skiptoken`.
fn is_next(name: &str) -> bool {
    let word: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    ["next", "continu", "token", "skip", "cursor", "hasmore", "more"].iter().any(|part| word.contains(part))
}

/// Whether a field has a value that says something.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn named(key: &str) -> NextPage {
    NextPage::Unusable(format!(
        "its field `{}` announces more entries in a way that is not documented",
        shown(key)
    ))
}

/// A text of the service for a message: masked and short.
fn shown(text: &str) -> String {
    let text = mask(text);
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// Reads a page, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn read_page(bytes: &[u8]) {
    if let Ok(page) = Page::read(bytes, |entry| entry)
        && let NextPage::Token(token) = page.next
    {
        assert!(!token.is_empty(), "a token has text");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(page: &Value) -> Result<Page<Value>, serde_json::Error> {
        Page::read(page.to_string().as_bytes(), |entry| entry)
    }

    #[expect(clippy::needless_pass_by_value, reason = "the cases are literals")]
    fn next_of(page: Value) -> NextPage {
        read(&page).expect("a page").next
    }

    fn link(rel: &str, href: &str) -> NextPage {
        next_of(
            json!({"value": [], "links": [{"rel": "self", "href": "https://h/products?pageSize=50"}, {"rel": rel, "href": href}]}),
        )
    }

    #[test]
    fn link_yields_its_token_only() {
        let real = "https:// evil.example/api/products?pageSize=50&continuationToken=PD94%2Bb%3D%3D";
        let token = NextPage::Token("PD94%2Bb%3D%3D".to_owned());
        assert_eq!(link("next_link", real), token);
        assert_eq!(link("Next", real), token);
        assert_eq!(next_of(json!({"value": [], "links": [{"Rel": "next_link", "Href": real}]})), token);
        assert_eq!(link("self", real), NextPage::None);
        assert_eq!(link("previous", real), NextPage::None);
        assert_eq!(link("get_submissions", "https://h/products/1/submissions"), NextPage::None);
    }

    #[test]
    fn next_link_without_usable_token_is_no_end() {
        let unusable = |next: NextPage| assert!(matches!(next, NextPage::Unusable(_)), "{next:?}");
        unusable(link("next_link", "https://h/products?continuationToken="));
        unusable(link("next_link", "https://h/products?pageSize=50&$skiptoken=abc"));
        unusable(link("next_link", "https://h/products?page=2"));
        unusable(link("next_link", ""));
        unusable(link("nextPage", "https://h/products?continuationToken=abc"));
        unusable(link("", "https://h/products?continuationToken=abc"));
        unusable(link("more", "https://h/products?page=2"));
        unusable(next_of(json!({"value": [], "@odata.nextLink": "https://h/products?$skiptoken=abc"})));
        unusable(next_of(json!({"value": [], "nextLink": "https://h/products?continuationToken=abc"})));
        unusable(next_of(json!({"value": [], "continuationToken": "abc"})));
        unusable(next_of(json!({"value": [], "hasMore": true})));
        unusable(next_of(
            json!({"value": [], "links": {"next_link": "https://h/products?continuationToken=abc"}}),
        ));
        unusable(next_of(json!({"value": [], "links": [{"rel": "next_link"}]})));
        unusable(next_of(json!({"value": [], "links": [{"rel": "next_link", "href": null}]})));
        unusable(next_of(json!({"value": [], "links": "https://h/products"})));
    }

    #[test]
    fn page_without_announcement_is_the_last() {
        for page in [
            json!([]),
            json!({"value": []}),
            json!({"value": [], "links": null}),
            json!({"value": [], "links": [], "nextLink": null, "continuationToken": "", "hasMore": false, "count": 2}),
        ] {
            assert_eq!(next_of(page), NextPage::None);
        }
    }

    #[test]
    fn token_wins_over_another_announcement() {
        let page = json!({"value": [], "nextLink": "https://h/x?y",
            "links": [{"rel": "next_link", "href": "https://h/products?continuationToken=abc"}]});
        assert_eq!(next_of(page), NextPage::Token("abc".to_owned()));
    }

    #[test]
    fn page_without_array_is_read_as_far_as_it_goes() {
        for (page, count) in [
            (json!({"value": null}), 0),
            (json!({"links": []}), 0),
            (json!({"value": {}}), 0),
            (json!({"value": {"id": 1}}), 1),
            (json!({"value": "x"}), 0),
            (json!({"items": [{"id": 1}]}), 0),
        ] {
            let page = read(&page).expect("a page");
            assert!(matches!(page.form, PageForm::NoArray(_)) && page.entries.len() == count, "{page:?}");
        }
        assert_eq!(read(&json!([])).expect("a page").form, PageForm::PlainArray);
        assert_eq!(read(&json!({"value": []})).expect("a page").form, PageForm::Envelope);
        for page in [json!("x"), json!(null), json!(5)] {
            read(&page).expect_err("no list");
        }
    }
}
