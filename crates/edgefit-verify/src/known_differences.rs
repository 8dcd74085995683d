//! Known differences of the engines that are not the model's fault, and what to do about each.

use edgefit_engine::EngineName;
use edgefit_graph::{Attribute, Graph, Node};

/// A difference of the engines that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnownDifference {
    ResizeAlignCorners,
    AveragePool3d,
    AveragePoolCeilMode,
    AveragePoolCountedPadding,
    BatchNormalizationTraining,
    Dropout,
}

impl KnownDifference {
    /// The one that `engines` have on `node`.
    fn of(graph: &Graph, node: &Node, engines: [EngineName; 2]) -> Option<Self> {
        let text = |name: &str| match node.attributes.get(name) {
            Some(Attribute::String(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        let int = |name: &str| node.int_or(name, 0).unwrap_or(0);
        let ints = |name: &str| match node.attributes.get(name) {
            Some(Attribute::Ints(values)) => values.as_slice(),
            _ => &[],
        };
        let with_onnxruntime = engines.contains(&EngineName::OnnxRuntime);
        let aligned = || text("coordinate_transformation_mode") == "align_corners";
        match node.op.as_str() {
            "Resize" if with_onnxruntime && aligned() => Some(KnownDifference::ResizeAlignCorners),
            "AveragePool" if with_onnxruntime && ints("kernel_shape").len() == 3 => {
                Some(KnownDifference::AveragePool3d)
            }
            "AveragePool" if int("ceil_mode") != 0 => Some(KnownDifference::AveragePoolCeilMode),
            "AveragePool" if graph.opset() >= 19 && int("count_include_pad") != 0 => {
                Some(KnownDifference::AveragePoolCountedPadding)
            }
            "BatchNormalization" if int("training_mode") != 0 => {
                Some(KnownDifference::BatchNormalizationTraining)
            }
            "Dropout" => Some(KnownDifference::Dropout),
            _ => None,
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            KnownDifference::ResizeAlignCorners => {
                "ONNX Runtime and ONNX's reference do not take the same size of the output for \
                 align_corners where the scales make it fractional; export with sizes instead of scales"
            }
            KnownDifference::AveragePool3d => {
                "the engines do not agree on which padding counts in the mean of a pooling over three \
                 dimensions; export it without padding, behind a Pad"
            }
            KnownDifference::AveragePoolCeilMode => {
                "the engines do not agree on what counts in the mean of a last window that reaches past \
                 the padding (ceil_mode); export it without ceil_mode"
            }
            KnownDifference::AveragePoolCountedPadding => {
                "from opset 19 on the engines do not agree on counted padding (count_include_pad); \
                 export with opset 17"
            }
            KnownDifference::BatchNormalizationTraining => {
                "not every engine knows BatchNormalization in training mode; export the model in eval \
                 mode"
            }
            KnownDifference::Dropout => {
                "burn never drops out, whatever the file asks for, and ONNX Runtime does as the file \
                 asks; export the model in eval mode"
            }
        }
    }
}

/// Why `engines` differ on `node`, where it is known.
pub(crate) fn explain(
    graph: &Graph,
    node: &Node,
    engines: [EngineName; 2],
) -> Option<&'static str> {
    KnownDifference::of(graph, node, engines).map(KnownDifference::explanation)
}

/// What is known of an engine's refusal of `graph`.
pub(crate) fn refused(graph: &Graph, engine: EngineName) -> Option<&'static str> {
    let wraps = |node: &Node| {
        let mode = node.attributes.get("mode");
        node.op == "Pad" && mode.is_some_and(|mode| *mode == Attribute::from("wrap"))
    };
    (engine == EngineName::Tract && graph.nodes.iter().any(wraps))
        .then_some("tract does not know Pad with mode wrap; export a Concat of slices instead")
}
