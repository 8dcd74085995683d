//! The candidates of a search as an SVG picture: accuracy against RAM, flash and time.

use edgefit_base::units::format;
use svg::Document;
use svg::node::element::{Circle, Group, Line, Polyline, Rectangle, Style, Text, Title};

use crate::candidate::{AccuracyBasis, Candidate};
use crate::report::Results;

/// Size of the picture in pixels.
const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 460.0;

/// Space around a panel, in pixels.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 44.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 64.0;

/// Marks on an axis.
const TICKS: usize = 4;

/// The colours where whoever looks prefers dark ones; those of the elements are for light ones.
const DARK: &str = "@media (prefers-color-scheme:dark){.ground{fill:#121518}.ink{fill:#e6e9ec}\
                    .axis{stroke:#9ba5af}.grid{stroke:#2c3339}.scored{fill:#77818b}.trained{fill:#7db0ff}\
                    .best{stroke:#7db0ff}.chosen{fill:#ff8a80}}";

/// A resource that a panel shows.
struct Resource {
    name: &'static str,
    of: fn(&Candidate) -> Option<u64>,
    format: fn(u64) -> String,
}

const RESOURCES: [Resource; 3] = [
    Resource {
        name: "RAM of a run",
        of: |candidate| candidate.footprint.ram_bytes,
        format: format::bytes,
    },
    Resource {
        name: "flash",
        of: |candidate| candidate.footprint.flash_bytes,
        format: format::bytes,
    },
    Resource {
        name: "time of a run",
        of: |candidate| candidate.footprint.latency_ns,
        format: format::milliseconds,
    },
];

/// The picture of what a search found. Each network that fits and was scored is a grey point, one that was trained a
/// blue one, the chosen one is red; the line is what the best of all reach within what they take of the one
/// resource. Panels without a figure are left out.
pub fn front_svg(results: &Results) -> String {
    let known: Vec<&Candidate> = results
        .candidates
        .iter()
        .filter(|one| one.footprint.fits && one.accuracy.is_some())
        .collect();
    let shown: Vec<&Resource> = RESOURCES
        .iter()
        .filter(|resource| known.iter().any(|one| (resource.of)(one).is_some()))
        .collect();
    let width = WIDTH / shown.len().max(1) as f64;
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .set("font-family", "sans-serif")
        .add(Style::new(DARK))
        .add(
            Rectangle::new()
                .set("class", "ground")
                .set("width", WIDTH)
                .set("height", HEIGHT)
                .set("fill", "white"),
        )
        .add(text(
            LEFT,
            26.0,
            16.0,
            &format!(
                "{}: accuracy of what fits, against what it takes (grey: scored, blue: trained, red: chosen)",
                results.device
            ),
        ));
    for (index, resource) in shown.into_iter().enumerate() {
        let panel = Panel::new(resource, &known, index as f64 * width, width);
        document = document.add(panel.drawn(&known, &results.chosen));
    }
    document.to_string()
}

/// One of the plots.
struct Panel<'a> {
    resource: &'a Resource,
    left: f64,
    width: f64,
    most: u64,
    least_accuracy: f64,
}

impl<'a> Panel<'a> {
    fn new(resource: &'a Resource, known: &[&Candidate], left: f64, width: f64) -> Self {
        let most = known.iter().filter_map(|one| (resource.of)(one)).max();
        let accuracies = known.iter().filter_map(|one| one.accuracy);
        let least = accuracies.fold(1.0, f64::min);
        Panel {
            resource,
            left: left + LEFT,
            width: width - LEFT - RIGHT,
            most: most.unwrap_or(1).max(1),
            // A tenth below the least, so that no point lies on the axis.
            least_accuracy: ((least * 10.0).ceil() / 10.0 - 0.1).max(0.0),
        }
    }

    fn x(&self, amount: u64) -> f64 {
        self.left + self.width * amount as f64 / self.most as f64
    }

    fn y(&self, accuracy: f64) -> f64 {
        let share = (accuracy - self.least_accuracy) / (1.0 - self.least_accuracy);
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)
    }

    fn drawn(&self, known: &[&Candidate], chosen: &Candidate) -> Group {
        let mut group = self.axes();
        let mut points: Vec<(u64, f64, &Candidate)> = known
            .iter()
            .filter_map(|one| Some(((self.resource.of)(one)?, one.accuracy?, *one)))
            .collect();
        points.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        let mut best = f64::NEG_INFINITY;
        let mut line: Vec<String> = Vec::new();
        for (amount, accuracy, _) in &points {
            if *accuracy > best {
                if best.is_finite() {
                    line.push(format!("{:.1},{:.1}", self.x(*amount), self.y(best)));
                }
                best = *accuracy;
                line.push(format!("{:.1},{:.1}", self.x(*amount), self.y(best)));
            }
        }
        group = group.add(
            Polyline::new()
                .set("class", "best")
                .set("points", line.join(" "))
                .set("fill", "none")
                .set("stroke", "#1565c0")
                .set("stroke-width", 1.5),
        );
        // What was trained is drawn last, over what was scored.
        points.sort_by_key(|(_, _, one)| one.basis);
        for (amount, accuracy, one) in points {
            let (class, radius, fill) = match one.basis {
                Some(AccuracyBasis::Trained) if one.is_same(chosen) => ("chosen", 6.0, "#c62828"),
                Some(AccuracyBasis::Trained) => ("trained", 5.0, "#1565c0"),
                _ => ("scored", 3.0, "#9e9e9e"),
            };
            let told = Title::new(format!(
                "{}: {}, {}",
                one.name(),
                (self.resource.format)(amount),
                format::percent(accuracy)
            ));
            let point = Circle::new()
                .set("class", class)
                .set("cx", self.x(amount))
                .set("cy", self.y(accuracy))
                .set("r", radius)
                .set("fill", fill)
                .add(told);
            group = group.add(point);
        }
        group
    }

    fn axes(&self) -> Group {
        let (bottom, right) = (HEIGHT - BOTTOM, self.left + self.width);
        let mut group = Group::new()
            .add(rule(
                [self.left, bottom],
                [right, bottom],
                "axis",
                "#424242",
            ))
            .add(rule(
                [self.left, TOP],
                [self.left, bottom],
                "axis",
                "#424242",
            ))
            .add(text(self.left, HEIGHT - 16.0, 14.0, self.resource.name));
        for tick in 0..=TICKS {
            let share = tick as f64 / TICKS as f64;
            let amount = (self.most as f64 * share) as u64;
            let label = text(
                self.x(amount),
                bottom + 18.0,
                11.0,
                &(self.resource.format)(amount),
            );
            group = group.add(label.set("text-anchor", "middle"));
            let accuracy = self.least_accuracy + (1.0 - self.least_accuracy) * share;
            let y = self.y(accuracy);
            group = group.add(rule([self.left, y], [right, y], "grid", "#eeeeee"));
            let label = text(self.left - 8.0, y + 4.0, 11.0, &format::percent(accuracy));
            group = group.add(label.set("text-anchor", "end"));
        }
        group
    }
}

fn rule([x1, y1]: [f64; 2], [x2, y2]: [f64; 2], class: &str, stroke: &str) -> Line {
    Line::new()
        .set("class", class)
        .set("x1", x1)
        .set("y1", y1)
        .set("x2", x2)
        .set("y2", y2)
        .set("stroke", stroke)
}

fn text(x: f64, y: f64, size: f64, words: &str) -> Text {
    Text::new(words)
        .set("class", "ink")
        .set("x", x)
        .set("y", y)
        .set("font-size", size)
        .set("fill", "#212121")
}
