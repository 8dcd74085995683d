//! What was predicted, against what is true.

use svg::node::element::Circle;

use super::frame::{Anchor, Frame, line, picture, rounded, words};
use crate::run::Scatter;
use crate::words::short;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 360.0;

/// A point for each sample, and the line on which they would all lie.
pub(crate) fn scatter(of: &Scatter, label: &str) -> String {
    let values = of.points.iter().flat_map(|&(truth, made)| [truth, made]);
    let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = if low < high {
        [low, high]
    } else {
        [low - 0.5, low + 0.5]
    };
    let frame = Frame {
        left: 70.0,
        top: 12.0,
        width: WIDTH - 70.0 - 18.0,
        height: HEIGHT - 12.0 - 44.0,
        x: range,
        y: range,
    };
    let mut document = frame.rows(picture(WIDTH, HEIGHT, label), short);
    document = frame.columns(document, short);
    document = document
        .add(line(
            "ideal",
            [frame.left, frame.bottom()],
            [frame.right(), frame.top],
        ))
        .add(frame.base())
        .add(words("true", [frame.right(), HEIGHT - 4.0], Anchor::End))
        .add(words(
            "predicted",
            [frame.left + 6.0, frame.top + 10.0],
            Anchor::Start,
        ));
    for &(truth, made) in &of.points {
        let point = Circle::new()
            .set("class", "dot own")
            .set("cx", rounded(frame.x(truth)))
            .set("cy", rounded(frame.y(made)))
            .set("r", 3);
        document = document.add(point);
    }
    document.to_string()
}
