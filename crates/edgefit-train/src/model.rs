use edgefit_graph::infer::InputShapes;
use edgefit_graph::preprocessing::NAMES;
use edgefit_graph::rewrite::{
    CutSoftmax, Head, LayerWeights, cut_softmax, lift_constants, replace_head,
};
use edgefit_graph::{Dim, Graph, Preprocessing, ValueInfo, labels};

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::job::Job;

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
    pub fn load(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        let mut graph = Graph::load(&job.backbone)?;
        let problem = |problem: String| Error::Backbone {
            path: job.backbone.clone(),
            problem,
        };
        if let Some(shape) = &job.input_shape {
            fix_input(&mut graph, shape).map_err(problem)?;
        }
        let carried = Preprocessing::of(&graph).map_err(|error| problem(error.to_string()))?;
        let preprocessing = match (&job.preprocessing, carried) {
            (Some(name), carried) => {
                let named = named(name, &graph).map_err(problem)?;
                if let Some(carried) = carried.filter(|carried| *carried != named) {
                    observer.warn(&format!(
                        "the model says its images are {carried}; going on with {name}, as asked"
                    ));
                }
                named
            }
            (None, Some(carried)) => carried,
            (None, None) => {
                return Err(problem(format!(
                    "does not say how its images are to be prepared; give --preprocessing, one of \
                     {}",
                    NAMES.join(", ")
                )));
            }
        };
        lift_constants(&mut graph);
        takes(&graph, &preprocessing).map_err(problem)?;
        let softmax = cut_softmax(&mut graph);
        let head = Head::of(&graph, job.head.as_deref());
        let head = head.map_err(|error| problem(error.to_string()))?;
        Ok(Model {
            graph,
            softmax,
            head,
            chosen: job.head.clone(),
            preprocessing,
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

/// Holds the graph's declared input against what the preprocessing makes.
fn takes(graph: &Graph, preprocessing: &Preprocessing) -> Result<(), String> {
    let inputs: Vec<_> = graph.free_inputs().collect();
    let [input] = inputs.as_slice() else {
        return Err(format!(
            "has {} inputs; a backbone for images has one",
            inputs.len()
        ));
    };
    let made = [
        3,
        preprocessing.height as usize,
        preprocessing.width as usize,
    ];
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

/// The preprocessing called `name` for the input size that the graph declares.
fn named(name: &str, graph: &Graph) -> Result<Preprocessing, String> {
    let input = graph.free_inputs().next().and_then(|input| input.dims());
    let Some(&[_, _, Dim::Known(height), Dim::Known(width)]) = input else {
        return Err(
            "its input has no fixed size (batch, 3, height, width); give one with --input-shape, such \
             as 1x3x224x224"
                .into(),
        );
    };
    let side = |size: usize| u32::try_from(size).map_err(|_| "its input is too large".to_owned());
    Preprocessing::named(name, side(width)?, side(height)?).ok_or_else(|| {
        format!(
            "preprocessing '{name}' is not known; it is one of {}",
            NAMES.join(", ")
        )
    })
}
