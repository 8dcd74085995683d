//! ONNX file → [`Graph`].

mod attribute;
mod branches;
mod tensor;
mod value;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use indexmap::IndexMap;
use prost::Message;

use crate::decoded_size::check_decoded_size;
use crate::error::{Error, Result};
use crate::external_data::ExternalFiles;
use crate::file_bytes::{Loading, file_bytes};
use crate::graph::{Dim, Graph, ONNX_DOMAINS, OpaqueParts, ValueInfo, ValueType};
use crate::other_format::OtherFormat;
use crate::proto;
use attribute::node;
use tensor::tensor;
use value::values;

/// Versions of the ONNX operator set that are read.
const OPSETS: RangeInclusive<i64> = 7..=22;

impl Graph {
    /// Reads and checks a model file.
    ///
    /// The file, and files with external data, are mapped into memory: weights are read from the
    /// disk when something touches them, and the graph is a view of the file for as long as it
    /// lives. Replacing the file by renaming another one onto it, as [`Graph::save`] does, is safe:
    /// the graph keeps the old contents. A file that is changed in place changes the weights of
    /// the graph, and one that is truncated ends the process (SIGBUS); use [`Graph::load_copied`]
    /// where that can happen.
    ///
    /// External data is looked for in the model's own folder and nowhere else.
    ///
    /// ```
    /// use edgefit_graph::{Graph, Node, ValueInfo};
    ///
    /// let mut graph = Graph::new("example", 17);
    /// graph.inputs.push(ValueInfo::float("x"));
    /// graph.outputs.push(ValueInfo::float("y"));
    /// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.onnx");
    /// graph.save(&path)?;
    /// assert_eq!(Graph::load(&path)?, graph);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, is not ONNX, or breaks an invariant of [`Graph`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(load(path.as_ref(), Loading::Mapped)?.0)
    }

    /// As [`Graph::load`], with a copy of the file and of its external data in memory, so that
    /// the files may be changed while the graph lives.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub fn load_copied(path: impl AsRef<Path>) -> Result<Self> {
        Ok(load(path.as_ref(), Loading::Copied)?.0)
    }

    /// Reads and checks a model that is already in memory and has no external data.
    ///
    /// ```
    /// use edgefit_graph::Graph;
    ///
    /// let error = Graph::from_bytes(&b"no model"[..]).unwrap_err();
    /// assert!(error.to_string().starts_with("not an ONNX model"));
    /// ```
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        decode(bytes.into(), &mut ExternalFiles::none())
    }
}

/// The file of the model at `path`, and those of its external data in the order of their paths.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let (_, external) = load(path, Loading::Mapped)?;
    let mut files: Vec<PathBuf> = external.paths().map(Path::to_path_buf).collect();
    files.sort();
    files.insert(0, path.to_path_buf());
    Ok(files)
}

fn load(path: &Path, loading: Loading) -> Result<(Graph, ExternalFiles)> {
    let bytes = file_bytes(path, loading)?;
    let mut folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    if folder.as_os_str().is_empty() {
        folder = PathBuf::from(".");
    }
    let mut external = ExternalFiles::of_folder(folder, loading);
    let graph = decode(bytes, &mut external).map_err(|error| error.in_file(path))?;
    Ok((graph, external))
}

fn decode(bytes: Bytes, external: &mut ExternalFiles) -> Result<Graph> {
    let other = OtherFormat::of(&bytes);
    let told = |error| other.map_or(error, Error::OtherFormat);
    check_decoded_size(&bytes).map_err(told)?;
    let model = proto::ModelProto::decode(bytes).map_err(|error| {
        told(Error::NotOnnx {
            detail: error.to_string(),
        })
    })?;
    let Some(graph) = model.graph else {
        return Err(Error::NotOnnx {
            detail: "it holds no graph".into(),
        });
    };
    if !model.functions.is_empty() {
        return Err(Error::invalid(
            "model, field 'functions'",
            "model-local functions are not supported; inline them (onnx.inliner) or export with \
             the TorchScript exporter",
        ));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(Error::invalid(
            "graph, field 'sparse_initializer'",
            "sparse initializers are not supported; store the weights dense",
        ));
    }

    let mut initializers = IndexMap::with_capacity(graph.initializer.len());
    for initializer in graph.initializer {
        let name = initializer.name.clone().unwrap_or_default();
        let at = format!("initializer '{name}'");
        if name.is_empty() {
            return Err(Error::invalid(at, "has no name"));
        }
        let tensor = tensor(initializer, &at, external)?;
        if initializers.insert(name, tensor).is_some() {
            return Err(Error::invalid(at, "appears twice; names must be unique"));
        }
    }

    let mut graph = Graph {
        name: graph.name.unwrap_or_default(),
        nodes: graph
            .node
            .into_iter()
            .map(|raw| node(raw, external))
            .collect::<Result<_>>()?,
        inputs: values(graph.input, "input")?,
        outputs: values(graph.output, "output")?,
        initializers,
        value_info: values(graph.value_info, "value_info")?,
        opsets: model
            .opset_import
            .into_iter()
            .map(|opset| {
                (
                    opset.domain.unwrap_or_default(),
                    opset.version.unwrap_or_default(),
                )
            })
            .collect(),
        metadata: model
            .metadata_props
            .into_iter()
            .map(|entry| {
                (
                    entry.key.unwrap_or_default(),
                    entry.value.unwrap_or_default(),
                )
            })
            .collect(),
        ir_version: model.ir_version.unwrap_or_default(),
        producer: (
            model.producer_name.unwrap_or_default(),
            model.producer_version.unwrap_or_default(),
        ),
        opaque: OpaqueParts {
            domain: model.domain,
            model_version: model.model_version,
            model_doc: model.doc_string,
            graph_doc: graph.doc_string,
            quantization: graph.quantization_annotation,
            graph_metadata: graph.metadata_props,
        },
    };
    let of_onnx = |domain: &String| ONNX_DOMAINS.contains(&domain.as_str());
    if !graph.opsets.keys().any(of_onnx) {
        let others: Vec<&str> = graph.opsets.keys().map(String::as_str).collect();
        let others = match others.as_slice() {
            [] => String::new(),
            others => format!(", only of {}", others.join(", ")),
        };
        return Err(Error::invalid(
            "model, field 'opset_import'",
            format!(
                "names no version of the ONNX operators{others}; write one with the model, such as \
                 onnx.helper.make_opsetid(\"\", 17), or export it again"
            ),
        ));
    }
    if graph.outputs.is_empty() {
        return Err(Error::invalid(
            "graph, field 'output'",
            "names no output, so nothing is computed; export the model with its outputs",
        ));
    }
    let opset = graph.opset();
    if !OPSETS.contains(&opset) {
        return Err(Error::invalid(
            "model, field 'opset_import'",
            format!(
                "opset {opset} is not supported; export with opset {} to {}, or convert the model \
                 (onnx.version_converter)",
                OPSETS.start(),
                OPSETS.end()
            ),
        ));
    }
    branches::fold(&mut graph, external)?;
    graph.check()?;
    // An empty list of axes or the like is no data.
    let empty = |input: &&ValueInfo| match &input.ty {
        ValueType::Tensor {
            dtype,
            dims: Some(dims),
        } => dtype.is_float() && dims.contains(&Dim::Known(0)),
        _ => false,
    };
    if let Some(input) = graph.free_inputs().find(empty) {
        return Err(Error::invalid(
            format!("graph input '{}'", input.name),
            "has a dimension of 0; give its size, or a name if it is open",
        ));
    }
    Ok(graph)
}

#[cfg(test)]
mod tests;
