//! What of an image spoke for what a model says of it: Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391).

use edgefit_base::statistics::argmax;
use edgefit_burn::burn::optim::GradientsParams;
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, TrainModule, Value};
use edgefit_data::{Sample, kept_area, prepare};
use edgefit_graph::rewrite::cut_softmax;
use edgefit_graph::{Graph, Node, Preprocessing, Tensor as Stored, ValueInfo};

use crate::error::{Error, Result};
use crate::evaluate::mistakes::{Mistake, Saliency};
use crate::prepare::preparation::image;

/// Mistakes of which it is computed: as many as a page shows.
const MOST: usize = 48;

/// Names of what is added to the graph.
const SHIFT: &str = "edgefit.saliency.shift";
const SHIFTED: &str = "edgefit.saliency.shifted";

/// Adds what spoke for them to the first of the `mistakes`, where `graph` pools feature maps; `samples` are those of
/// the split.
///
/// # Errors
/// The model does not run.
pub(crate) fn explain(
    mistakes: &mut [Mistake],
    graph: &Graph,
    preprocessing: &Preprocessing,
    samples: &[&Sample],
) -> Result<()> {
    let mut model = None;
    for mistake in mistakes.iter_mut().take(MOST) {
        let sample = samples.iter().find(|one| one.relative == mistake.sample);
        let seen = |sample: &&Sample| {
            image(sample, |image| {
                Ok((
                    prepare(image, preprocessing)?,
                    kept_area(image, preprocessing),
                ))
            })
        };
        // An image that is gone by now has no explanation.
        let Some((input, area)) = sample.and_then(|sample| seen(sample).ok()) else {
            continue;
        };
        let dims = [&[1][..], &preprocessing.dims()].concat();
        let input = Value::new(input, &dims, &Device::flex()).map_err(Error::Stopped)?;
        if model.is_none() {
            model = GradCam::of(graph, &input)?;
        }
        let Some(model) = &mut model else {
            return Ok(());
        };
        mistake.saliency = model.saliency(input, area)?;
    }
    Ok(())
}

/// A model, and the feature maps in front of its last pooling.
struct GradCam {
    module: TrainModule,
    /// Channels, rows and columns of the maps.
    maps: [usize; 3],
}

impl GradCam {
    /// `None` where no maps of more than one place are pooled.
    fn of(graph: &Graph, input: &Value) -> Result<Option<Self>> {
        let mut graph = graph.clone();
        graph.outputs.truncate(1);
        // Of a class that a model is sure of, the probability has no gradient.
        cut_softmax(&mut graph);
        let is_pooling = |node: &Node| pools(&graph, node);
        let Some(pool) = graph.nodes.iter().rposition(is_pooling) else {
            return Ok(None);
        };
        let Some(maps) = graph.nodes[pool].inputs.first().cloned() else {
            return Ok(None);
        };
        graph.outputs.push(ValueInfo::float(&maps));
        let device = Device::flex();
        let seen = EvalModule::from_graph(&graph, &device)?.forward(vec![input.clone()])?;
        let Some(&[1, channels, rows, columns]) = seen.get(1).map(Value::dims).as_deref() else {
            return Ok(None);
        };
        if rows * columns < 2 {
            return Ok(None);
        }
        // The gradient of the maps is that of a weight which is added to them.
        let dims = vec![1, channels, rows, columns];
        let zeros = vec![0f32; channels * rows * columns];
        let shift = Stored::from_values(dims, &zeros);
        graph.initializers.insert(SHIFT.into(), shift);
        graph.nodes[pool].inputs[0] = SHIFTED.into();
        let add = Node::new("Add", SHIFTED, &[&maps, SHIFT], &[SHIFTED]);
        graph.nodes.insert(pool, add);
        let module = EvalModule::from_graph(&graph, &device)?.into_train(|name| name == SHIFT);
        Ok(Some(GradCam {
            module,
            maps: [channels, rows, columns],
        }))
    }

    /// Of what the model says of `input`; `None` where nothing spoke for it.
    fn saliency(&mut self, input: Value, area: [f64; 4]) -> Result<Option<Saliency>> {
        let [channels, rows, columns] = self.maps;
        let mut outputs = self.module.forward(vec![input])?.into_iter();
        let (Some(logits), Some(maps)) = (outputs.next(), outputs.next()) else {
            return Ok(None);
        };
        let maps = maps.to_vec()?;
        let said = argmax(&logits.to_vec()?);
        let logits: Tensor<2> = logits.try_into().map_err(Error::Stopped)?;
        let loss = logits.slice([0..1, said..said + 1]).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &self.module);
        let shift = self.module.parameters().find(|(name, _)| *name == SHIFT);
        let gradient = shift.and_then(|(_, shift)| shift.gradient(&gradients));
        let Some(gradient) = gradient else {
            return Ok(None);
        };
        let gradient = gradient.to_vec()?;
        let places = rows * columns;
        let mut spoke = vec![0f32; places];
        for channel in 0..channels {
            let of = channel * places..(channel + 1) * places;
            let weight = gradient[of.clone()].iter().sum::<f32>() / places as f32;
            for (spoke, map) in spoke.iter_mut().zip(&maps[of]) {
                *spoke += weight * map;
            }
        }
        let most = spoke.iter().copied().fold(0f32, f32::max);
        let hundredths = |spoke: &f32| (100.0 * spoke.max(0.0) / most).round() as u8;
        Ok((most > 0.0).then(|| Saliency {
            rows,
            columns,
            values: spoke.iter().map(hundredths).collect(),
            area,
        }))
    }
}

/// Whether a node makes one number of each feature map. Its axes are an attribute or, since opset 18, an input.
fn pools(graph: &Graph, node: &Node) -> bool {
    let axes = || {
        let stored = node.input(1).and_then(|name| graph.initializers.get(name));
        match node.ints("axes") {
            Ok(Some(axes)) => Some(axes.to_vec()),
            _ => stored?.to_i64().ok(),
        }
    };
    match node.op.as_str() {
        "GlobalAveragePool" => true,
        "ReduceMean" => axes().is_some_and(|axes| axes == [2, 3] || axes == [-2, -1]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::Dim;

    use super::*;

    /// Two feature maps, the image itself and its negative; the classes are their means.
    fn graph() -> Graph {
        let mut graph = Graph::new("maps", 17);
        let dims = [1, 1, 2, 3].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let weight = Stored::from_values(vec![2, 1, 1, 1], &[1f32, -1.0]);
        graph.initializers.insert("w".into(), weight);
        graph.nodes = vec![
            Node::new("Conv", "c", &["x", "w"], &["maps"]),
            Node::new("GlobalAveragePool", "p", &["maps"], &["pooled"]),
            Node::new("Flatten", "y", &["pooled"], &["y"]),
        ];
        graph
    }

    #[test]
    fn the_brightest_part_speaks_for_the_class_of_bright_images() {
        let input =
            |values: &[f32]| Value::new(values.to_vec(), &[1, 1, 2, 3], &Device::flex()).unwrap();
        let bright = input(&[0.0, 4.0, 1.0, 0.0, 2.0, -1.0]);
        let mut model = GradCam::of(&graph(), &bright).unwrap().unwrap();
        let area = [0.0, 0.0, 1.0, 1.0];
        let saliency = model.saliency(bright, area).unwrap().unwrap();
        assert_eq!((saliency.rows, saliency.columns), (2, 3));
        assert_eq!(saliency.values, [0, 100, 25, 0, 50, 0]);
        // And the darkest for the other one.
        let dark = input(&[0.0, -4.0, 1.0, 0.0, -2.0, 0.0]);
        let saliency = model.saliency(dark, area).unwrap().unwrap();
        assert_eq!(saliency.values, [0, 100, 0, 0, 50, 0]);
    }

    #[test]
    fn a_model_that_is_sure_says_why() {
        let mut graph = graph();
        graph.nodes[2] = Node::new("Flatten", "flat", &["pooled"], &["logits"]);
        let softmax = Node::new("Softmax", "y", &["logits"], &["y"]);
        graph.nodes.push(softmax);
        let values = [0.0, 400.0, 100.0, 0.0, 200.0, -100.0].to_vec();
        let sure = Value::new(values, &[1, 1, 2, 3], &Device::flex()).unwrap();
        let mut model = GradCam::of(&graph, &sure).unwrap().unwrap();
        let saliency = model.saliency(sure, [0.0, 0.0, 1.0, 1.0]).unwrap();
        assert_eq!(saliency.unwrap().values, [0, 100, 25, 0, 50, 0]);
    }

    #[test]
    fn a_mean_over_rows_and_columns_pools() {
        let mut graph = graph();
        let axes = Stored::from_values(vec![2], &[2i64, 3]);
        graph.initializers.insert("axes".into(), axes);
        graph.nodes[1] = Node::new("ReduceMean", "p", &["maps", "axes"], &["pooled"]);
        assert!(pools(&graph, &graph.nodes[1]));
        let axes = Stored::from_values(vec![1], &[1i64]);
        graph.initializers.insert("axes".into(), axes);
        assert!(!pools(&graph, &graph.nodes[1]));
    }

    #[test]
    fn without_a_pooling_nothing_is_said() {
        let mut graph = graph();
        graph.nodes[1].op = "GlobalMaxPool".into();
        let input = Value::new(vec![0.0; 6], &[1, 1, 2, 3], &Device::flex()).unwrap();
        assert!(GradCam::of(&graph, &input).unwrap().is_none());
    }
}
