//! Losses, accuracy and learning rates, epoch by epoch, stage by stage.

use svg::Document;
use svg::node::element::{Circle, Polyline, Rectangle, Title};

use super::frame::{Anchor, Frame, line, picture, points, rounded, words};
use crate::document::{Epoch, Stage};
use crate::words::short;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 30.0;
const LOSS: f64 = 170.0;
const ACCURACY: f64 = 110.0;
const RATE: f64 = 56.0;
const BETWEEN: f64 = 30.0;
const BOTTOM: f64 = 40.0;

/// Epochs of a curve that are drawn; of more, evenly so many.
const MOST_EPOCHS: usize = 400;

/// All stages, one behind the other.
pub(crate) fn learning(stages: &[Stage], label: &str) -> String {
    let all = || stages.iter().flat_map(|stage| &stage.epochs);
    let count = all().count().max(1);
    let most = |of: fn(&Epoch) -> Option<f64>| {
        let values = all().filter_map(of).filter(|value| value.is_finite());
        values.fold(0.0, f64::max)
    };
    let loss = most(|epoch| epoch.val_loss).max(most(|epoch| epoch.train_loss));
    let rate = most(|epoch| epoch.learning_rate);
    let has_accuracy = all().any(|epoch| epoch.val_accuracy.is_some());
    let frame = |top: f64, height: f64, most: f64| Frame {
        left: LEFT,
        top,
        width: WIDTH - LEFT - RIGHT,
        height,
        x: [0.0, count as f64],
        y: [0.0, if most > 0.0 { most } else { 1.0 }],
    };
    let losses = frame(TOP, LOSS, loss * 1.05);
    let accuracies = frame(losses.bottom() + BETWEEN, ACCURACY, 1.0);
    let above = if has_accuracy { accuracies } else { losses };
    let rates = frame(above.bottom() + BETWEEN, RATE, rate * 1.15);
    let height = rates.bottom() + BOTTOM;

    let mut document = picture(WIDTH, height, label);
    document = bands(document, stages, &losses, rates.bottom());
    document = losses.rows(document, short);
    document = document.add(name("loss", &losses));
    if has_accuracy {
        document = accuracies.rows(document, |share| format!("{:.0} %", 100.0 * share));
        document = document.add(name("validation accuracy", &accuracies));
    }
    document = rates.rows(document, |rate| match rate {
        0.0 => "0".to_owned(),
        rate => format!("{rate:.0e}"),
    });
    document = document.add(name("learning rate of the head", &rates));
    document = rates.columns(document, |epoch| format!("{epoch}"));
    document =
        document
            .add(rates.base())
            .add(words("epoch", [rates.right(), height - 4.0], Anchor::End));

    let mut before = 0;
    for stage in stages {
        let span = Span { stage, before };
        for (class, frame, of) in [
            (
                "line other",
                &losses,
                (|epoch: &Epoch| epoch.train_loss) as fn(&Epoch) -> Option<f64>,
            ),
            ("line own", &losses, |epoch| epoch.val_loss),
            ("line own", &accuracies, |epoch| epoch.val_accuracy),
            ("line rate", &rates, |epoch| epoch.learning_rate),
        ] {
            document = span.curve(document, class, frame, of);
        }
        document = span.best(document, &losses, rates.bottom());
        before += stage.epochs.len();
    }
    document.to_string()
}

/// A band and a name for each stage.
fn bands(document: Document, stages: &[Stage], frame: &Frame, bottom: f64) -> Document {
    let mut before = 0;
    let mut document = document;
    for (at, stage) in stages.iter().enumerate() {
        let (from, to) = (before as f64, (before + stage.epochs.len()) as f64);
        let band = Rectangle::new()
            .set("class", if at % 2 == 0 { "band" } else { "band odd" })
            .set("x", rounded(frame.x(from)))
            .set("y", TOP - 22.0)
            .set("width", rounded(frame.x(to) - frame.x(from)))
            .set("height", rounded(bottom - TOP + 22.0));
        let told = if stage.kept {
            stage.name.clone()
        } else {
            format!("{} (not kept)", stage.name)
        };
        document = document.add(band).add(
            words(&told, [frame.x(from) + 6.0, TOP - 8.0], Anchor::Start)
                .set("class", "words strong"),
        );
        before += stage.epochs.len();
    }
    document
}

fn name(text: &str, frame: &Frame) -> svg::node::element::Text {
    words(text, [frame.right() - 6.0, frame.top - 8.0], Anchor::End)
}

/// A stage behind others.
struct Span<'a> {
    stage: &'a Stage,
    before: usize,
}

impl Span<'_> {
    fn curve(
        &self,
        document: Document,
        class: &str,
        frame: &Frame,
        of: impl Fn(&Epoch) -> Option<f64>,
    ) -> Document {
        let every = self.stage.epochs.len().div_ceil(MOST_EPOCHS).max(1);
        let epochs = self.stage.epochs.iter().step_by(every);
        let places = epochs.filter_map(|epoch| {
            let value = of(epoch).filter(|value| value.is_finite())?;
            Some([frame.x((self.before + epoch.epoch) as f64), frame.y(value)])
        });
        let places: Vec<[f64; 2]> = places.collect();
        match places.as_slice() {
            [] => document,
            [[x, y]] => document.add(
                Circle::new()
                    .set("class", class.replace("line", "dot"))
                    .set("cx", rounded(*x))
                    .set("cy", rounded(*y))
                    .set("r", 3),
            ),
            places => document.add(
                Polyline::new()
                    .set("class", class)
                    .set("points", points(places.iter().copied())),
            ),
        }
    }

    /// The epoch whose weights the stage offers.
    fn best(&self, document: Document, losses: &Frame, bottom: f64) -> Document {
        let best = self.stage.best_epoch;
        let Some(epoch) = self.stage.epochs.iter().find(|epoch| epoch.epoch == best) else {
            return document;
        };
        let x = losses.x((self.before + best) as f64);
        let Some(loss) = epoch.val_loss else {
            return document;
        };
        let told = format!("best of {}: epoch {best}", self.stage.name);
        let point = Circle::new()
            .set("class", "point own")
            .set("cx", rounded(x))
            .set("cy", rounded(losses.y(loss)))
            .set("r", 4.5);
        document
            .add(line("best", [x, TOP], [x, bottom]))
            .add(point.add(Title::new(told)))
    }
}
