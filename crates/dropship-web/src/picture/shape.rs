//! Small shapes. Each meaning has a shape of its own, so that no reader depends on colours.

use maud::{Markup, html};

use super::frame::{at, points};

/// A check mark.
pub(super) fn check(x: f64, y: f64, size: f64) -> Markup {
    let line = [(-0.5, 0.0), (-0.15, 0.35), (0.5, -0.35)].map(|(dx, dy)| (x + dx * size, y + dy * size));
    html! { polyline.stroke points=(points(line)) {} }
}

/// A cross.
pub(super) fn cross(x: f64, y: f64, size: f64) -> Markup {
    let half = size * 0.4;
    html! {
        polyline.stroke points=(points([(x - half, y - half), (x + half, y + half)])) {}
        polyline.stroke points=(points([(x - half, y + half), (x + half, y - half)])) {}
    }
}

/// Two bars, as a player shows a pause.
pub(super) fn pause(x: f64, y: f64, size: f64) -> Markup {
    let (height, offset) = (size * 0.4, size * 0.2);
    html! {
        polyline.stroke points=(points([(x - offset, y - height), (x - offset, y + height)])) {}
        polyline.stroke points=(points([(x + offset, y - height), (x + offset, y + height)])) {}
    }
}

/// A triangle that points to the right.
pub(super) fn play(x: f64, y: f64, size: f64) -> Markup {
    let corners = [(-0.3, -0.42), (-0.3, 0.42), (0.45, 0.0)].map(|(dx, dy)| (x + dx * size, y + dy * size));
    html! { polygon.fill points=(points(corners)) {} }
}

/// The hands of a clock.
pub(super) fn clock(x: f64, y: f64, size: f64) -> Markup {
    let hands = [(0.0, -0.5), (0.0, 0.0), (0.35, 0.2)].map(|(dx, dy)| (x + dx * size, y + dy * size));
    html! { polyline.stroke points=(points(hands)) {} }
}

/// A horizontal bar.
pub(super) fn minus(x: f64, y: f64, size: f64) -> Markup {
    html! { polyline.stroke points=(points([(x - size * 0.4, y), (x + size * 0.4, y)])) {} }
}

/// A filled diamond.
pub(super) fn diamond(x: f64, y: f64, size: f64) -> Markup {
    let half = size / 2.0;
    html! { polygon.fill points=(points([(x, y - half), (x + half, y), (x, y + half), (x - half, y)])) {} }
}

/// A filled circle.
pub(super) fn disc(x: f64, y: f64, size: f64) -> Markup {
    html! { circle.fill cx=(at(x)) cy=(at(y)) r=(at(size / 2.0)) {} }
}

/// A ring.
pub(super) fn ring(x: f64, y: f64, size: f64) -> Markup {
    html! { circle.hollow cx=(at(x)) cy=(at(y)) r=(at(size / 2.0)) {} }
}

/// A filled square.
pub(super) fn square(x: f64, y: f64, size: f64) -> Markup {
    let half = size / 2.0;
    html! { rect.fill x=(at(x - half)) y=(at(y - half)) width=(at(size)) height=(at(size)) {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_around_their_middle_and_grow_with_their_size() {
        let stroke = |points: &str| format!("<polyline class=\"stroke\" points=\"{points}\"></polyline>");
        let fill = |points: &str| format!("<polygon class=\"fill\" points=\"{points}\"></polygon>");
        let (x, y) = (100.0, 200.0);
        for (shape, small, large) in [
            (
                check as fn(f64, f64, f64) -> Markup,
                stroke("95,200 98.5,203.5 105,196.5"),
                stroke("90,200 97,207 110,193"),
            ),
            (
                cross,
                stroke("96,196 104,204") + &stroke("96,204 104,196"),
                stroke("92,192 108,208") + &stroke("92,208 108,192"),
            ),
            (
                pause,
                stroke("98,196 98,204") + &stroke("102,196 102,204"),
                stroke("96,192 96,208") + &stroke("104,192 104,208"),
            ),
            (play, fill("97,195.8 97,204.2 104.5,200"), fill("94,191.6 94,208.4 109,200")),
            (clock, stroke("100,195 100,200 103.5,202"), stroke("100,190 100,200 107,204")),
            (minus, stroke("96,200 104,200"), stroke("92,200 108,200")),
            (diamond, fill("100,195 105,200 100,205 95,200"), fill("100,190 110,200 100,210 90,200")),
        ] {
            assert_eq!((shape(x, y, 10.0).into_string(), shape(x, y, 20.0).into_string()), (small, large));
        }
        let has = |shape: Markup, parts: &str| assert!(shape.0.contains(parts), "{}", shape.0);
        has(disc(x, y, 10.0), r#"class="fill" cx="100" cy="200" r="5""#);
        has(ring(x, y, 10.0), r#"class="hollow" cx="100" cy="200" r="5""#);
        has(square(x, y, 10.0), r#"x="95" y="195" width="10" height="10""#);
    }
}
