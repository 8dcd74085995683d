//! What of a picture spoke for what a model says, as colour over it.

use crate::document::Saliency;
use crate::thumbnail::Thumbnail;

/// How opaque the colour is over the part that spoke most.
const STRONGEST: f64 = 0.7;

/// What speaks less, in hundredths of the most, gets none.
const FAINT: u8 = 10;

/// Most parts of a picture; a page has no room for more.
const MOST: usize = 400;

/// A part of a picture, in its pixels.
pub(crate) struct Heat {
    pub x: String,
    pub y: String,
    pub width: String,
    pub height: String,
    pub opacity: String,
}

/// The colour over a picture; none where the parts are not as many as the document says.
pub(crate) fn heat(saliency: Option<&Saliency>, picture: &Thumbnail) -> Vec<Heat> {
    let Some(of) = saliency.filter(|of| is_sound(of)) else {
        return Vec::new();
    };
    let [width, height] = [picture.width, picture.height].map(f64::from);
    let [left, top, wide, high] = of.area;
    let size = [
        wide * width / of.columns as f64,
        high * height / of.rows as f64,
    ];
    let parts = of.values.iter().enumerate();
    let hot = parts.filter(|(_, spoke)| **spoke >= FAINT);
    let heat = |(part, &spoke): (usize, &u8)| {
        let place = [part % of.columns, part / of.columns].map(|at| at as f64);
        Heat {
            x: short(left * width + place[0] * size[0]),
            y: short(top * height + place[1] * size[1]),
            width: short(size[0]),
            height: short(size[1]),
            opacity: format!("{:.2}", STRONGEST * f64::from(spoke.min(100)) / 100.0),
        }
    };
    hot.map(heat).collect()
}

fn is_sound(of: &Saliency) -> bool {
    let parts = of.rows.checked_mul(of.columns);
    let is_inside = of.area.iter().all(|share| (0.0..=1.0).contains(share));
    is_inside && parts == Some(of.values.len()) && (1..=MOST).contains(&of.values.len())
}

/// Tenths of a pixel are enough.
fn short(pixels: f64) -> String {
    format!("{pixels:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spoke_most_is_strongest() {
        let picture = Thumbnail {
            source: String::new(),
            width: 100,
            height: 50,
            is_enlarged: false,
        };
        let mut of = Saliency {
            rows: 1,
            columns: 2,
            values: vec![5, 50],
            area: [0.25, 0.0, 0.5, 1.0],
        };
        let made = heat(Some(&of), &picture);
        let [one] = &made[..] else {
            panic!("{}", made.len());
        };
        assert_eq!((&*one.x, &*one.y), ("50.0", "0.0"));
        assert_eq!(
            (&*one.width, &*one.height, &*one.opacity),
            ("25.0", "50.0", "0.35")
        );
        of.rows = 3;
        assert!(heat(Some(&of), &picture).is_empty());
        assert!(heat(None, &picture).is_empty());
    }
}
