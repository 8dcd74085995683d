//! Whether images are scaled before they go into a model that scales them itself.

use crate::{Code, Finding, Status};

/// Spans, from the darkest to the brightest pixel, that the first layer of a network usually sees: 1
/// for x / 255, 2 for x / 127.5 − 1, 4.8 for (x / 255 − mean) / std.
pub const SPANS: [f64; 2] = [1.0, 5.0];
/// Misfit, see [`wanted`], above that of the best way from which on the one in use is wrong: spans that
/// differ by more than a factor of e. Scaling twice makes a factor of 50 or more for x / 255, and
/// centring twice counts as much as this.
pub const WORSE: f64 = 1.0;

/// What a model does to each channel of its images before its first layer: `scale` · x + `offset`.
#[derive(Debug, Clone)]
pub struct Inside {
    /// Names of the operations.
    pub operations: Vec<String>,
    /// One for each channel, or one for all.
    pub scale: Vec<f64>,
    /// As many.
    pub offset: Vec<f64>,
}

/// A way to prepare images.
#[derive(Debug, Clone)]
pub struct Way {
    /// Name, such as `raw`.
    pub name: String,
    /// What black and white become.
    pub range: [f64; 2],
}

impl Inside {
    /// Adds one more operation: `scale` · x + `offset`, of each channel or of all.
    pub fn then(&mut self, scale: &[f64], offset: &[f64]) {
        let count = self.scale.len().max(scale.len()).max(offset.len());
        let at = |values: &[f64], channel: usize| values[channel % values.len()];
        let channels = 0..count;
        let offsets = channels
            .clone()
            .map(|channel| at(scale, channel) * at(&self.offset, channel) + at(offset, channel));
        self.offset = offsets.collect();
        let scales = channels.map(|channel| at(scale, channel) * at(&self.scale, channel));
        self.scale = scales.collect();
    }

    /// What the first layer sees of `range`, over all channels.
    fn of(&self, range: [f64; 2]) -> [f64; 2] {
        let channels = self.scale.iter().zip(&self.offset);
        let ends = channels.flat_map(|(scale, offset)| range.map(|end| scale * end + offset));
        ends.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], end| {
            [low.min(end), high.max(end)]
        })
    }

    /// Whether it moves the middle of the images downwards, as subtracting a mean does.
    fn centres(&self) -> bool {
        let channels = self.scale.iter().zip(&self.offset);
        channels.fold(0.0, |sum, (scale, offset)| sum + offset / scale) < 0.0
    }

    /// How badly `way` goes with it: by how many powers of e the span that the first layer sees is
    /// beyond [`SPANS`], plus how far its middle is from zero, in spans, plus [`WORSE`] if the mean is
    /// subtracted twice.
    fn misfit(&self, way: &Way) -> f64 {
        let [low, high] = self.of(way.range);
        let [least, most] = SPANS;
        let span = (high - low).max(f64::MIN_POSITIVE);
        let beyond = (least / span).ln().max((span / most).ln()).max(0.0);
        let aside = 0.5 * ((high + low) / 2.0).abs() / span;
        let centred = way.range[0] < -0.25 * (way.range[1] - way.range[0]);
        let twice = if centred && self.centres() {
            WORSE
        } else {
            0.0
        };
        beyond + aside.min(10.0) + twice
    }
}

/// The place of the way that goes best with what the model does itself.
pub fn wanted(inside: &Inside, ways: &[Way]) -> Option<usize> {
    let misfit = |way: &Way| inside.misfit(way);
    let places = 0..ways.len();
    places.min_by(|&a, &b| misfit(&ways[a]).total_cmp(&misfit(&ways[b])))
}

/// Fails where images are scaled before a model that scales them itself, so that its first layer sees
/// next to nothing of them.
pub fn check_inside(inside: &Inside, used: &Way, ways: &[Way]) -> Finding {
    let operations = inside.operations.join("', '");
    let [low, high] = inside.of(used.range);
    let text = format!(
        "the model scales its images itself ('{operations}'), and its first layer sees {low:.3} to \
        {high:.3} with '{}'",
        used.name
    );
    let best = wanted(inside, ways).map(|place| &ways[place]);
    match best.filter(|best| inside.misfit(used) - inside.misfit(best) >= WORSE) {
        Some(best) => {
            let [low, high] = inside.of(best.range);
            let text = format!(
                "{text}: they are scaled twice; use `--preprocessing {}`, which makes {low:.3} to \
                {high:.3}",
                best.name
            );
            Finding::new(Code::Ef06, Status::Failed, text)
        }
        None => Finding::new(Code::Ef06, Status::Pass, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways() -> Vec<Way> {
        let way = |name: &str, range| Way {
            name: name.into(),
            range,
        };
        vec![
            way("imagenet", [-2.12, 2.64]),
            way("tf", [-1.0, 1.0]),
            way("lite", [-0.992, 1.0]),
            way("unit", [0.0, 1.0]),
            way("raw", [0.0, 255.0]),
        ]
    }

    fn inside(scale: f64, offset: f64) -> Inside {
        Inside {
            operations: vec!["rescale".into()],
            scale: vec![scale],
            offset: vec![offset],
        }
    }

    #[test]
    fn what_the_model_does_itself_is_not_done_before() {
        for (inside, right) in [
            // Keras: Rescaling(1/255), Normalization; EfficientNet-Lite; a BatchNormalization in front.
            (inside(1.0 / 128.0, -127.0 / 128.0), "raw"),
            (inside(1.0 / 255.0, 0.0), "raw"),
            (inside(1.0 / 58.0, -2.0), "raw"),
            (inside(1.0 / 127.5, -1.0), "raw"),
            // Caffe: only the mean is subtracted.
            (inside(1.0, -117.0), "raw"),
            // nn.Sequential(Normalize(mean, std), net)
            (inside(4.4, -2.1), "unit"),
            (inside(2.0, -1.0), "unit"),
        ] {
            let ways = ways();
            let best = wanted(&inside, &ways).unwrap();
            assert_eq!(ways[best].name, right, "{inside:?}");
            for used in &ways {
                let finding = check_inside(&inside, used, &ways);
                let expected = if used.name == right {
                    Status::Pass
                } else {
                    Status::Failed
                };
                assert_eq!(finding.status, expected, "{inside:?} {}", finding.message);
            }
        }
    }

    #[test]
    fn what_makes_up_for_another_range_is_not_raised() {
        // A model for −1 … 1 behind one for 0 … 1.
        let back = inside(0.5, 0.5);
        for name in ["tf", "lite"] {
            let ways = ways();
            let used = ways.iter().find(|way| way.name == name).unwrap();
            let finding = check_inside(&back, used, &ways);
            assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        }
    }
}
