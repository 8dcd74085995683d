//! Differences of the engines that are not the model's fault.

use edgefit_graph::{Attribute, Graph, Node};

use crate::EngineName;

/// Why `engines` differ on `node`, where it is known.
pub(super) fn explain(graph: &Graph, node: &Node, engines: [EngineName; 2]) -> Option<String> {
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
    let why = match node.op.as_str() {
        "Resize"
            if with_onnxruntime && text("coordinate_transformation_mode") == "align_corners" =>
        {
            "ONNX Runtime and ONNX's reference do not take the same size of the output for align_corners \
             where the scales make it fractional; export with sizes instead of scales"
        }
        "AveragePool" if with_onnxruntime && ints("kernel_shape").len() == 3 => {
            "the engines do not agree on which padding counts in the mean of a pooling over three \
             dimensions; export it without padding, behind a Pad"
        }
        "AveragePool" if int("ceil_mode") != 0 => {
            "the engines do not agree on what counts in the mean of a last window that reaches past \
             the padding (ceil_mode); export it without ceil_mode"
        }
        "AveragePool" if graph.opset() >= 19 && int("count_include_pad") != 0 => {
            "from opset 19 on the engines do not agree on counted padding (count_include_pad); export \
             with opset 17"
        }
        "BatchNormalization" if int("training_mode") != 0 => {
            "not every engine knows BatchNormalization in training mode; export the model in eval mode"
        }
        "Dropout" => {
            "burn never drops out, whatever the file asks for, and ONNX Runtime does as the file asks; \
             export the model in eval mode"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

/// What is known of an engine's refusal of `graph`.
pub fn refused(graph: &Graph, engine: EngineName) -> Option<&'static str> {
    let wraps = |node: &Node| {
        let mode = node.attributes.get("mode");
        node.op == "Pad" && mode.is_some_and(|mode| *mode == Attribute::from("wrap"))
    };
    (engine == EngineName::Tract && graph.nodes.iter().any(wraps))
        .then_some("tract does not know Pad with mode wrap; export a Concat of slices instead")
}
