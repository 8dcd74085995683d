//! ONNX's own operator cases, run through the burn executor in eval mode.
//!
//! What does not pass stands in `tests/conformance/exceptions.toml` with the reason; a case that
//! passes and still stands there fails the test, and so does a summary in `docs/conformance.md`
//! that is out of date. `EDGEFIT_WRITE_DOCS=1` writes the summary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use edgefit::assets::{Cache, onnx_operator_cases};
use edgefit::burn::burn::tensor::Device;
use edgefit::burn::{EvalModule, Value};
use edgefit::graph::{Graph, Tensor, ValueInfo, ValueType};

/// The operators that edgefit promises.
const PROMISED: &str = "Conv ConvTranspose Gemm MatMul BatchNormalization LayerNormalization \
    InstanceNormalization GroupNormalization Relu LeakyRelu PRelu Clip Sigmoid HardSigmoid \
    HardSwish Tanh Elu Softplus Mish Gelu Erf Softmax LogSoftmax Add Sub Mul Div Pow Sqrt Exp Log \
    Neg Abs Reciprocal Min Max Sin Cos Ceil Floor Mod MaxPool AveragePool GlobalAveragePool \
    GlobalMaxPool ReduceMean ReduceSum ReduceMax ReduceMin ReduceL2 Concat Split Slice Gather \
    Transpose Reshape Flatten Squeeze Unsqueeze Expand Tile Pad Resize Upsample DepthToSpace \
    SpaceToDepth Shape Size Constant ConstantOfShape Range Cast Identity Dropout Equal Less \
    Greater Not And Or Where CumSum ArgMax TopK Einsum QuantizeLinear DequantizeLinear";

/// Tolerance of ONNX's own runner of these cases.
const RELATIVE: f64 = 1e-3;
const ABSOLUTE: f64 = 1e-7;

/// Element types of floats in a `TensorProto`.
const FLOAT_CODES: [u64; 4] = [1, 10, 11, 16];

#[derive(Default)]
struct Count {
    cases: usize,
    passed: usize,
}

#[test]
fn operators_compute_what_onnx_says() {
    let folder = onnx_operator_cases(&Cache::of_user().unwrap()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let exceptions: BTreeMap<String, String> =
        toml::from_str(include_str!("conformance/exceptions.toml")).unwrap();
    let promised: BTreeSet<&str> = PROMISED.split_whitespace().collect();

    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let (mut floats, mut others) = (Count::default(), Count::default());
    let (mut failed, mut recovered) = (Vec::new(), Vec::new());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 900, "{} cases", names.len());
    for name in names {
        let case = folder.join(&name);
        let Some(about) = About::of(&case.join("model.onnx")) else {
            panic!("{name}: its model cannot be read");
        };
        if !about.ops.iter().all(|op| promised.contains(op.as_str())) {
            continue;
        }
        let result =
            std::panic::catch_unwind(|| run(&case)).unwrap_or_else(|_| Err("it panics".into()));
        let excepted = exceptions.contains_key(&name);
        match &result {
            Ok(()) if excepted => recovered.push(name.clone()),
            Err(problem) if !excepted => failed.push(format!("{name}: {problem}")),
            _ => {}
        }
        let sum = if about.floats {
            &mut floats
        } else {
            &mut others
        };
        let op = match about.ops.len() {
            1 => about.ops.first().cloned().unwrap_or_default(),
            _ => "several".into(),
        };
        for count in [sum, counts.entry(op).or_default()] {
            count.cases += 1;
            count.passed += usize::from(result.is_ok());
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases fail:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(
        recovered.is_empty(),
        "cases pass that stand in tests/conformance/exceptions.toml; take them out: {recovered:?}"
    );
    assert!(
        floats.passed * 100 >= floats.cases * 97,
        "{} of {} float cases pass",
        floats.passed,
        floats.cases
    );

    let summary = summary(&floats, &others, &counts, &exceptions);
    let document = root.join("docs/conformance.md");
    if std::env::var_os("EDGEFIT_WRITE_DOCS").is_some() {
        fs::write(&document, &summary).unwrap();
    }
    assert!(
        fs::read_to_string(&document).unwrap_or_default() == summary,
        "docs/conformance.md is out of date; run this test once with EDGEFIT_WRITE_DOCS=1"
    );
}

/// What a case is about, read by ONNX's wire format alone, so that a model which edgefit cannot
/// read counts as well.
struct About {
    ops: BTreeSet<String>,
    /// Whether an input or an output holds floats.
    floats: bool,
}

impl About {
    fn of(model: &Path) -> Option<Self> {
        let bytes = fs::read(model).ok()?;
        let mut about = About {
            ops: BTreeSet::new(),
            floats: false,
        };
        // ModelProto.graph = 7; GraphProto.node = 1, .input = 11, .output = 12;
        // NodeProto.op_type = 4; ValueInfoProto.type = 2; TypeProto.tensor_type = 1, .elem_type = 1.
        for graph in messages(&bytes, 7)? {
            for node in messages(graph, 1)? {
                for op in messages(node, 4)? {
                    about.ops.insert(String::from_utf8(op.to_vec()).ok()?);
                }
            }
            for tag in [11, 12] {
                for value in messages(graph, tag)? {
                    for ty in messages(value, 2)? {
                        for tensor in messages(ty, 1)? {
                            about.floats |= FLOAT_CODES.contains(&number(tensor, 1)?);
                        }
                    }
                }
            }
        }
        Some(about)
    }
}

/// The fields `tag` of a message that are messages or strings.
fn messages(bytes: &[u8], tag: u32) -> Option<Vec<&[u8]>> {
    let fields = fields(bytes)?.into_iter();
    Some(
        fields
            .filter(|field| field.0 == tag)
            .map(|field| field.2)
            .collect(),
    )
}

/// The field `tag` of a message that is a number; 0 if it is not there.
fn number(bytes: &[u8], tag: u32) -> Option<u64> {
    let fields = fields(bytes)?;
    Some(
        fields
            .iter()
            .find(|field| field.0 == tag)
            .map_or(0, |field| field.1),
    )
}

/// Tag, number and bytes of each field of a message.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u32, u64, &[u8])>> {
    use prost::encoding::{WireType, decode_key, decode_varint};
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let (number, length) = match wire_type {
            WireType::Varint => (decode_varint(&mut bytes).ok()?, 0),
            WireType::LengthDelimited => (0, decode_varint(&mut bytes).ok()? as usize),
            WireType::ThirtyTwoBit => (0, 4),
            WireType::SixtyFourBit => (0, 8),
            _ => return None,
        };
        let (inside, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        fields.push((tag, number, inside));
    }
    Some(fields)
}

fn run(case: &Path) -> Result<(), String> {
    let graph = Graph::from_bytes(model(case)?).map_err(|error| error.to_string())?;
    let device = Device::flex();
    let module = EvalModule::from_graph(&graph, &device).map_err(|error| error.to_string())?;
    let given: Vec<&ValueInfo> = graph.free_inputs().collect();
    let wanted: Vec<&ValueInfo> = graph.outputs.iter().collect();
    let mut sets = 0;
    while case.join(format!("test_data_set_{sets}")).is_dir() {
        let data = case.join(format!("test_data_set_{sets}"));
        let inputs = tensors(&given, &data, "input")?
            .into_iter()
            .map(|tensor| {
                if !tensor.dtype().is_float() {
                    return Ok(Value::from(tensor));
                }
                let values = numbers(&tensor)?.iter().map(|v| *v as f32).collect();
                Value::new(values, tensor.dims(), &device)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let outputs = module.forward(inputs).map_err(|error| error.to_string())?;
        let expected = tensors(&wanted, &data, "output")?;
        if outputs.len() != expected.len() {
            return Err(format!("{} outputs, not {}", outputs.len(), expected.len()));
        }
        for (index, (output, expected)) in outputs.iter().zip(&expected).enumerate() {
            compare(output, expected).map_err(|problem| format!("output {index}: {problem}"))?;
        }
        sets += 1;
    }
    match sets {
        0 => Err("there are no data".into()),
        _ => Ok(()),
    }
}

/// The model of a case. Those of the oldest operators say an opset below 7, where these operators
/// are what they are in 7.
fn model(case: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = fs::read(case.join("model.onnx")).map_err(|error| error.to_string())?;
    // ModelProto.opset_import = 8; OperatorSetIdProto.version = 2, its last field.
    let old: Vec<usize> = messages(&bytes, 8)
        .unwrap_or_default()
        .into_iter()
        .filter(|import| number(import, 2).is_some_and(|version| version < 7))
        .map(|import| import.as_ptr_range().end as usize - bytes.as_ptr() as usize - 1)
        .collect();
    old.into_iter().for_each(|at| bytes[at] = 7);
    Ok(bytes)
}

fn tensors(declared: &[&ValueInfo], data: &Path, kind: &str) -> Result<Vec<Tensor>, String> {
    let files = (0..).map(|index| (index, data.join(format!("{kind}_{index}.pb"))));
    files
        .take_while(|(_, file)| file.is_file())
        .map(|(index, file)| {
            let bytes = fs::read(file).map_err(|error| error.to_string())?;
            let tensor = Tensor::from_proto_bytes(bytes).map_err(|error| error.to_string())?;
            // The data are stored without the type that they have, where NumPy does not know it.
            match declared.get(index).map(|value| &value.ty) {
                Some(ValueType::Tensor { dtype, .. }) if dtype.size() == tensor.dtype().size() => {
                    Tensor::new(*dtype, tensor.dims().to_vec(), tensor.bytes().clone())
                        .map_err(|error| error.to_string())
                }
                _ => Ok(tensor),
            }
        })
        .collect()
}

fn numbers(tensor: &Tensor) -> Result<Vec<f64>, String> {
    let numbers = match (tensor.to_f64(), tensor.dtype().is_float()) {
        (Ok(values), _) => Ok(values),
        (_, true) => tensor
            .to_f32()
            .map(|values| values.into_iter().map(f64::from).collect()),
        (_, false) => tensor
            .to_i64()
            .map(|values| values.into_iter().map(|v| v as f64).collect()),
    };
    numbers.map_err(|error| error.to_string())
}

/// Compares in the type that is expected; burn computes in 32-bit floats.
fn compare(output: &Value, expected: &Tensor) -> Result<(), String> {
    let scalar = expected.dims().is_empty() && output.dims() == [1];
    if output.dims() != expected.dims() && !scalar {
        return Err(format!(
            "shape {:?}, not {:?}",
            output.dims(),
            expected.dims()
        ));
    }
    let got: Vec<f64> = match output {
        Value::Host(tensor) if tensor.dtype() != expected.dtype() => {
            return Err(format!("{:?}, not {:?}", tensor.dtype(), expected.dtype()));
        }
        Value::Host(tensor) => numbers(tensor)?,
        Value::Floats(floats) => {
            let values = floats.to_vec().map_err(|error| error.to_string())?;
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let dims = expected.dims().to_vec();
            match Tensor::from_f64(expected.dtype(), dims, &values) {
                Some(rounded) => numbers(&rounded)?,
                None => values,
            }
        }
    };
    let expected = numbers(expected)?;
    let close = |(a, b): (&f64, &f64)| {
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= ABSOLUTE + RELATIVE * b.abs()
    };
    match got.iter().zip(&expected).position(|pair| !close(pair)) {
        None => Ok(()),
        Some(at) => Err(format!("element {at} is {}, not {}", got[at], expected[at])),
    }
}

fn summary(
    floats: &Count,
    others: &Count,
    counts: &BTreeMap<String, Count>,
    exceptions: &BTreeMap<String, String>,
) -> String {
    let mut text = String::from(
        "# Conformance\n\n\
         ONNX's own operator cases (libonnx-testdata 1.12.0, opsets up to 17) whose operators are \
         all on edgefit's list, run through the burn executor in eval mode, with the tolerance of \
         ONNX's own runner (relative 1e-3, absolute 1e-7). Written by\n\n\
         ```sh\nEDGEFIT_WRITE_DOCS=1 cargo test --workspace --test end_to_end conformance\n```\n\n\
         | cases | number | pass | share |\n|---|---:|---:|---:|\n",
    );
    for (name, count) in [
        ("with floats", floats),
        ("integers and booleans only", others),
    ] {
        let share = 100.0 * count.passed as f64 / count.cases.max(1) as f64;
        writeln!(
            text,
            "| {name} | {} | {} | {share:.1} % |",
            count.cases, count.passed
        )
        .unwrap();
    }
    text.push_str("\n## By operator\n\n| operator | cases | pass |\n|---|---:|---:|\n");
    for (op, count) in counts {
        writeln!(text, "| {op} | {} | {} |", count.cases, count.passed).unwrap();
    }
    text.push_str("\n## What does not pass, and why\n\n| case | reason |\n|---|---|\n");
    for (case, reason) in exceptions {
        writeln!(text, "| {case} | {reason} |").unwrap();
    }
    text
}
