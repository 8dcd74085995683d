use edgefit_data::{Dataset, Sample, prepare};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::preprocessing::NAMES;
use edgefit_graph::rewrite::{
    CutSoftmax, Head, LayerWeights, cut_softmax, lift_constants, replace_head,
};
use edgefit_graph::{Dim, Graph, Preprocessing, ValueInfo, labels};

use edgefit_guards::Findings;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::guards::{self, Original};
use crate::images::input;
use crate::job::{Job, stopped};

/// The backbone with its classifier, ending in logits.
pub(crate) struct Model {
    pub graph: Graph,
    softmax: Option<CutSoftmax>,
    pub head: Head,
    /// The node that the user named for the head.
    chosen: Option<String>,
    pub preprocessing: Preprocessing,
}

impl Model {
    pub fn load(
        job: &Job,
        dataset: &Dataset,
        findings: &mut Findings,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let mut graph = Graph::load(&job.backbone)?;
        let problem = |problem: String| Error::Backbone {
            path: job.backbone.clone(),
            problem,
        };
        if let Some(shape) = &job.input_shape {
            fix_input(&mut graph, shape).map_err(problem)?;
        }
        let carried = Preprocessing::of(&graph).map_err(|error| problem(error.to_string()))?;
        let known = match (&job.preprocessing, carried) {
            (Some(name), carried) => {
                let named = named(name, &graph).map_err(problem)?;
                if let Some(carried) = carried.filter(|carried| *carried != named) {
                    observer.warn(&format!(
                        "the model says its images are {carried}; going on with {name}, as asked"
                    ));
                }
                Some(named)
            }
            (None, carried) => carried,
        };
        let size = match &known {
            Some(known) => [known.width, known.height],
            None => size(&graph).map_err(problem)?,
        };
        lift_constants(&mut graph);
        takes(&graph, size).map_err(problem)?;
        guards::loaded(findings, &graph);
        stopped(findings)?;
        let softmax = cut_softmax(&mut graph);
        let head = Head::of(&graph, job.head.as_deref());
        let head = head.map_err(|error| problem(error.to_string()))?;
        let original = Original {
            graph: &graph,
            cut: softmax.as_ref().map(CutSoftmax::node),
            engine: job.engine.unwrap_or_else(edgefit_engine::fastest),
            threads: job.threads,
        };
        let images = |preprocessing: &Preprocessing, most: usize| {
            Ok(some_images(dataset, preprocessing, most))
        };
        let chosen = original.try_out(known.as_ref(), size, images, findings)?;
        if chosen.guessed {
            observer.warn(&format!(
                "{} does not say how its images are to be prepared (EF06); going on with what fits \
                 best, {}; --preprocessing names another",
                job.backbone.display(),
                chosen.preprocessing
            ));
        }
        Ok(Model {
            preprocessing: chosen.preprocessing,
            graph,
            softmax,
            head,
            chosen: job.head.clone(),
        })
    }

    pub fn replace_head(&mut self, weights: &[LayerWeights]) -> Result<()> {
        replace_head(&mut self.graph, &self.head, weights)?;
        self.head = Head::of(&self.graph, self.chosen.as_deref())?;
        Ok(())
    }

    /// The model as it is exported: self-describing, and ending as the original did.
    pub fn finished(&self, classes: &[String]) -> Graph {
        let mut graph = self.graph.clone();
        if let Some(softmax) = self.softmax.clone() {
            softmax.restore(&mut graph);
        }
        self.preprocessing.store(&mut graph);
        labels::store(&mut graph, classes);
        graph
    }
}

/// Declares the only input of a graph to be of the given shape, but for the batch.
fn fix_input(graph: &mut Graph, shape: &[usize]) -> Result<(), String> {
    // What an exporter noted for other sizes no longer holds.
    graph.value_info.clear();
    let shapes = InputShapes::bind(graph, 1, Some(shape)).map_err(|error| error.to_string())?;
    for (name, dims) in shapes.0 {
        let sample = dims.into_iter().skip(1).map(Dim::Known);
        let dims = std::iter::once(Dim::Symbol("batch".into())).chain(sample);
        let declared = ValueInfo::f32(&name, dims.collect());
        let old = graph.inputs.iter_mut().find(|input| input.name == name);
        old.into_iter().for_each(|old| *old = declared.clone());
    }
    Ok(())
}

/// Some images of the dataset, `most` at most and spread over all of it, prepared; those that cannot be read are left
/// out.
fn some_images(dataset: &Dataset, preprocessing: &Preprocessing, most: usize) -> Vec<Vec<f32>> {
    let step = dataset.samples.len().div_ceil(most).max(1);
    let some: Vec<&Sample> = dataset.samples.iter().step_by(step).collect();
    some.par_iter()
        .filter_map(|sample| input(sample, |image| prepare(image, preprocessing)).ok())
        .collect()
}

/// Holds the graph's declared input against images of a size.
fn takes(graph: &Graph, [width, height]: [u32; 2]) -> Result<(), String> {
    let inputs: Vec<_> = graph.free_inputs().collect();
    let [input] = inputs.as_slice() else {
        return Err(format!(
            "has {} inputs; a backbone for images has one",
            inputs.len()
        ));
    };
    let made = [3, height as usize, width as usize];
    let fits = |dims: &[Dim]| {
        let sizes = dims.iter().skip(1).zip(made);
        dims.len() == 4
            && sizes.into_iter().all(|(dim, size)| match dim {
                Dim::Known(known) => *known == size,
                _ => true,
            })
    };
    match input.dims() {
        Some(dims) if !fits(dims) => Err(format!(
            "its input '{}' is not (batch, {}, {}, {}), as its preprocessing makes it; export it \
             with channels first, or correct the preprocessing",
            input.name, made[0], made[1], made[2]
        )),
        _ => Ok(()),
    }
}

/// Width and height of the input that the graph declares.
fn size(graph: &Graph) -> Result<[u32; 2], String> {
    let input = graph.free_inputs().next().and_then(|input| input.dims());
    let Some(&[_, _, Dim::Known(height), Dim::Known(width)]) = input else {
        return Err(
            "its input has no fixed size (batch, 3, height, width); give one with --input-shape, such \
             as 1x3x224x224"
                .into(),
        );
    };
    let side = |size: usize| u32::try_from(size).map_err(|_| "its input is too large".to_owned());
    Ok([side(width)?, side(height)?])
}

/// The preprocessing called `name` for the input size that the graph declares.
fn named(name: &str, graph: &Graph) -> Result<Preprocessing, String> {
    let [width, height] = size(graph)?;
    Preprocessing::named(name, width, height).ok_or_else(|| {
        format!(
            "preprocessing '{name}' is not known; it is one of {}",
            NAMES.join(", ")
        )
    })
}
