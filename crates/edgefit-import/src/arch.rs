//! The architectures that a [`crate::Checkpoint`] can be imported as, one file for each family.

mod blocks;
mod efficientnet_lite;
mod mobilenet_v2;
mod mobilenet_v3;
mod resnet;
mod squeezenet;

use crate::architecture::Architecture;

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
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::{InputShapes, infer};

    use super::*;

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
