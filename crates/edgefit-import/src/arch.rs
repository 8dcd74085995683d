//! The architectures that a [`crate::Checkpoint`] can be imported as, one file for each family.

mod blocks;
mod efficientnet_lite;
mod mobilenet_v2;
mod mobilenet_v3;
mod resnet;
mod squeezenet;

use edgefit_base::names::{letters, nearest};

use crate::architecture::{Architecture, Twins};
use crate::checkpoint::Checkpoint;
use crate::variant::Variant;

/// All of them.
pub const ARCHITECTURES: &[Architecture] = &[
    efficientnet_lite::LITE0,
    efficientnet_lite::LITE1,
    efficientnet_lite::LITE2,
    efficientnet_lite::LITE3,
    efficientnet_lite::LITE4,
    mobilenet_v2::MOBILENET_V2,
    mobilenet_v3::SMALL,
    mobilenet_v3::LARGE,
    resnet::RESNET18,
    resnet::RESNET34,
    resnet::RESNET50,
    squeezenet::SQUEEZENET1_1,
];

impl Architecture {
    /// The architecture called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        ARCHITECTURES.iter().find(|arch| arch.name == name)
    }

    /// The architecture of which `checkpoint` has all tensors, and the most of them.
    pub(crate) fn best_fit(checkpoint: &Checkpoint) -> Option<(usize, &'static Self)> {
        let fits = ARCHITECTURES
            .iter()
            .filter_map(|arch| Some((arch.fit(checkpoint)?, arch)));
        fits.max_by_key(|(tensors, _)| *tensors)
    }

    /// The architecture that edgefit, torchvision or timm calls `name`, whatever stands between its words,
    /// and the variant of it where the name says one.
    ///
    /// ```
    /// use edgefit_import::{Architecture, Variant};
    ///
    /// let (arch, variant) = Architecture::called("tf_efficientnet_lite0.in1k").unwrap();
    /// assert_eq!((arch.name, variant), ("efficientnet-lite0", Some(Variant::Tf)));
    /// ```
    ///
    /// # Errors
    /// There is none; the nearest name is told, and all others.
    pub fn called(name: &str) -> Result<(&'static Self, Option<Variant>), UnknownArchitecture> {
        // timm writes the set of weights behind a dot, and its own name before a slash.
        let own = name.rsplit('/').next().unwrap_or(name);
        let without_tag = own.split('.').next().unwrap_or(own);
        let found = [own, without_tag].into_iter().find_map(of_letters);
        found.ok_or_else(|| UnknownArchitecture(name.to_owned()))
    }
}

/// A name of no [`Architecture`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "architecture '{0}' is not known{hint}; --arch is one of {names}; any other network comes in as ONNX, from \
     torch.onnx.export",
    hint = hint(.0),
    names = ARCHITECTURES.iter().map(|arch| arch.name).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownArchitecture(String);

fn hint(name: &str) -> String {
    let nearest = nearest(name, ARCHITECTURES.iter().map(|arch| arch.name));
    nearest.map_or(String::new(), |name| format!(" (did you mean '{name}'?)"))
}

/// The architecture of that name, of which only letters and digits count.
fn of_letters(name: &str) -> Option<(&'static Architecture, Option<Variant>)> {
    let name = letters(name);
    ARCHITECTURES.iter().find_map(|arch| {
        let known = letters(arch.name);
        let twins = arch.twins == Twins::OfTimm;
        let (rest, tf) = match name.strip_prefix("tf") {
            Some(rest) if twins => (rest, true),
            _ => (name.as_str(), false),
        };
        // timm writes the width behind it, in per cent.
        let of_timm = rest.strip_suffix("100") == Some(&known);
        let variant = match (twins, tf, of_timm) {
            (true, true, _) => Some(Variant::Tf),
            (true, false, true) => Some(Variant::Timm),
            _ => None,
        };
        (of_timm || rest == known).then_some((arch, variant))
    })
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::{InputShapes, infer};

    use super::*;

    #[test]
    fn architectures_have_the_names_of_others_too() {
        let called = |name| Architecture::called(name).map(|(arch, variant)| (arch.name, variant));
        for (name, arch, variant) in [
            ("efficientnet-lite0", "efficientnet-lite0", None),
            ("EfficientNet_Lite0", "efficientnet-lite0", None),
            (
                "tf_efficientnet_lite3",
                "efficientnet-lite3",
                Some(Variant::Tf),
            ),
            ("mobilenet_v3_small", "mobilenet-v3-small", None),
            (
                "mobilenetv3_small_100.lamb_in1k",
                "mobilenet-v3-small",
                Some(Variant::Timm),
            ),
            (
                "timm/tf_mobilenetv3_large_100",
                "mobilenet-v3-large",
                Some(Variant::Tf),
            ),
            ("mobilenetv2_100", "mobilenet-v2", None),
            ("squeezenet1_1", "squeezenet1-1", None),
            ("squeezenet1.1", "squeezenet1-1", None),
            ("resnet50.a1_in1k", "resnet50", None),
        ] {
            assert_eq!(called(name), Ok((arch, variant)), "{name}");
        }
        for name in [
            "",
            "resnet",
            "tf_resnet18",
            "mobilenetv3_small_075",
            "resnet50_100d",
        ] {
            assert_eq!(
                called(name),
                Err(UnknownArchitecture(name.into())),
                "{name}"
            );
        }
    }

    #[test]
    fn every_architecture_can_be_built_without_weights() {
        for arch in ARCHITECTURES {
            let graph = arch.blank(6);
            graph.check().unwrap();
            let shapes = InputShapes::bind(&graph, 1, None).unwrap();
            let inference = infer(&graph, &shapes).unwrap();
            assert_eq!(
                inference.get("logits").unwrap().dims,
                [1, 6],
                "{}",
                arch.name
            );
        }
    }
}
