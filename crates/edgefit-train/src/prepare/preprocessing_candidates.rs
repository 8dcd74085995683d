//! The ways to prepare images that are tried, where it is asked which one a backbone was trained with.

use edgefit_graph::preprocessing::{ChannelOrder, PreprocessingName};
use edgefit_graph::{ImageInput, Preprocessing};
use edgefit_guards::Findings;
use edgefit_guards::ef06_preprocessing::{Inside, Way, check_inside, wanted};

/// All ways to try, each with its name; the one in use comes first.
pub(crate) fn candidates(
    used: Option<&Preprocessing>,
    input: &ImageInput,
) -> Vec<(String, Preprocessing)> {
    let mut all: Vec<(String, Preprocessing)> = Vec::new();
    let near = |a: &Preprocessing, b: &Preprocessing| {
        let close = |a: f32, b: f32| (a - b).abs() <= 0.02 * a.abs().max(b.abs()).max(1.0);
        let pairs = |a: [f32; 3], b: [f32; 3]| a.into_iter().zip(b).all(|(a, b)| close(a, b));
        pairs(a.mean, b.mean) && pairs(a.std, b.std) && a.channel_order == b.channel_order
    };
    let mut add = |name: String, preprocessing: Preprocessing| {
        if !all.iter().any(|(_, known)| near(known, &preprocessing)) {
            all.push((name, preprocessing));
        }
    };
    if let Some(used) = used {
        // `tf` and `lite` are near each other: what the user called it comes first.
        let named = |same: &dyn Fn(&Preprocessing, &Preprocessing) -> bool| {
            let mut all = PreprocessingName::ALL.into_iter();
            all.find(|name| {
                let named = input.preprocessing(*name);
                named.is_ok_and(|named| same(&named, used))
            })
        };
        let named = named(&|a, b| near(a, b) && is_scaled_as(a, b)).or_else(|| named(&near));
        add(
            named
                .map_or("its own", PreprocessingName::as_str)
                .to_owned(),
            used.clone(),
        );
    }
    for name in PreprocessingName::ALL {
        // Of a model that scales bytes inside only `raw` is left.
        let Ok(mut named) = input.preprocessing(name) else {
            continue;
        };
        if let Some(used) = used {
            named.fit = used.fit;
        }
        add(name.to_string(), named.clone());
        if let Some((_, order)) = other_order(&named) {
            named.channel_order = order;
            add(format!("{name}, BGR"), named);
        }
    }
    if let Some(used) = used
        && let Some((name, order)) = other_order(used)
    {
        let other = Preprocessing {
            channel_order: order,
            ..used.clone()
        };
        add(format!("its own, {name}"), other);
    }
    all
}

/// Those candidates that go with what the model does to its images itself, and the first if it is `used`
/// (EF06).
pub(crate) fn left_by(
    inside: &Inside,
    candidates: Vec<(String, Preprocessing)>,
    used: bool,
    findings: &mut Findings,
) -> Vec<(String, Preprocessing)> {
    let ways: Vec<Way> = candidates.iter().map(way).collect();
    if let ([first, ..], true) = (ways.as_slice(), used) {
        findings.record(check_inside(inside, first, &ways));
    }
    let Some(best) = wanted(inside, &ways).map(|best| candidates[best].1.clone()) else {
        return candidates;
    };
    let all = candidates.into_iter().enumerate();
    let left =
        all.filter(|(at, (_, candidate))| (used && *at == 0) || is_scaled_as(candidate, &best));
    left.map(|(_, candidate)| candidate).collect()
}

/// What a candidate makes of black and white.
fn way((name, candidate): &(String, Preprocessing)) -> Way {
    Way {
        name: name.clone(),
        range: range(candidate),
    }
}

/// Smallest and largest value that a preprocessing can give.
pub(crate) fn range(preprocessing: &Preprocessing) -> [f64; 2] {
    let channels = preprocessing.mean.into_iter().zip(preprocessing.std);
    let ends =
        channels.flat_map(|(mean, std)| [0.0, 255.0].map(|end| f64::from((end - mean) / std)));
    ends.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], end| {
        [low.min(end), high.max(end)]
    })
}

/// Whether both scale alike, in whatever order of channels.
fn is_scaled_as(a: &Preprocessing, b: &Preprocessing) -> bool {
    a.mean == b.mean && a.std == b.std
}

/// The colours the other way round, where there are some.
fn other_order(preprocessing: &Preprocessing) -> Option<(&'static str, ChannelOrder)> {
    match preprocessing.channel_order {
        ChannelOrder::Rgb => Some(("BGR", ChannelOrder::Bgr)),
        ChannelOrder::Bgr => Some(("RGB", ChannelOrder::Rgb)),
        ChannelOrder::Grey => None,
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::DataType;
    use edgefit_graph::preprocessing::Layout;

    use super::*;

    fn input(channels: usize, dtype: DataType) -> ImageInput {
        ImageInput {
            name: "x".into(),
            layout: Layout::ChannelsFirst,
            channels,
            height: Some(8),
            width: Some(8),
            dtype,
        }
    }

    #[test]
    fn the_one_in_use_comes_first_and_none_twice() {
        let own = Preprocessing::named(PreprocessingName::Lite, 8, 8);
        let all = candidates(Some(&own), &input(3, DataType::F32));
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        // `tf` is nearly the same, and not what it is called.
        assert_eq!(names[0], "lite");
        assert_eq!(all[0].1, own);
        assert_eq!(names.iter().filter(|name| name.contains("BGR")).count(), 4);
        assert_eq!(all.len(), 8);
        assert_eq!(candidates(None, &input(3, DataType::F32)).len(), 8);
    }

    #[test]
    fn bytes_are_never_scaled_and_grey_has_no_other_order() {
        let names = |input: &ImageInput| {
            let all = candidates(None, input).into_iter();
            all.map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(&input(3, DataType::U8)), ["raw", "raw, BGR"]);
        assert_eq!(names(&input(1, DataType::U8)), ["raw"]);
        assert_eq!(
            names(&input(1, DataType::F32)),
            ["imagenet", "tf", "unit", "raw"]
        );
    }
}
