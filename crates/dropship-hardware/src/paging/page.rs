//! One page of a list, and its link to the next one.

use serde::de::Error as _;
use serde_json::{Map, Value};

use dropship_redact::mask;

/// One page: an envelope as documented, or a plain array.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) entries: Vec<Value>,
    pub(super) next: Next,
    pub(super) form: Form,
}

/// The form in which the entries of a page came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The array `value` of an envelope.
    Envelope,
    /// A plain array.
    PlainArray,
    /// No array, for this reason: entries may be missing.
    NoArray(String),
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// No page.
    None,
    /// The page with this continuation token, encoded as it came.
    Token(String),
    /// Probably a page, but not one that can be requested, for this reason.
    Unusable(String),
}

impl Page {
    /// Reads a page, with the entries that it has.
    ///
    /// # Errors
    /// When the page is neither an object nor an array.
    pub(super) fn read(value: Value) -> Result<Self, serde_json::Error> {
        match value {
            Value::Array(entries) => Ok(Self { entries, next: Next::None, form: Form::PlainArray }),
            Value::Object(mut page) => {
                let (entries, form) = entries(page.remove("value"));
                Ok(Self { entries, next: next(&page), form })
            }
            _ => Err(serde_json::Error::custom("neither a list nor a page of one")),
        }
    }
}

/// The entries in the field `value` of an envelope.
fn entries(value: Option<Value>) -> (Vec<Value>, Form) {
    let no_array = |what: &str| Form::NoArray(format!("its `value` is {what} instead of an array"));
    match value {
        Some(Value::Array(entries)) => (entries, Form::Envelope),
        Some(Value::Object(entry)) if !entry.is_empty() => {
            (vec![Value::Object(entry)], no_array("an object"))
        }
        Some(Value::Object(_)) => (Vec::new(), no_array("an empty object")),
        Some(Value::Null) => (Vec::new(), no_array("null")),
        Some(_) => (Vec::new(), no_array("a plain value")),
        None => (Vec::new(), Form::NoArray("it has no `value`".to_owned())),
    }
}

/// What follows, by the links and the other fields of an envelope.
fn next(page: &Map<String, Value>) -> Next {
    let links = match page.get("links") {
        None | Some(Value::Null) => Next::None,
        Some(Value::Array(links)) => links.iter().map(of_link).fold(Next::None, Next::or),
        Some(Value::Object(link)) if link.contains_key("href") => of_link(&Value::Object(link.clone())),
        // `{"next_link": {"href": …}}` or `{"next_link": "…"}`: relations as keys.
        Some(Value::Object(links)) => links
            .iter()
            .filter(|(rel, value)| is_next(rel) && is_set(value))
            .map(|(rel, _)| named(rel))
            .fold(Next::None, Next::or),
        Some(_) => Next::Unusable("its links cannot be read".to_owned()),
    };
    let others = page.iter().filter(|(key, value)| *key != "links" && is_next(key) && is_set(value));
    others.map(|(key, _)| named(key)).fold(links, Next::or)
}

impl Next {
    /// The one that says more: a token, then a reason.
    fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Token(_), _) | (Self::Unusable(_), Self::None | Self::Unusable(_)) => self,
            _ => other,
        }
    }
}

/// What a link leads to. A link whose relation is not documented is not followed: it may not lead to a page.
fn of_link(link: &Value) -> Next {
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
            Some(token) => Next::Token(token.to_owned()),
            None => Next::Unusable(format!("its link `{rel}` has no continuation token: `{}`", shown(href))),
        };
    }
    let is_own = ["self", "first", "last", "prev", "previous", "previous_link"]
        .iter()
        .any(|known| rel.eq_ignore_ascii_case(known));
    if !is_own && (is_next(rel) || parameters.map(|(name, _)| name).any(is_next)) {
        return Next::Unusable(format!(
            "its link `{}` to more entries is not one of the documentation: `{}`",
            shown(rel),
            shown(href)
        ));
    }
    Next::None
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

fn named(key: &str) -> Next {
    Next::Unusable(format!(
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn next_of(page: Value) -> Next {
        Page::read(page).expect("a page").next
    }

    fn link(rel: &str, href: &str) -> Next {
        next_of(
            json!({"value": [], "links": [{"rel": "self", "href": "https://h/products?pageSize=50"}, {"rel": rel, "href": href}]}),
        )
    }

    #[test]
    fn link_yields_its_token_only() {
        let real = "https:// evil.example/api/products?pageSize=50&continuationToken=PD94%2Bb%3D%3D";
        let token = Next::Token("PD94%2Bb%3D%3D".to_owned());
        assert_eq!(link("next_link", real), token);
        assert_eq!(link("Next", real), token);
        assert_eq!(next_of(json!({"value": [], "links": [{"Rel": "next_link", "Href": real}]})), token);
        assert_eq!(link("self", real), Next::None);
        assert_eq!(link("previous", real), Next::None);
        assert_eq!(link("get_submissions", "https://h/products/1/submissions"), Next::None);
    }

    #[test]
    fn next_link_without_usable_token_is_no_end() {
        let unusable = |next: Next| assert!(matches!(next, Next::Unusable(_)), "{next:?}");
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
            assert_eq!(next_of(page), Next::None);
        }
    }

    #[test]
    fn token_wins_over_another_announcement() {
        let page = json!({"value": [], "nextLink": "https://h/x?y",
            "links": [{"rel": "next_link", "href": "https://h/products?continuationToken=abc"}]});
        assert_eq!(next_of(page), Next::Token("abc".to_owned()));
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
            let page = Page::read(page).expect("a page");
            assert!(matches!(page.form, Form::NoArray(_)) && page.entries.len() == count, "{page:?}");
        }
        assert_eq!(Page::read(json!([])).expect("a page").form, Form::PlainArray);
        assert_eq!(Page::read(json!({"value": []})).expect("a page").form, Form::Envelope);
        for page in [json!("x"), json!(null), json!(5)] {
            Page::read(page).expect_err("no list");
        }
    }
}
