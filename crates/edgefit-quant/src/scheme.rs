//! [`Scheme`]: what an engine wants of an int8 model, as data.

use std::path::Path;

use edgefit_base::file;
use edgefit_base::names::nearest;
use edgefit_device::Profile;
use edgefit_graph::{DataType, Node};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What an engine wants of an int8 model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scheme {
    /// Name, as `--scheme` takes it.
    pub name: String,
    /// Engines and cores that it is for, in a line.
    pub description: String,
    /// Where each of its rules is written down.
    pub sources: Vec<String>,
    /// Opsets of the file.
    pub opset: OpsetRange,
    /// Scales are powers of two.
    #[serde(default)]
    pub power_of_two: bool,
    /// Values that run through the graph.
    pub activation: ActivationScheme,
    /// Weights.
    pub weight: WeightScheme,
    /// Biases stay floats, where the engine adds them to rescaled sums.
    #[serde(default)]
    pub float_bias: bool,
    /// Ops that the engine computes on integers.
    pub quantized: Vec<String>,
    /// Ops of which it does so only where scale and zero point are the same before and behind.
    #[serde(default)]
    pub same_scale: Vec<String>,
    /// Ops that may give floats where nothing on integers reads their result.
    #[serde(default)]
    pub float_output: Vec<String>,
    /// Ops whose result has a scale and zero point that the engine prescribes.
    #[serde(default)]
    pub fixed: Vec<FixedOutput>,
}

/// Opsets, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpsetRange {
    /// The lowest.
    pub min: i64,
    /// The highest.
    pub max: i64,
}

/// How values are quantised that run through the graph, each with one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationScheme {
    /// Integer type.
    pub dtype: IntegerType,
    /// The zero point is the middle of the type.
    #[serde(default)]
    pub symmetric: bool,
}

/// How weights are quantised: symmetric, signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WeightScheme {
    /// How many scales a weight has.
    pub granularity: Granularity,
    /// Ops whose weight has one scale, whatever `granularity` says.
    #[serde(default)]
    pub per_tensor_ops: Vec<String>,
    /// Weights stay within ±63, so that sums of two products fit 16 bits (VPMADDUBSW saturates).
    #[serde(default)]
    pub reduced_range: bool,
}

/// How many scales a weight has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Granularity {
    /// One for each output channel.
    PerChannel,
    /// One.
    PerTensor,
}

/// An 8-bit integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntegerType {
    /// −128 to 127.
    S8,
    /// 0 to 255.
    U8,
}

impl IntegerType {
    /// Smallest and largest integer.
    pub fn limits(self) -> (i64, i64) {
        match self {
            IntegerType::S8 => (-128, 127),
            IntegerType::U8 => (0, 255),
        }
    }

    /// The same as ONNX calls it.
    pub fn data_type(self) -> DataType {
        match self {
            IntegerType::S8 => DataType::I8,
            IntegerType::U8 => DataType::U8,
        }
    }
}

/// Scale and zero point of what an op makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FixedOutput {
    /// The op.
    pub op: String,
    /// The scale.
    pub scale: f32,
    /// The zero point.
    pub zero_point: i64,
}

/// The lowest opset of the QDQ format with a scale for each channel.
const LEAST_OPSET: i64 = 13;

/// Every scheme that is built in.
const BUILT_IN: &[&str] = &[
    include_str!("../schemes/onnxruntime-x86.toml"),
    include_str!("../schemes/onnxruntime-x86-vnni.toml"),
    include_str!("../schemes/onnxruntime-arm.toml"),
    include_str!("../schemes/st-edge-ai.toml"),
    include_str!("../schemes/tflite.toml"),
    include_str!("../schemes/esp-dl.toml"),
    include_str!("../schemes/nxp-neutron.toml"),
    include_str!("../schemes/tensorrt.toml"),
    include_str!("../schemes/openvino.toml"),
];

impl Scheme {
    /// The schemes that are built in.
    pub fn built_in() -> Vec<Scheme> {
        let parsed = BUILT_IN.iter().map(|text| toml::from_str(text));
        parsed
            .collect::<Result<_, _>>()
            .expect("the built-in schemes are whole")
    }

    /// The built-in scheme of that name.
    ///
    /// ```
    /// use edgefit_quant::{Granularity, Scheme};
    ///
    /// let scheme = Scheme::named("tflite")?;
    /// assert_eq!(scheme.weight.granularity, Granularity::PerChannel);
    /// assert!(Scheme::named("tflit").unwrap_err().to_string().contains("did you mean 'tflite'"));
    /// # Ok::<(), edgefit_quant::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is none; the nearest name is told.
    pub fn named(name: &str) -> Result<Scheme> {
        let all = Scheme::built_in();
        if let Some(scheme) = all.iter().find(|scheme| scheme.name == name) {
            return Ok(scheme.clone());
        }
        let names: Vec<&str> = all.iter().map(|scheme| scheme.name.as_str()).collect();
        let problem = match nearest(name, names.iter().copied()) {
            Some(near) => format!("is not known; did you mean '{near}'?"),
            None => format!("is not known; there are {}", names.join(", ")),
        };
        Err(Error::Scheme {
            place: format!("'{name}'"),
            problem,
        })
    }

    /// The built-in scheme of that name, or the one in that file: a `.toml`, or a path.
    ///
    /// # Errors
    /// There is none of that name, or the file cannot be read or is none.
    pub fn find(scheme: &str) -> Result<Scheme> {
        let is_file = scheme.ends_with(".toml") || scheme.contains(['/', '\\']);
        if !is_file {
            return Scheme::named(scheme);
        }
        let text = file::read_to_string(Path::new(scheme)).map_err(|error| Error::Scheme {
            place: scheme.to_owned(),
            problem: format!("cannot be read: {error}"),
        })?;
        Scheme::parse(&text, scheme)
    }

    /// What an engine of a device wants: the one that is named, else the first that wants int8 models.
    ///
    /// # Errors
    /// The device has no such engine, it wants no int8 models, or its scheme is not known.
    pub fn of_device(profile: &Profile, engine: Option<&str>) -> Result<Scheme> {
        let mut engines = profile.engines.iter();
        let device = &profile.name;
        let invalid = |problem: String| Error::Scheme {
            place: format!("of {device}"),
            problem,
        };
        let Some(name) = engine else {
            let scheme = engines.find_map(|engine| engine.scheme.as_deref());
            return Scheme::named(scheme.ok_or_else(|| {
                invalid(
                    "no engine says what it wants of int8 models; name a scheme with --scheme"
                        .into(),
                )
            })?);
        };
        let Some(engine) = engines.find(|engine| engine.name.as_str() == name) else {
            let named = profile.engines.iter().map(|engine| engine.name.as_str());
            let named = named.collect::<Vec<_>>().join(", ");
            return Err(invalid(format!("no engine '{name}': {device} has {named}")));
        };
        let scheme = engine.scheme.as_deref().ok_or_else(|| {
            invalid(format!(
                "{name} on {device} wants no int8 models; name another engine with --engine, or a scheme with \
                 --scheme"
            ))
        });
        Scheme::named(scheme?)
    }

    /// The scheme that a file describes; `place` names the file in errors.
    ///
    /// # Errors
    /// A key is missing or unknown, or a value is not what it has to be.
    pub fn parse(text: &str, place: &str) -> Result<Scheme> {
        let invalid = |problem: String| Error::Scheme {
            place: place.to_owned(),
            problem,
        };
        let scheme: Scheme = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        scheme
            .problem()
            .map_or(Ok(scheme), |problem| Err(invalid(problem)))
    }

    /// The first value that cannot be, and the fix.
    fn problem(&self) -> Option<String> {
        let OpsetRange { min, max } = self.opset;
        if max < LEAST_OPSET {
            return Some(format!(
                "opset.max is {max}, and scales for each channel need opset {LEAST_OPSET}; give at least that"
            ));
        }
        if min > max {
            return Some(format!(
                "opset.min is {min}, above opset.max, {max}; exchange them"
            ));
        }
        let (least, most) = self.activation.dtype.limits();
        self.fixed.iter().find_map(|fixed| {
            let FixedOutput { op, scale, zero_point } = fixed;
            if !(scale.is_normal() && *scale > 0.0) {
                return Some(format!("the fixed scale of {op} is {scale}; give one above 0"));
            }
            (!(least..=most).contains(zero_point)).then(|| {
                format!(
                    "the fixed zero-point of {op} is {zero_point}; give one that its type holds, {least} to {most}"
                )
            })
        })
    }

    /// Whether the engine computes a node on integers, as far as its op says, and of a Resize its mode: kernels that
    /// interpolate compute in floats.
    pub(crate) fn quantizes(&self, node: &Node) -> bool {
        let mode = node.string_or("mode", "nearest");
        self.quantized.contains(&node.op)
            && (node.op != "Resize" || mode.is_ok_and(|mode| mode == "nearest"))
    }

    /// What the engine prescribes for the result of a node.
    pub(crate) fn fixed_output(&self, node: &Node) -> Option<&FixedOutput> {
        self.fixed.iter().find(|fixed| fixed.op == node.op)
    }

    /// Whether the weight of `op` has a scale for each output channel.
    pub fn is_per_channel(&self, op: &str) -> bool {
        self.weight.granularity == Granularity::PerChannel
            && !self.weight.per_tensor_ops.iter().any(|other| other == op)
    }

    /// Largest magnitude of a quantised weight.
    pub fn weight_limit(&self) -> i64 {
        if self.weight.reduced_range { 63 } else { 127 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nearest_elements_are_resampled_on_integers() {
        let resize = Node::new("Resize", "up", &["x", "", "s"], &["y"]);
        for scheme in Scheme::built_in() {
            let has_kernel = scheme.quantized.iter().any(|op| op == "Resize");
            assert_eq!(scheme.quantizes(&resize), has_kernel, "{}", scheme.name);
            for mode in ["linear", "cubic"] {
                let resize = resize.clone().with("mode", mode.into());
                assert!(!scheme.quantizes(&resize), "{}", scheme.name);
            }
        }
    }

    #[test]
    fn values_that_cannot_be_are_named_in_a_line() {
        let esp = include_str!("../schemes/esp-dl.toml");
        for scheme in Scheme::built_in() {
            assert_eq!(scheme.problem(), None, "{}", scheme.name);
        }
        for (good, bad, words) in [
            ("max = 17", "max = 12", "opset.max is 12"),
            ("min = 13", "min = 18", "opset.min is 18"),
            ("scale = 0.0078125", "scale = 0.0", "Softmax is 0"),
            ("scale = 0.0078125", "scale = nan", "Softmax is NaN"),
            ("zero-point = 0", "zero-point = 128", "-128 to 127"),
        ] {
            let text = esp.replace(good, bad);
            assert_ne!(text, esp);
            let error = Scheme::parse(&text, "own.toml").unwrap_err().to_string();
            assert!(
                error.starts_with("scheme own.toml: ") && error.contains(words),
                "{error}"
            );
            assert_eq!(error.lines().count(), 1);
        }
    }
}
