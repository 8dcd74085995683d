use std::path::{Path, PathBuf};

use anyhow::Context;
use edgefit::cost::memory_plan::{ElementType, MemoryPlan};
use edgefit::data::{Content, Dataset, decode, prepare, read_npz};
use edgefit::engine::Array;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::{DataType, Dim, Graph, Preprocessing, ValueInfo, ValueType, labels};
use edgefit::train::SplitFile;
use walkdir::WalkDir;

use super::super::{in_file, random};
use crate::cli::Verify;
use crate::output::Output;
use edgefit::base::units::format;

/// Samples, where nothing else is said.
const SAMPLES: usize = 8;

/// Samples of a hostile input.
const HOSTILE_SAMPLES: usize = 2;

/// Images that go through the engines at once.
const BATCH: usize = 16;

/// Inputs of one kind.
pub struct Case {
    /// `real`, `given`, `random`, `one sample`, `zeros`, `ones`, `extremes`, `denormals`.
    pub name: &'static str,
    /// Whether no model is made for it.
    pub hostile: bool,
    pub source: Source,
}

pub enum Source {
    Arrays(Vec<Array>),
    Images(Images),
}

/// Images with the labels that they should get.
pub struct Images {
    pub samples: Vec<(PathBuf, usize)>,
    preprocessing: Preprocessing,
}

/// All inputs that the model is compared on.
///
/// # Errors
/// What is wrong with the data that were given, or that the model's inputs are not known.
pub fn cases(args: &Verify, graph: &Graph, output: &mut Output) -> anyhow::Result<Vec<Case>> {
    let model = in_file(&args.model);
    let mut cases = Vec::new();
    if let Some(folder) = &args.data {
        let source = images(args, graph, folder, output).map_err(&model)?;
        cases.push(Case {
            name: "real",
            hostile: false,
            source,
        });
    }
    let shapes = match &args.inputs {
        Some(path) => {
            let given = given(path, graph)?;
            let shapes = given.iter().map(|array| array.dims.clone()).collect();
            cases.push(Case {
                name: "given",
                hostile: false,
                source: Source::Arrays(given),
            });
            shapes
        }
        None => {
            let samples = args.samples.map_or(SAMPLES, |samples| samples as usize);
            let given = args.input_shape.as_ref().map(|shape| shape.0.as_slice());
            let samples = if args.data.is_some() {
                SAMPLES
            } else {
                samples
            };
            let shapes = InputShapes::bind(graph, samples, given).map_err(in_file(&args.model))?;
            fits_here(graph, &shapes).map_err(&model)?;
            let dims = shapes.0.into_iter().map(|(_, dims)| dims);
            dims.collect::<Vec<_>>()
        }
    };
    cases.extend(made_up(graph, &shapes, args.seed));
    Ok(cases)
}

/// Random inputs of the given shapes, one sample of them, and hostile ones.
fn made_up(graph: &Graph, shapes: &[Vec<usize>], seed: u64) -> Vec<Case> {
    let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
    let noise = random(shapes.to_vec(), seed);
    let each = |noise: &[Array], value: &dyn Fn(f32) -> f32| -> Vec<Array> {
        let arrays = inputs.iter().zip(noise).map(|(input, noise)| {
            let choices = indices(graph, input);
            let element = |&noise: &f32| match choices {
                // Noise lies in −2 … 2, and an index below the number of choices.
                Some(choices) => (value(noise).clamp(-2.0, 1.999) / 4.0 + 0.5) * choices as f32,
                None => value(noise),
            };
            let whole = choices.is_some();
            Array {
                dims: noise.dims.clone(),
                values: noise
                    .values
                    .iter()
                    .map(element)
                    .map(|value| if whole { value.floor() } else { value })
                    .collect(),
            }
        });
        arrays.collect()
    };
    let first = |count: usize| -> Option<Vec<Array>> {
        let samples = |array: &Array| array.dims.first().copied().unwrap_or(0);
        let same = noise
            .iter()
            .all(|array| samples(array) == samples(&noise[0]));
        let fixed = inputs.iter().any(|input| {
            let batch = input.dims().and_then(|dims| dims.first());
            matches!(batch, Some(Dim::Known(2..)))
        });
        (same && !fixed && samples(noise.first()?) > count)
            .then(|| noise.iter().map(|array| array.rows(0..count)).collect())
    };
    let case = |name, hostile, arrays| Case {
        name,
        hostile,
        source: Source::Arrays(arrays),
    };
    let mut cases = vec![case("random", false, each(&noise, &|noise| noise))];
    if let Some(one) = first(1) {
        cases.push(case("one sample", false, each(&one, &|noise| noise)));
    }
    let few = first(HOSTILE_SAMPLES).unwrap_or_else(|| noise.clone());
    let hostile: [(&str, &dyn Fn(f32) -> f32); 4] = [
        ("zeros", &|_| 0.0),
        ("ones", &|_| 1.0),
        ("extremes", &|noise| 1e4f32.copysign(noise)),
        ("denormals", &|noise| noise * 1e-40),
    ];
    for (name, value) in hostile {
        cases.push(case(name, true, each(&few, value)));
    }
    cases
}

/// How many values an input of integers may have: the rows of the table that it points into, else 2.
fn indices(graph: &Graph, input: &ValueInfo) -> Option<usize> {
    let ValueType::Tensor { dtype, .. } = input.ty else {
        return None;
    };
    if dtype.is_float() {
        return None;
    }
    let reads = graph.nodes.iter().filter(|node| node.op == "Gather");
    let tables = reads.filter(|node| node.input(1) == Some(&input.name));
    let rows = tables.filter_map(|node| {
        let table = graph.initializers.get(node.input(0)?)?;
        let axis = node.int_or("axis", 0).ok()?;
        let axis = axis.rem_euclid(table.dims().len().max(1) as i64) as usize;
        table.dims().get(axis).copied()
    });
    let fewest = rows.min().filter(|_| dtype != DataType::Bool);
    Some(fewest.unwrap_or(2))
}

/// The arrays of an `.npz` file for the model's inputs.
fn given(path: &Path, graph: &Graph) -> anyhow::Result<Vec<Array>> {
    let mut arrays = read_npz(path)?;
    let place = || format!("--inputs {}", path.display());
    let inputs = graph.free_inputs().map(|input| {
        let at = arrays.iter().position(|array| array.name == input.name);
        let at = at.with_context(|| {
            let there: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
            format!(
                "{} has no array for the input '{}', only {}; save one under that name with np.savez",
                place(),
                input.name,
                there.join(", ")
            )
        })?;
        let array = arrays.swap_remove(at);
        let fits = input.dims().is_none_or(|dims| {
            let mut sizes = dims.iter().zip(&array.dims).enumerate();
            // The engines take any number of samples.
            dims.len() == array.dims.len()
                && sizes.all(|(axis, (dim, size))| {
                    axis == 0 || !matches!(dim, Dim::Known(known) if known != size)
                })
        });
        anyhow::ensure!(
            fits && !array.dims.contains(&0),
            "{}: the array '{}' has the shape {:?}, and the model's input is {}; save it in that shape",
            place(),
            array.name,
            array.dims,
            declared(input)
        );
        let odd = array.values.iter().filter(|value| !value.is_finite()).count();
        anyhow::ensure!(
            odd == 0,
            "{}: the array '{}' has {odd} values that are NaN or infinite; nothing can be compared on \
             those, replace them",
            place(),
            array.name
        );
        Ok(Array {
            dims: array.dims,
            values: array.values,
        })
    });
    inputs.collect()
}

fn declared(input: &ValueInfo) -> String {
    let dims = input.dims().unwrap_or_default().iter();
    let dims: Vec<String> = dims.map(ToString::to_string).collect();
    format!("({})", dims.join(", "))
}

/// Images below `folder`. Where its folders are called as the model's labels, all of them or those of
/// the test part, each with its label; else the first that can be read.
fn images(
    args: &Verify,
    graph: &Graph,
    folder: &Path,
    output: &mut Output,
) -> anyhow::Result<Source> {
    anyhow::ensure!(
        folder.is_dir(),
        "--data {} is not a folder",
        folder.display()
    );
    let preprocessing = Preprocessing::of(graph)?
        .context("the model does not say how its images are to be prepared; leave out --data")?;
    match labelled(graph, folder) {
        Ok(samples) => {
            let samples = match &args.split {
                Some(split) => test_part(samples, split, folder)?,
                None => samples,
            };
            let most = args.samples.map_or(samples.len(), |most| most as usize);
            // Some of every class.
            let step = samples.len().div_ceil(most.max(1)).max(1);
            let samples = samples.into_iter().step_by(step);
            Ok(Source::Images(Images {
                samples: samples.map(|(path, _, label)| (path, label)).collect(),
                preprocessing,
            }))
        }
        Err(why) => {
            anyhow::ensure!(
                args.split.is_none(),
                "--split needs images in folders that are called as the model's labels: {why}"
            );
            let most = args.samples.map_or(SAMPLES, |most| most as usize);
            let arrays = vec![first_readable(folder, &preprocessing, most, output)?];
            Ok(Source::Arrays(arrays))
        }
    }
}

/// All images with their paths below `folder` and their labels, or why they have none.
fn labelled(graph: &Graph, folder: &Path) -> anyhow::Result<Vec<(PathBuf, String, usize)>> {
    let labels = labels::of(graph)?.context("the model carries no labels")?;
    let dataset = Dataset::scan(folder)?;
    let classes = dataset.classes.iter().map(|class| {
        let label = labels.iter().position(|label| label == class);
        label.with_context(|| format!("'{class}' is not a label of the model"))
    });
    let classes = classes.collect::<anyhow::Result<Vec<usize>>>()?;
    let samples = dataset.samples.into_iter();
    let samples = samples.filter_map(|sample| match sample.content {
        Content::Image(path) => Some((path, sample.relative, classes[sample.class])),
        Content::Values(_) => None,
    });
    Ok(samples.collect())
}

/// The samples that a run held out to the end.
fn test_part(
    samples: Vec<(PathBuf, String, usize)>,
    split: &Path,
    folder: &Path,
) -> anyhow::Result<Vec<(PathBuf, String, usize)>> {
    let mut wanted: std::collections::BTreeSet<String> =
        SplitFile::load(split)?.test.into_iter().collect();
    let samples: Vec<_> = samples
        .into_iter()
        .filter(|(_, relative, _)| wanted.remove(relative))
        .collect();
    if let Some(absent) = wanted.first() {
        anyhow::bail!(
            "{} has no {absent}, which {} names; give the folder that the run was trained on",
            folder.display(),
            split.display()
        );
    }
    anyhow::ensure!(
        !samples.is_empty(),
        "{} holds no test images",
        split.display()
    );
    Ok(samples)
}

impl Case {
    /// How many batches it goes through the engines in.
    pub fn batches(&self) -> usize {
        match &self.source {
            Source::Arrays(_) => 1,
            Source::Images(images) => images.samples.len().div_ceil(BATCH),
        }
    }

    /// The inputs of one batch, and which samples are in it. Images that cannot be read are told to
    /// `output` and left out.
    pub fn batch(&self, index: usize, output: &mut Output) -> (Vec<Array>, Vec<usize>) {
        let images = match &self.source {
            Source::Arrays(arrays) => {
                let samples = arrays.first().and_then(|array| array.dims.first().copied());
                return (arrays.clone(), (0..samples.unwrap_or(0)).collect());
            }
            Source::Images(images) => images,
        };
        let (mut values, mut read) = (Vec::new(), Vec::new());
        let end = images.samples.len().min((index + 1) * BATCH);
        for sample in index * BATCH..end {
            let path = &images.samples[sample].0;
            match input(path, &images.preprocessing) {
                Ok(input) => {
                    values.extend(input);
                    read.push(sample);
                }
                Err(problem) => output.warn(&format!("{}: {problem}; left out", path.display())),
            }
        }
        let inputs = image_array(values, read.len(), &images.preprocessing);
        (vec![inputs], read)
    }
}

fn input(path: &Path, preprocessing: &Preprocessing) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    prepare(&decode(&bytes)?, preprocessing)
}

fn image_array(values: Vec<f32>, samples: usize, preprocessing: &Preprocessing) -> Array {
    let (height, width) = (preprocessing.height as usize, preprocessing.width as usize);
    Array {
        dims: vec![samples, 3, height, width],
        values,
    }
}

/// The first readable images below `folder`, prepared as the model says.
fn first_readable(
    folder: &Path,
    preprocessing: &Preprocessing,
    count: usize,
    output: &mut Output,
) -> anyhow::Result<Array> {
    let (mut values, mut found) = (Vec::new(), 0);
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let path = entry?.into_path();
        if found == count {
            break;
        }
        if !path.is_file() {
            continue;
        }
        match input(&path, preprocessing) {
            Ok(input) => {
                values.extend(input);
                found += 1;
            }
            Err(problem) => output.warn(&format!("{}: {problem}; left out", path.display())),
        }
    }
    anyhow::ensure!(found > 0, "{} holds no readable images", folder.display());
    Ok(image_array(values, found, preprocessing))
}

/// Refuses shapes that do not go together, and models that this machine has no memory for.
fn fits_here(graph: &Graph, shapes: &InputShapes) -> anyhow::Result<()> {
    let inference = infer(graph, shapes)?;
    let need = MemoryPlan::of(graph, &inference, ElementType::AsStored).naive_bytes;
    let host = edgefit::device::host()?;
    let have = host
        .banks
        .iter()
        .map(|bank| bank.free_bytes())
        .max()
        .unwrap_or(0);
    anyhow::ensure!(
        need <= have,
        "its activations need {} and this machine has {} free; give fewer --samples or a smaller \
         --input-shape",
        format::bytes(need),
        format::bytes(have)
    );
    Ok(())
}
