//! How sure a model is, against how often it is right.

use svg::node::element::{Circle, Polyline, Rectangle, Title};

use super::frame::{Anchor, Frame, line, picture, points, rounded, words};
use crate::run::Bin;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 340.0;

/// Highest bar of the counts.
const BAR: f64 = 46.0;

/// The curve, with the number of answers in each bin below it.
pub(crate) fn reliability(bins: &[Bin], label: &str) -> String {
    let frame = Frame {
        left: 56.0,
        top: 12.0,
        width: WIDTH - 56.0 - 18.0,
        height: HEIGHT - 12.0 - 44.0 - BAR - 12.0,
        x: [0.0, 1.0],
        y: [0.0, 1.0],
    };
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut document = frame.rows(picture(WIDTH, HEIGHT, label), percent);
    let counts = Frame {
        top: frame.bottom() + 12.0,
        height: BAR,
        y: [
            0.0,
            bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1) as f64,
        ],
        ..frame
    };
    document = counts.columns(document, percent);
    document = document
        .add(line(
            "ideal",
            [frame.x(0.0), frame.y(0.0)],
            [frame.x(1.0), frame.y(1.0)],
        ))
        .add(frame.base())
        .add(counts.base())
        .add(words(
            "how sure it is",
            [frame.right(), HEIGHT - 4.0],
            Anchor::End,
        ))
        .add(words(
            "right",
            [frame.left + 6.0, frame.top + 10.0],
            Anchor::Start,
        ));
    let width = frame.width / bins.len().max(1) as f64;
    for (at, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
        let top = counts.y(bin.count as f64);
        let bar = Rectangle::new()
            .set("class", "bar")
            .set("x", rounded(frame.left + width * at as f64 + 2.0))
            .set("y", rounded(top))
            .set("width", rounded(width - 4.0))
            .set("height", rounded((counts.bottom() - top).max(1.0)));
        document = document.add(bar.add(Title::new(format!("{} answers", bin.count))));
    }
    let known = || bins.iter().filter(|bin| bin.count > 0);
    let place = |bin: &Bin| {
        let count = bin.count as f64;
        [frame.x(bin.sure / count), frame.y(bin.right as f64 / count)]
    };
    document = document.add(
        Polyline::new()
            .set("class", "line own")
            .set("points", points(known().map(place))),
    );
    for bin in known() {
        let [x, y] = place(bin);
        let told = format!("{} of {} right", bin.right, bin.count);
        let point = Circle::new()
            .set("class", "point own")
            .set("cx", rounded(x))
            .set("cy", rounded(y))
            .set("r", 4);
        document = document.add(point.add(Title::new(told)));
    }
    document.to_string()
}
