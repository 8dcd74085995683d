//! A plot: its place in a picture, its axes and their marks.

use svg::Document;
use svg::node::element::{Line, Text};

/// Marks on an axis, about.
const MARKS: f64 = 4.0;

/// A plot with two axes that grow to the right and upwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    /// What lies between left and right.
    pub x: [f64; 2],
    /// What lies between bottom and top.
    pub y: [f64; 2],
}

impl Frame {
    pub fn x(&self, value: f64) -> f64 {
        self.left + self.width * share(value, self.x)
    }

    pub fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - share(value, self.y))
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Lines across the plot with their values on the left.
    pub fn rows(&self, document: Document, written: impl Fn(f64) -> String) -> Document {
        ticks(self.y).into_iter().fold(document, |document, value| {
            let y = self.y(value);
            document
                .add(line("grid", [self.left, y], [self.right(), y]))
                .add(words(
                    &written(value),
                    [self.left - 8.0, y + 4.0],
                    Anchor::End,
                ))
        })
    }

    /// Marks below the plot with their values.
    pub fn columns(&self, document: Document, written: impl Fn(f64) -> String) -> Document {
        let bottom = self.bottom();
        ticks(self.x).into_iter().fold(document, |document, value| {
            let x = self.x(value);
            document
                .add(line("axis", [x, bottom], [x, bottom + 4.0]))
                .add(words(&written(value), [x, bottom + 18.0], Anchor::Middle))
        })
    }

    /// The line at the bottom.
    pub fn base(&self) -> Line {
        line(
            "axis",
            [self.left, self.bottom()],
            [self.right(), self.bottom()],
        )
    }
}

fn share(value: f64, [low, high]: [f64; 2]) -> f64 {
    let share = (value - low) / (high - low);
    if share.is_finite() {
        share.clamp(-0.02, 1.02)
    } else {
        0.0
    }
}

/// Round values in a range.
pub(super) fn ticks([low, high]: [f64; 2]) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return vec![low];
    }
    let rough = span / MARKS;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first).clamp(0.0, 20.0) as usize;
    (0..=count).map(|at| (first + at as f64) * step).collect()
}

/// Where words begin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Words at a place.
pub(super) fn words(text: &str, [x, y]: [f64; 2], anchor: Anchor) -> Text {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    Text::new(text)
        .set("class", "words")
        .set("font-size", 12)
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("text-anchor", anchor)
}

/// A line between two places.
pub(super) fn line(class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) -> Line {
    Line::new()
        .set("class", class)
        .set("x1", rounded(x1))
        .set("y1", rounded(y1))
        .set("x2", rounded(x2))
        .set("y2", rounded(y2))
}

/// A picture of a size, with what it shows for whoever does not see it.
pub(super) fn picture(width: f64, height: f64, label: &str) -> Document {
    Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("role", "img")
        .set("aria-label", label)
}

/// Points of a line, as SVG wants them.
pub(super) fn points(of: impl Iterator<Item = [f64; 2]>) -> String {
    let of = of.map(|[x, y]| format!("{:.1},{:.1}", x, y));
    of.collect::<Vec<_>>().join(" ")
}

/// Tenths of a pixel are enough.
pub(super) fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_inside() {
        assert_eq!(ticks([0.0, 1.0]), [0.0, 0.5, 1.0]);
        assert_eq!(ticks([0.0, 24.0]), [0.0, 10.0, 20.0]);
        assert_eq!(ticks([3.0, 3.0]), [3.0]);
        assert_eq!(ticks([f64::NAN, 3.0]).len(), 1);
        for marks in [ticks([-7.3, 1234.5]), ticks([1e-9, 3e-9])] {
            assert!((2..=7).contains(&marks.len()), "{marks:?}");
        }
    }
}
