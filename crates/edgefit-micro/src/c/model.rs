//! The source of a model: weights and parameters as constants, an arena, and a call for each op.

use std::collections::HashMap;
use std::fmt::{Display, Write};

use super::fields::{broadcast, combined, image, images, multiplier, product, windowed};
use super::file::File;
use super::literal::{list, short_list, string};
use super::parts::Parts;
use super::prepared;
use crate::ops::{CopyRows, Layer, Op};
use crate::program::{InputBy, Source, Step};

/// The source.
pub(super) fn source(parts: Parts) -> File {
    let Parts {
        program,
        plan,
        name,
        library,
    } = parts;
    let upper = name.upper();
    let mut text = format!("#include \"{name}.h\"\n\n#include \"ef_kernels.h\"\n\n");
    text.push_str(
        "#if defined(__GNUC__)\n#define EF_SECTION(name) __attribute__((section(name)))\n#else\n\
         #define EF_SECTION(name)\n#endif\n\n",
    );
    for (index, bank) in plan.banks.iter().enumerate() {
        let _ = writeln!(
            text,
            "EF_SECTION(\".bss.edgefit_arena_{index}\") static int8_t {name}_arena_{index}[{}];",
            bank.bytes.max(1)
        );
    }
    if let Some(library) = library {
        let _ = writeln!(
            text,
            "\n/* What {} works in; ops that need more run on the project's own kernels. */\n#ifndef EF_SCRATCH_BYTES\n\
             #define EF_SCRATCH_BYTES {}\n#endif\nstatic int32_t {name}_scratch[EF_SCRATCH_BYTES / 4];",
            library.name(),
            library.scratch_bytes(program)
        );
    }
    let mut calls = String::new();
    let mut arrays = HashMap::new();
    for (index, step) in program.steps.iter().enumerate() {
        let mut writer = Writer {
            parts,
            index,
            text: &mut text,
            arrays: &mut arrays,
        };
        let call = writer.step(step);
        let _ = writeln!(calls, "    {call}");
    }
    if !program.labels.is_empty() {
        let labels: Vec<String> = program
            .labels
            .iter()
            .map(|label| format!("    {}", string(label)))
            .collect();
        let _ = write!(
            text,
            "\nconst char *const {name}_labels[{upper}_LABELS] = {{\n{}\n}};\n",
            labels.join(",\n")
        );
    }
    text.push_str(&prepared::defined(parts));
    let place = |value: usize| place(parts, value);
    let output = place(program.output.value);
    text.push_str(&match program.input_by {
        InputBy::Whole => format!(
            "\nvoid {name}_init(int8_t **input, const int8_t **output)\n{{\n    *input = {};\n    *output = {output};\n}}\n\n\
             void {name}_run(void)\n{{\n{calls}}}\n",
            place(program.input.value)
        ),
        InputBy::Parts => format!(
            "\nvoid {name}_init(const int8_t **output)\n{{\n    *output = {output};\n}}\n\n\
             void {name}_run({name}_read read, void *context)\n{{\n{calls}}}\n"
        ),
    });
    File {
        name: format!("{name}.c"),
        text,
    }
}

/// The address of a value.
fn place(parts: Parts, value: usize) -> String {
    let at = parts.plan.placements[value];
    format!("&{}_arena_{}[{}]", parts.name, at.bank, at.offset)
}

/// Writes the constants of one step.
struct Writer<'a> {
    parts: Parts<'a>,
    index: usize,
    text: &'a mut String,
    /// The names of the arrays that are there, by what is in them: steps that run for parts of an image share theirs.
    arrays: &'a mut HashMap<String, String>,
}

impl Writer<'_> {
    /// The name of something of this step.
    fn own(&self, what: &str) -> String {
        format!("{}_{what}_{}", self.parts.name, self.index)
    }

    /// A constant array.
    fn array<T: Display>(&mut self, ty: &str, what: &str, numbers: &[T]) -> String {
        let value = format!("[{}] = {}", numbers.len().max(1), list(numbers));
        let key = format!("{ty} {value}");
        if let Some(name) = self.arrays.get(&key) {
            return name.clone();
        }
        let name = self.own(what);
        let _ = writeln!(self.text, "\nstatic const {ty} {name}{value};");
        self.arrays.insert(key, name.clone());
        name
    }

    /// The parameters of the step, of the kernel `kernel`.
    fn parameters(&mut self, kernel: &str, fields: &str) -> String {
        let name = self.own("step");
        let _ = writeln!(
            self.text,
            "\nstatic const struct ef_{kernel} {name} = {{\n{fields}}};"
        );
        name
    }

    /// Where the step reads its input `at`.
    fn input(&mut self, step: &Step, at: usize) -> String {
        match &step.inputs[at] {
            Source::Value(value) => place(self.parts, *value),
            Source::Constant(bytes) => self.array("int8_t", &format!("constant_{at}"), bytes),
        }
    }

    fn layer(&mut self, layer: &Layer) -> String {
        let bias = self.array("int32_t", "bias", &c_ints(&layer.bias));
        let mantissas: Vec<i32> = layer.multipliers.iter().map(|by| by.mantissa).collect();
        let shifts: Vec<i32> = layer.multipliers.iter().map(|by| by.shift).collect();
        let mantissas = self.array("int32_t", "mantissas", &mantissas);
        let library = self.parts.library;
        let ty = library.map_or("int8_t", |_| "int32_t");
        let shifts = self.array(ty, "shifts", &shifts);
        let scratch = library.map_or(String::new(), |_| {
            let name = format!("{}_scratch", self.parts.name);
            format!(
                "        .scratch = {name},\n        .scratch_bytes = (int32_t)sizeof({name}),\n"
            )
        });
        format!(
            "    .layer = {{\n{scratch}        .bias = {bias},\n        .mantissas = {mantissas},\n        .shifts = {shifts},\n        \
             .input_zero_point = {},\n        .output_zero_point = {},\n        .least = {},\n        .most = {}}},\n",
            layer.input_zero_point, layer.output_zero_point, layer.limits[0], layer.limits[1]
        )
    }

    /// The constants of a step; returns the call of its kernel.
    fn step(&mut self, step: &Step) -> String {
        let output = place(self.parts, step.output);
        let inputs: Vec<String> = (0..step.inputs.len())
            .map(|at| self.input(step, at))
            .collect();
        let (kernel, function, fields) = match &step.op {
            Op::Conv(op) if op.is_pointwise() => {
                let weights = self.array("int8_t", "weights", &op.weights);
                let sizes = [
                    op.input.height * op.input.width,
                    op.input.channels,
                    op.output.channels,
                ];
                let layer = without_zero_point(&op.layer, &op.weights);
                let fields = product(sizes, &weights) + &self.layer(&layer);
                ("product", "product", fields)
            }
            Op::FullyConnected(op) => {
                let weights = self.array("int8_t", "weights", &op.weights);
                let sizes = [op.rows, op.inputs, op.outputs];
                let layer = without_zero_point(&op.layer, &op.weights);
                let fields = product(sizes, &weights) + &self.layer(&layer);
                ("product", "product", fields)
            }
            Op::Conv(op) => {
                let weights = self.array("int8_t", "weights", &op.weights);
                let fields = windowed(op.input, op.output, &op.window)
                    + &format!("    .groups = {},\n    .weights = {weights},\n", op.groups)
                    + &self.layer(&op.layer);
                ("convolution", "convolution", fields)
            }
            Op::Depthwise(op) => {
                let weights = self.array("int8_t", "weights", &op.weights);
                let fields = windowed(op.input, op.output, &op.window)
                    + &format!("    .weights = {weights},\n")
                    + &self.layer(&op.layer);
                ("depthwise", "depthwise", fields)
            }
            Op::Add(op) => {
                let [first, second] = op.input_multipliers.map(multiplier);
                let fields = broadcast(&op.broadcast)
                    + &format!("    .input_multipliers = {{{first}, {second}}},\n")
                    + &combined(
                        op.input_zero_points,
                        op.multiplier,
                        (op.output_zero_point, op.limits),
                    );
                ("add", "add", fields)
            }
            Op::Mul(op) => {
                let fields = broadcast(&op.broadcast)
                    + &combined(
                        op.input_zero_points,
                        op.multiplier,
                        (op.output_zero_point, op.limits),
                    );
                ("multiply", "multiply", fields)
            }
            Op::AveragePool(op) => (
                "pool",
                "average_pool",
                windowed(op.input, op.output, &op.window),
            ),
            Op::MaxPool(op) => (
                "pool",
                "max_pool",
                windowed(op.input, op.output, &op.window),
            ),
            Op::Mean(op) => {
                let fields = format!(
                    "    .positions = {},\n    .channels = {},\n    .input_zero_point = {},\n    .output_zero_point = {},\n    \
                     .multiplier = {},\n",
                    op.positions,
                    op.channels,
                    op.input_zero_point,
                    op.output_zero_point,
                    multiplier(op.multiplier)
                );
                ("mean", "mean", fields)
            }
            Op::Pad(op) => {
                let fields = images(op.input, op.output)
                    + &format!(
                        "    .before = {},\n    .fill = {},\n",
                        short_list(&op.before),
                        op.fill
                    );
                ("pad", "pad", fields)
            }
            Op::Concat(op) => return self.concatenation(op.repeats, &op.runs, (&inputs, &output)),
            Op::Transpose(op) => {
                let fields = format!(
                    "    .sizes = {},\n    .strides = {},\n",
                    short_list(&op.dims),
                    short_list(&op.strides)
                );
                ("transposition", "transposition", fields)
            }
            Op::ResizeNearest(op) => {
                let rows = self.array("uint16_t", "rows", &op.rows);
                let columns = self.array("uint16_t", "columns", &op.columns);
                let fields = format!(
                    "    .input = {},\n    .height = {},\n    .width = {},\n    .rows = {rows},\n    .columns = {columns},\n",
                    image(op.input),
                    op.rows.len(),
                    op.columns.len()
                );
                ("resize", "resize", fields)
            }
            Op::Softmax(op) => {
                let fields = format!(
                    "    .rows = {},\n    .width = {},\n    .multiplier = {},\n    .least_difference = {},\n",
                    op.rows,
                    op.width,
                    multiplier(op.multiplier),
                    op.least_difference
                );
                ("softmax", "softmax", fields)
            }
            Op::CopyRows(op) if self.is_asked(step) => return self.part(op, &output),
            Op::CopyRows(op) => {
                let fields = format!(
                    "    .rows = {},\n    .bytes = {},\n    .input = {},\n    .output = {},\n",
                    op.rows,
                    op.bytes,
                    short_list(&op.input),
                    short_list(&op.output)
                );
                ("rows", "rows", fields)
            }
            Op::Table(table) => {
                let table = self.array("int8_t", "table", table);
                let bytes = self.parts.program.values[step.output];
                return format!(
                    "ef_run_table({table}, {bytes}, {}, {output});",
                    inputs.join(", ")
                );
            }
        };
        let parameters = self.parameters(kernel, &fields);
        format!(
            "ef_run_{function}(&{parameters}, {}, {output});",
            inputs.join(", ")
        )
    }

    /// Whether the step copies of an input that the firmware keeps.
    fn is_asked(&self, step: &Step) -> bool {
        let program = self.parts.program;
        program.input_by == InputBy::Parts && step.inputs == [Source::Value(program.input.value)]
    }

    /// The call that asks for a part of the input.
    fn part(&mut self, op: &CopyRows, output: &str) -> String {
        let Parts { program, name, .. } = self.parts;
        let size = |at: usize| program.input.dims.get(at).copied().unwrap_or(1).max(1);
        let (width, channels) = (size(2), size(3));
        let start = op.input[0] / channels;
        let fields = short_list(&[start / width, start % width, op.rows, op.bytes / channels]);
        let part = self.own("part");
        let _ = writeln!(
            self.text,
            "\nstatic const struct {name}_part {part} = {fields};"
        );
        format!("read(context, &{part}, {output});")
    }

    fn concatenation(
        &mut self,
        repeats: usize,
        runs: &[usize],
        (inputs, output): (&[String], &str),
    ) -> String {
        let runs = self.array("int32_t", "runs", runs);
        let fields = format!(
            "    .repeats = {repeats},\n    .count = {},\n    .runs = {runs},\n",
            inputs.len()
        );
        let parameters = self.parameters("concatenation", &fields);
        let addresses = self.own("inputs");
        let _ = writeln!(
            self.text,
            "\nstatic const int8_t *const {addresses}[{}] = {};",
            inputs.len(),
            short_list(inputs)
        );
        format!("ef_run_concatenation(&{parameters}, {addresses}, {output});")
    }
}

/// The layer with the zero point of its input in the bias: Σ w (x − z) + b = Σ w x + (b − z Σ w).
fn without_zero_point(layer: &Layer, weights: &[i8]) -> Layer {
    let zero = i32::from(layer.input_zero_point);
    let rows = weights.chunks_exact((weights.len() / layer.bias.len().max(1)).max(1));
    let sums = rows.map(|row| row.iter().map(|&weight| i32::from(weight)).sum::<i32>());
    let bias = layer
        .bias
        .iter()
        .zip(sums)
        .map(|(bias, sum)| bias - zero * sum);
    Layer {
        bias: bias.collect(),
        input_zero_point: 0,
        ..layer.clone()
    }
}

/// Numbers as literals of 32 bits: the smallest has no literal of its own in C.
fn c_ints(numbers: &[i32]) -> Vec<String> {
    let literal = |&number: &i32| match number {
        i32::MIN => "INT32_MIN".to_owned(),
        number => number.to_string(),
    };
    numbers.iter().map(literal).collect()
}
