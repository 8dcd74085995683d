//! A model in int8 as an integer program: its reference against an engine that computes the same file in
//! floats, and the C that is made of it against the reference.

use std::path::PathBuf;

use edgefit_base::statistics::{argmax, is_right};
use edgefit_engine::{Array, EngineName};
use edgefit_micro::Program;
use edgefit_micro::target::Emulation;
use serde::Serialize;

use crate::accuracy::IntegerAccuracy;
use crate::fidelity::LEAST_SQNR_DB;
use crate::noise::Noise;
use crate::tolerance::LEAST_COSINE;
use crate::verdict::Verdict;

/// Name of the reference in reports.
const REFERENCE: &str = "micro";

/// Name of the C project in reports.
const C: &str = "c";

/// Names of LiteRT in reports: with its reference kernels, and with those that it takes by itself.
const LITERT: &str = "litert";
const LITERT_DEFAULT: &str = "litert-default";

/// Share of the bytes of an output that LiteRT's reference kernels may have otherwise, by a step, and three standard
/// errors of it more, one byte at least: they round the sums of a matrix product once, where CMSIS-NN rounds twice. Of
/// 24,570 results of such a product, 25 were a step apart.
const MOST_DIFFERENT: f64 = 0.01;

/// What became of a comparison, the document `edgefit.verify/1` of an integer program.
#[derive(Debug, Serialize)]
pub struct IntegerReport {
    /// Whether all pairs agree.
    pub verdict: Verdict,
    /// File of the model.
    pub model: PathBuf,
    /// Samples that ran.
    pub samples: usize,
    /// Each two results.
    pub pairs: Vec<IntegerPair>,
    /// On samples whose class is known.
    pub accuracy: Vec<IntegerAccuracy>,
    /// Where the C ran, if it did.
    pub emulation: Option<EmulatedOn>,
    /// The version of LiteRT, if it ran.
    pub litert: Option<String>,
}

/// Two results of the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntegerPair {
    /// One side.
    pub a: String,
    /// The other.
    pub b: String,
    /// Bytes of the output that were compared.
    pub bytes: usize,
    /// Bytes that differ.
    pub different: usize,
    /// Largest difference in steps of the output's scale.
    pub max_steps: u32,
    /// The same as a float.
    pub max_abs: f64,
    /// Length of the difference by that of the result.
    pub rel_l2: f64,
    /// Signal to noise in decibels; none where nothing differs.
    pub sqnr_db: Option<f64>,
    /// Cosine of the angle between both.
    pub cosine: f64,
    /// Share of samples whose largest output is the same; of outputs with several numbers.
    pub top1_agree: Option<f64>,
    /// Whether that is within the tolerance.
    pub within: bool,
    /// What is asked for.
    pub tolerance: String,
}

/// Where the C ran, and for how many instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EmulatedOn {
    /// The device that was asked for.
    pub device: String,
    /// The core.
    pub core: String,
    /// The board of QEMU.
    pub machine: String,
    /// Fewest instructions of a run: a count, and no time.
    pub least_instructions: u64,
    /// Most instructions of a run.
    pub most_instructions: u64,
}

/// The results of one side, a row for each sample.
struct Rows<'a> {
    name: String,
    rows: &'a [Vec<i8>],
}

/// What is known when all has run.
pub(crate) struct IntegerResults<'a> {
    /// File of the model.
    pub model: PathBuf,
    /// The program.
    pub program: &'a Program,
    /// Bytes of the reference for each sample.
    pub reference: Vec<Vec<i8>>,
    /// An engine, and its floats for each sample.
    pub engine: (EngineName, Vec<Array>),
    /// What the C gave, and for which device and core.
    pub emulation: Option<(Emulation, [String; 2])>,
    /// What LiteRT gave.
    pub litert: Option<LiteRtResults>,
    /// The class of each sample, where it is known.
    pub classes: Vec<Option<usize>>,
}

/// What LiteRT gave, a row for each sample.
pub(crate) struct LiteRtResults {
    /// Its version.
    pub version: String,
    /// With its reference kernels.
    pub reference: Vec<Vec<i8>>,
    /// With those that it takes by itself.
    pub default: Vec<Vec<i8>>,
}

impl IntegerReport {
    /// The report of `results`.
    pub(crate) fn of(results: IntegerResults) -> Self {
        let program = results.program;
        let (engine, floats) = &results.engine;
        let quantization = program.output.quantization;
        let rows: Vec<Vec<i8>> = floats
            .iter()
            .map(|floats| program.output.quantize(&floats.values))
            .collect();
        let reference = Rows {
            name: REFERENCE.to_owned(),
            rows: &results.reference,
        };
        let other = Rows {
            name: engine.to_string(),
            rows: &rows,
        };
        let mut sides = vec![&reference, &other];
        let mut pairs = vec![compared(program, [&reference, &other])];
        let emulated = results.emulation.as_ref();
        let c = emulated.map(|(emulation, _)| Rows {
            name: C.to_owned(),
            rows: &emulation.outputs,
        });
        if let Some(c) = &c {
            pairs.push(exact(compared(program, [c, &reference])));
            sides.push(c);
        }
        let litert = results.litert.as_ref();
        let litert = litert.map(|litert| {
            [
                (LITERT, &litert.reference),
                (LITERT_DEFAULT, &litert.default),
            ]
            .map(|(name, rows)| Rows {
                name: name.to_owned(),
                rows,
            })
        });
        if let Some([plain, default]) = &litert {
            pairs.push(nearly_exact(compared(program, [plain, &reference])));
            pairs.push(compared(program, [plain, &other]));
            pairs.push(compared(program, [default, &reference]));
            sides.extend([plain, default]);
        }
        for pair in &mut pairs {
            pair.max_abs = f64::from(pair.max_steps) * f64::from(quantization.scale);
        }
        let agree = pairs.iter().all(|pair| pair.within);
        Self {
            verdict: if agree {
                Verdict::Agree
            } else {
                Verdict::Diverge
            },
            samples: results.reference.len(),
            accuracy: sides
                .into_iter()
                .filter_map(|side| accuracy_of(side, &results.classes))
                .collect(),
            pairs,
            emulation: emulated.map(|(emulation, [device, core])| EmulatedOn {
                device: device.clone(),
                core: core.clone(),
                machine: emulation.machine.to_owned(),
                least_instructions: emulation.instructions.iter().copied().min().unwrap_or(0),
                most_instructions: emulation.instructions.iter().copied().max().unwrap_or(0),
            }),
            litert: results.litert.map(|litert| litert.version),
            model: results.model,
        }
    }
}

/// Two sides; the second is what the first is held to.
fn compared(program: &Program, [a, b]: [&Rows; 2]) -> IntegerPair {
    let values = |side: &Rows| Array {
        dims: vec![side.rows.len(), program.values[program.output.value]],
        values: side
            .rows
            .iter()
            .flat_map(|row| program.output.dequantize(row))
            .collect(),
    };
    let (mine, wanted) = (values(a), values(b));
    let steps = a.rows.iter().flatten().zip(b.rows.iter().flatten());
    let steps = steps.map(|(a, b)| u32::from(a.abs_diff(*b)));
    let noise = Noise::of(&wanted, &mine);
    let (cosine, sqnr_db, rel_l2) = noise.map_or((0.0, None, f64::INFINITY), |noise| {
        (noise.cosine, noise.sqnr_db(), noise.relative())
    });
    let different = steps.clone().filter(|&steps| steps > 0).count();
    let largest = |row: &Vec<i8>| argmax(&program.output.dequantize(row));
    let same = a
        .rows
        .iter()
        .zip(b.rows)
        .filter(|(a, b)| largest(a) == largest(b));
    let classes = program.values[program.output.value] > 1;
    IntegerPair {
        a: a.name.clone(),
        b: b.name.clone(),
        bytes: wanted.values.len(),
        different,
        max_steps: steps.max().unwrap_or(0),
        max_abs: 0.0,
        rel_l2,
        sqnr_db,
        cosine,
        top1_agree: classes.then(|| same.count() as f64 / a.rows.len().max(1) as f64),
        within: different == 0
            || (cosine >= LEAST_COSINE && sqnr_db.is_some_and(|sqnr| sqnr >= LEAST_SQNR_DB)),
        tolerance: format!("cosine {LEAST_COSINE}, SQNR {LEAST_SQNR_DB} dB"),
    }
}

/// The same pair, every byte of which has to be equal.
fn exact(pair: IntegerPair) -> IntegerPair {
    IntegerPair {
        within: pair.different == 0,
        tolerance: "every byte".to_owned(),
        ..pair
    }
}

/// The same pair, few bytes of which may be a step apart.
fn nearly_exact(pair: IntegerPair) -> IntegerPair {
    let expected = pair.bytes as f64 * MOST_DIFFERENT;
    let deviation = (expected * (1.0 - MOST_DIFFERENT)).sqrt();
    let most = (expected + 3.0 * deviation).max(1.0).floor();
    IntegerPair {
        within: pair.max_steps <= 1 && pair.different as f64 <= most,
        tolerance: format!("at most {most} bytes by one step"),
        ..pair
    }
}

fn accuracy_of(side: &Rows, classes: &[Option<usize>]) -> Option<IntegerAccuracy> {
    let judged = side.rows.iter().zip(classes).map(|(row, class)| {
        let row: Vec<f32> = row.iter().map(|&byte| byte.into()).collect();
        is_right(&row, (*class)?)
    });
    IntegerAccuracy::of(&side.name, judged)
}

#[cfg(test)]
mod tests {
    use edgefit_micro::{InputBy, Port, Quantization};

    use super::*;

    /// A program that gives back what it takes, on two samples; the C made `c` of them.
    fn report(c: [[i8; 3]; 2]) -> IntegerReport {
        let port = Port {
            value: 0,
            dims: vec![1, 3],
            order: vec![0, 1],
            quantization: Quantization {
                scale: 0.5,
                zero_point: 0,
            },
        };
        let program = Program {
            values: vec![3],
            steps: Vec::new(),
            input: port.clone(),
            output: port,
            input_by: InputBy::Whole,
            labels: Vec::new(),
            preprocessing: None,
            scaler: None,
        };
        let reference = [[10, 2, 3], [4, 50, 6]].map(Vec::from);
        let floats = reference.iter().map(|row| Array {
            dims: vec![1, 3],
            values: program.output.dequantize(row),
        });
        IntegerReport::of(IntegerResults {
            model: "int8.onnx".into(),
            program: &program,
            engine: (EngineName::Tract, floats.collect()),
            reference: reference.to_vec(),
            litert: None,
            emulation: Some((
                Emulation {
                    machine: "board",
                    outputs: c.map(Vec::from).to_vec(),
                    instructions: vec![80, 120],
                },
                ["device".into(), "core".into()],
            )),
            classes: vec![Some(0), Some(2)],
        })
    }

    #[test]
    fn one_byte_of_the_c_is_a_divergence() {
        let same = report([[10, 2, 3], [4, 50, 6]]);
        assert_eq!(same.verdict, Verdict::Agree);
        assert!(same.pairs.iter().all(|pair| pair.sqnr_db.is_none()));
        let emulation = same.emulation.unwrap();
        assert_eq!(
            (emulation.least_instructions, emulation.most_instructions),
            (80, 120)
        );
        let other = report([[10, 2, 3], [4, 50, 7]]);
        assert_eq!(other.verdict, Verdict::Diverge);
        let [engine, c] = other.pairs.as_slice() else {
            panic!("{:?}", other.pairs);
        };
        assert!(engine.within);
        assert_eq!(
            (c.different, c.max_steps, c.max_abs, c.within),
            (1, 1, 0.5, false)
        );
        // One of two labels, on each side.
        assert!(
            other
                .accuracy
                .iter()
                .all(|side| (side.correct, side.samples) == (1, 2))
        );
    }

    #[test]
    fn only_classes_among_several_outputs_are_judged() {
        let rows = [vec![9, 0], vec![9, 0], vec![9]];
        let name = C.to_owned();
        let side = Rows { name, rows: &rows };
        let judged = accuracy_of(&side, &[Some(0), Some(2), Some(0)]).unwrap();
        assert_eq!((judged.correct, judged.samples), (1, 1));
        assert_eq!(accuracy_of(&side, &[None, Some(2), Some(0)]), None);
    }

    #[test]
    fn few_bytes_of_litert_may_be_a_step_apart() {
        let pair = |bytes, different, max_steps| IntegerPair {
            a: String::new(),
            b: String::new(),
            bytes,
            different,
            max_steps,
            max_abs: 0.0,
            rel_l2: 0.0,
            sqnr_db: None,
            cosine: 1.0,
            top1_agree: None,
            within: false,
            tolerance: String::new(),
        };
        let within = |bytes, different, steps| nearly_exact(pair(bytes, different, steps)).within;
        assert!(within(4, 1, 1) && within(40, 2, 1) && within(10_000, 100, 1));
        assert!(!within(40, 3, 1) && !within(10_000, 140, 1) && !within(10_000, 1, 2));
    }
}
