//! The frame around a picture.

use maud::{Markup, html};

use crate::text::clean;

/// A picture of `size` units with a title and a description. A narrow screen scrolls it sideways, also with the keyboard. `id` is
/// unique in its page.
pub(super) fn frame(id: &str, size: (u32, u32), title: &str, description: &str, content: &Markup) -> Markup {
    let (width, height) = size;
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-desc"));
    html! {
        div.picture tabindex="0" role="region" aria-label=(clean(title)) {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img"
                aria-labelledby=(format!("{title_id} {description_id}")) {
                title id=(title_id) { (clean(title)) }
                desc id=(description_id) { (clean(description)) }
                (content)
            }
        }
    }
}

/// A coordinate with one decimal; a value that is no number is 0.
pub(super) fn at(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

/// Points as SVG lists them.
pub(super) fn points(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let points = points.into_iter().map(|(x, y)| format!("{},{}", at(x), at(y)));
    points.collect::<Vec<_>>().join(" ")
}
