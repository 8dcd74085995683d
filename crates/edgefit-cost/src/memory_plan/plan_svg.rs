//! A memory plan drawn as an SVG picture.

use edgefit_base::units::format;
use svg::Document;
use svg::node::element::{Group, Line, Rectangle, Text, Title};

use super::banks::BankPlacement;
use super::lifetime::Lifetime;
use super::panel::Panel;

/// Size of a picture, in pixels.
#[derive(Clone, Copy)]
struct Canvas {
    width: f64,
    height: f64,
}

/// A picture in a file of its own.
const FILE: Canvas = Canvas {
    width: 1400.0,
    height: 900.0,
};

/// A picture in a page.
const INLINE: Canvas = Canvas {
    width: 960.0,
    height: 560.0,
};

/// Space around the panels for the axes and the heading, in pixels.
const LEFT: f64 = 90.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 140.0;

/// Space between two panels.
const BETWEEN: f64 = 28.0;

/// Mean width of a character, as a share of the size of the type.
const CHARACTER: f64 = 0.58;

/// Fills that tell neighbours apart under dark text.
const FILLS: [&str; 6] = [
    "#bcd6f2", "#c9e7c4", "#f7dfae", "#e2cdf0", "#f6c9c3", "#c2e6e4",
];

/// Buffers as rectangles, from birth to death and from their first byte to their last, as an SVG
/// picture with one of `panels` for each bank. `steps` names the steps.
pub fn draw_svg(
    lifetimes: &[Lifetime],
    placements: &[BankPlacement],
    panels: &[Panel],
    steps: &[String],
) -> String {
    let plan = Drawn {
        lifetimes,
        placements,
        steps,
    };
    let document = plan.on(FILE, panels);
    document
        .set("width", FILE.width)
        .set("height", FILE.height)
        .to_string()
}

/// As [`draw_svg`], smaller and as wide as its place, to stand in a page, whose style sheet may colour it by
/// its classes: `ground`, `grid`, `axis`, `words`, `buffer`, `peak`, `bound` and `limit`.
pub fn draw_inline_svg(
    lifetimes: &[Lifetime],
    placements: &[BankPlacement],
    panels: &[Panel],
    steps: &[String],
) -> String {
    let plan = Drawn {
        lifetimes,
        placements,
        steps,
    };
    plan.on(INLINE, panels).to_string()
}

/// What is drawn.
struct Drawn<'a> {
    lifetimes: &'a [Lifetime],
    placements: &'a [BankPlacement],
    steps: &'a [String],
}

impl Drawn<'_> {
    fn on(&self, canvas: Canvas, panels: &[Panel]) -> Document {
        let lives = self.lifetimes.iter();
        let end = lives.map(|life| life.upper).max().unwrap_or(0);
        let axis = Axis {
            canvas,
            steps: end.max(self.steps.len()).max(1),
        };
        let Canvas { width, height } = canvas;
        let ground = rectangle(0.0, 0.0, width, height).set("class", "ground");
        let mut document = Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("font-family", "sans-serif")
            .add(ground.set("fill", "white"));
        let total: f64 = panels.iter().map(|panel| panel.bytes as f64).sum();
        let gaps = BETWEEN * panels.len().saturating_sub(1) as f64;
        let room = height - TOP - BOTTOM - gaps;
        let mut top = TOP;
        for (bank, panel) in panels.iter().enumerate() {
            let height = room * panel.bytes.max(1) as f64 / total.max(1.0);
            let scale = Scale {
                top,
                height,
                right: width - RIGHT,
                // Room for the label of the topmost line.
                bytes: panel.bytes.max(1) as f64 * 1.04,
            };
            document = self.panel(document, (bank, panel), &axis, &scale);
            top += height + BETWEEN;
        }
        document.add(axis.group(self.steps))
    }

    /// Adds the buffers of a bank, and the lines across it.
    fn panel(
        &self,
        document: Document,
        (bank, panel): (usize, &Panel),
        axis: &Axis,
        scale: &Scale,
    ) -> Document {
        let mut document = document.add(scale.axis(&panel.heading()));
        let mut peak = 0;
        for (index, (life, at)) in self.lifetimes.iter().zip(self.placements).enumerate() {
            if at.bank == bank && life.lower < life.upper && life.bytes > 0 {
                peak = peak.max(at.offset.saturating_add(life.bytes));
                document = document.add(buffer(
                    life,
                    at.offset,
                    axis,
                    scale,
                    FILLS[index % FILLS.len()],
                ));
            }
        }
        let bound = panel.lower_bound_bytes.filter(|&bound| bound < peak);
        let what = if panel.lower_bound_bytes.is_some() && bound.is_none() {
            "peak, equal to the lower bound"
        } else {
            "peak"
        };
        document = document.add(scale.mark(peak, what, &PEAK));
        if let Some(bound) = bound {
            document = document.add(scale.mark(bound, "lower bound", &BOUND));
        }
        if let Some(limit) = panel.limit_bytes.filter(|&limit| limit <= panel.bytes) {
            document = document.add(scale.mark(limit, "limit", &LIMIT));
        }
        document
    }
}

/// How a line across a panel looks.
struct Mark {
    class: &'static str,
    /// How far to the right its label ends, as a share of the line.
    label: f64,
    colour: &'static str,
    dashes: &'static str,
}

const PEAK: Mark = Mark {
    class: "peak",
    label: 1.0,
    colour: "#b00020",
    dashes: "none",
};

const BOUND: Mark = Mark {
    class: "bound",
    label: 1.0,
    colour: "#1b5e20",
    dashes: "7 4",
};

const LIMIT: Mark = Mark {
    class: "limit",
    label: 0.5,
    colour: "#4a148c",
    dashes: "2 3",
};

/// Steps along the bottom.
struct Axis {
    canvas: Canvas,
    steps: usize,
}

impl Axis {
    fn x(&self, step: usize) -> f64 {
        LEFT + (self.canvas.width - LEFT - RIGHT) * step as f64 / self.steps as f64
    }

    /// Ticks, with the names of as many steps as can be read.
    fn group(&self, names: &[String]) -> Group {
        let bottom = self.canvas.height - BOTTOM;
        let every = (16.0 / (self.x(1) - self.x(0))).ceil().max(1.0) as usize;
        let mut group = Group::new();
        for step in (0..self.steps).step_by(every) {
            let x = (self.x(step) + self.x(step + 1)) / 2.0;
            let name = names.get(step).map_or(String::new(), |name| tail(name, 20));
            let (down, turn) = (
                bottom + 14.0,
                format!("rotate(-55 {x:.1} {:.1})", bottom + 14.0),
            );
            group = group.add(ruled(line(x, bottom, x, bottom + 4.0))).add(
                text(format!("{step} {name}"), x, down, 10.0)
                    .set("text-anchor", "end")
                    .set("transform", turn),
            );
        }
        group
    }
}

/// Addresses of one panel.
struct Scale {
    top: f64,
    height: f64,
    right: f64,
    bytes: f64,
}

impl Scale {
    fn y(&self, address: u64) -> f64 {
        self.top + self.height * (1.0 - address as f64 / self.bytes)
    }

    /// Ticks at a power of two, at most one every 40 pixels.
    fn axis(&self, name: &str) -> Group {
        let most = (self.height / 40.0).max(1.0);
        let mut step = 1u64;
        while self.bytes / step as f64 > most && step < 1 << 62 {
            step *= 2;
        }
        let (bottom, right) = (self.top + self.height, self.right);
        let mut group = Group::new()
            .add(text(printable(name), LEFT, self.top - 8.0, 12.0).set("font-weight", "bold"))
            .add(ruled(line(LEFT, self.top, LEFT, bottom)))
            .add(ruled(line(LEFT, bottom, right, bottom)));
        let mut address = 0u64;
        while address as f64 <= self.bytes {
            let y = self.y(address);
            group = group
                .add(
                    line(LEFT - 4.0, y, right, y)
                        .set("class", "grid")
                        .set("stroke", "#ddd"),
                )
                .add(
                    text(format::bytes(address), LEFT - 8.0, y + 4.0, 11.0)
                        .set("text-anchor", "end"),
                );
            let Some(next) = address.checked_add(step) else {
                break;
            };
            address = next;
        }
        group
    }

    /// A line across the panel with its label.
    fn mark(&self, address: u64, what: &str, mark: &Mark) -> Group {
        let y = self.y(address);
        let label = format!("{what}: {} ({address} B)", format::bytes(address));
        Group::new()
            .add(
                line(LEFT, y, self.right, y)
                    .set("class", mark.class)
                    .set("stroke", mark.colour)
                    .set("stroke-width", 1.5)
                    .set("stroke-dasharray", mark.dashes),
            )
            .add(
                text(
                    label,
                    LEFT + (self.right - LEFT) * mark.label - 4.0,
                    y - 5.0,
                    12.0,
                )
                .set("class", format!("words {}", mark.class))
                .set("text-anchor", "end")
                .set("fill", mark.colour)
                .set("stroke", "white")
                .set("stroke-width", 3)
                .set("style", "paint-order:stroke"),
            )
    }
}

/// A buffer, named where there is room, and in full where the pointer rests.
fn buffer(life: &Lifetime, offset: u64, axis: &Axis, scale: &Scale, fill: &str) -> Group {
    let (left, right) = (axis.x(life.lower), axis.x(life.upper));
    let top = scale.y(offset.saturating_add(life.bytes));
    let (width, height) = (right - left, scale.y(offset) - top);
    let title = format!(
        "{}: {} ({} B) at {offset}, steps {} to {}",
        printable(&life.name),
        format::bytes(life.bytes),
        life.bytes,
        life.lower,
        life.upper - 1
    );
    let outline = rectangle(left, top, width, height)
        .set("class", "buffer")
        .set("fill", fill)
        .set("stroke", "#555")
        .set("stroke-width", 0.5);
    let mut group = Group::new().add(Title::new(title)).add(outline);
    // A tall and narrow rectangle is written upwards.
    let upright = height > 1.5 * width && width >= 9.0;
    let (along, across) = if upright {
        (height, width)
    } else {
        (width, height)
    };
    let size = (across * 0.8).clamp(7.0, 11.0);
    let characters = ((along - 4.0) / (size * CHARACTER)) as usize;
    if across >= 8.0 && characters >= 5 {
        let (x, y) = ((left + right) / 2.0, top + height / 2.0);
        let mut label = text(tail(&life.name, characters), x, y, size)
            .set("text-anchor", "middle")
            .set("dominant-baseline", "central")
            .set("pointer-events", "none");
        if upright {
            label = label.set("transform", format!("rotate(-90 {x:.1} {y:.1})"));
        }
        group = group.add(label);
    }
    group
}

fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Rectangle {
    Rectangle::new()
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("width", rounded(width))
        .set("height", rounded(height))
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> Line {
    Line::new()
        .set("x1", rounded(x1))
        .set("y1", rounded(y1))
        .set("x2", rounded(x2))
        .set("y2", rounded(y2))
}

/// A line of an axis.
fn ruled(line: Line) -> Line {
    line.set("class", "axis").set("stroke", "#666")
}

fn text(content: String, x: f64, y: f64, size: f64) -> Text {
    Text::new(content)
        .set("class", "words")
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("font-size", rounded(size))
        .set("fill", "#222")
}

/// Hundredths of a pixel are enough.
fn rounded(pixels: f64) -> f64 {
    (pixels * 100.0).round() / 100.0
}

/// The end of a name, which tells it apart, in at most `most` characters.
fn tail(name: &str, most: usize) -> String {
    let name = printable(name);
    let count = name.chars().count();
    if count <= most {
        return name;
    }
    let kept: String = name.chars().skip(count + 1 - most).collect();
    format!("…{kept}")
}

/// Characters that XML forbids are replaced; markup is escaped where it is written.
fn printable(name: &str) -> String {
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    name.replace(forbidden, "\u{fffd}")
}
