//! Figures with their intervals, one below the other.

use svg::node::element::Circle;

use super::frame::{Anchor, Frame, line, picture, rounded, words};

/// A figure with its interval.
pub(crate) struct Interval {
    pub name: String,
    pub value: f64,
    pub interval: [f64; 2],
    /// Whether it is the one that the others are compared with.
    pub is_own: bool,
}

const WIDTH: f64 = 420.0;
const ROW: f64 = 34.0;

/// Each of `of` as a point on a line from the lower to the upper end of its interval.
pub(crate) fn intervals(of: &[Interval], written: impl Fn(f64) -> String, label: &str) -> String {
    let least = of.iter().map(|one| one.interval[0]).fold(0.0, f64::min);
    let frame = Frame {
        left: 110.0,
        top: 8.0,
        width: WIDTH - 110.0 - 24.0,
        height: ROW * of.len() as f64,
        x: [least.max(-1.0), 1.0],
        y: [0.0, 1.0],
    };
    let mut document = picture(WIDTH, frame.height + 40.0, label);
    document = frame.columns(document, &written);
    document = document.add(frame.base());
    for (row, one) in of.iter().enumerate() {
        let y = frame.top + ROW * (row as f64 + 0.5);
        let [low, high] = one.interval.map(|end| frame.x(end));
        let class = if one.is_own { "own" } else { "other" };
        let point = Circle::new()
            .set("class", format!("point {class}"))
            .set("cx", rounded(frame.x(one.value)))
            .set("cy", rounded(y))
            .set("r", 5);
        document = document
            .add(line("grid", [frame.left, y], [frame.right(), y]))
            .add(line(&format!("whisker {class}"), [low, y], [high, y]))
            .add(point)
            .add(words(&one.name, [frame.left - 10.0, y + 4.0], Anchor::End));
    }
    document.to_string()
}
