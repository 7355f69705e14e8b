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
