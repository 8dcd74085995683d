//! A memory plan drawn as an SVG picture.

use edgefit_base::units::format;
use svg::Document;
use svg::node::element::{Group, Line, Rectangle, Text, Title};

use super::banks::BankPlacement;
use super::lifetime::Lifetime;

/// Size of the picture in pixels.
const WIDTH: f64 = 1400.0;
const HEIGHT: f64 = 900.0;

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

/// A stretch of addresses that is drawn on its own: the arena, or one of several banks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Heading of its axis.
    pub name: String,
    /// Bytes that it has; what is used of it, where it has no size of its own.
    pub bytes: u64,
    /// A line across it: no plan needs less.
    pub lower_bound_bytes: Option<u64>,
}

/// Buffers as rectangles, from birth to death and from their first byte to their last, as an SVG
/// picture with one of `panels` for each bank. `steps` names the steps.
pub fn draw_svg(
    lifetimes: &[Lifetime],
    placements: &[BankPlacement],
    panels: &[Panel],
    steps: &[String],
) -> String {
    let end = lifetimes.iter().map(|life| life.upper).max().unwrap_or(0);
    let axis = Axis {
        steps: end.max(steps.len()).max(1),
    };
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .set("font-family", "sans-serif")
        .add(rectangle(0.0, 0.0, WIDTH, HEIGHT).set("fill", "white"));
    let total: f64 = panels.iter().map(|panel| panel.bytes as f64).sum();
    let gaps = BETWEEN * panels.len().saturating_sub(1) as f64;
    let room = HEIGHT - TOP - BOTTOM - gaps;
    let mut top = TOP;
    for (bank, panel) in panels.iter().enumerate() {
        let height = room * panel.bytes.max(1) as f64 / total.max(1.0);
        let scale = Scale {
            top,
            height,
            // Room for the label of the topmost line.
            bytes: panel.bytes.max(1) as f64 * 1.04,
        };
        document = document.add(scale.axis(&panel.name));
        let mut peak = 0;
        for (index, (life, at)) in lifetimes.iter().zip(placements).enumerate() {
            if at.bank == bank && life.lower < life.upper && life.bytes > 0 {
                peak = peak.max(at.offset.saturating_add(life.bytes));
                document = document.add(buffer(
                    life,
                    at.offset,
                    &axis,
                    &scale,
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
        document = document.add(scale.mark(peak, what, "#b00020", "none"));
        if let Some(bound) = bound {
            document = document.add(scale.mark(bound, "lower bound", "#1b5e20", "7 4"));
        }
        top += height + BETWEEN;
    }
    document.add(axis.group(steps)).to_string()
}

/// Steps along the bottom.
struct Axis {
    steps: usize,
}

impl Axis {
    fn x(&self, step: usize) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * step as f64 / self.steps as f64
    }

    /// Ticks, with the names of as many steps as can be read.
    fn group(&self, names: &[String]) -> Group {
        let bottom = HEIGHT - BOTTOM;
        let every = (16.0 / (self.x(1) - self.x(0))).ceil().max(1.0) as usize;
        let mut group = Group::new();
        for step in (0..self.steps).step_by(every) {
            let x = (self.x(step) + self.x(step + 1)) / 2.0;
            let name = names.get(step).map_or(String::new(), |name| tail(name, 20));
            let (down, turn) = (
                bottom + 14.0,
                format!("rotate(-55 {x:.1} {:.1})", bottom + 14.0),
            );
            group = group
                .add(line(x, bottom, x, bottom + 4.0).set("stroke", "#666"))
                .add(
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
        let (bottom, right) = (self.top + self.height, WIDTH - RIGHT);
        let mut group = Group::new()
            .add(text(printable(name), LEFT, self.top - 8.0, 12.0).set("font-weight", "bold"))
            .add(line(LEFT, self.top, LEFT, bottom).set("stroke", "#666"))
            .add(line(LEFT, bottom, right, bottom).set("stroke", "#666"));
        let mut address = 0u64;
        while address as f64 <= self.bytes {
            let y = self.y(address);
            group = group
                .add(line(LEFT - 4.0, y, right, y).set("stroke", "#ddd"))
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
    fn mark(&self, address: u64, what: &str, colour: &str, dashes: &str) -> Group {
        let y = self.y(address);
        let label = format!("{what}: {} ({address} B)", format::bytes(address));
        Group::new()
            .add(
                line(LEFT, y, WIDTH - RIGHT, y)
                    .set("stroke", colour)
                    .set("stroke-width", 1.5)
                    .set("stroke-dasharray", dashes),
            )
            .add(
                text(label, WIDTH - RIGHT - 4.0, y - 5.0, 12.0)
                    .set("text-anchor", "end")
                    .set("fill", colour)
                    .set("stroke", "white")
                    .set("stroke-width", 3)
                    .set("paint-order", "stroke"),
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
    if across >= 8.0 && characters >= 3 {
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

fn text(content: String, x: f64, y: f64, size: f64) -> Text {
    Text::new(content)
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
