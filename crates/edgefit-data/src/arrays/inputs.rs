//! Arrays as samples for a model: one for each of its inputs, and the class of each sample.

use std::path::Path;

use edgefit_base::names::listed;
use edgefit_graph::{Dim, Graph, StandardScaler, Task, ValueInfo, labels};

use super::checks::{about, require_finite, require_samples};
use super::container::Container;
use super::keys;
use super::labels::Labels;
use super::meaning::meaning;
use super::npy::Kind;
use super::npz::NamedArray;
use super::targets::{UnnamedTargets, names};
use crate::error::{Error, Result};

/// Samples for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// An array for each input of the model, in its order: all finite, of the shape that it takes, and standardised
    /// as the model says of its only one.
    pub arrays: Vec<NamedArray>,
    /// For each sample the output of the model that is for its class, if there is one; `None` where
    /// the file says no classes, or the model's outputs are none. Of a single output number, which is no choice
    /// between classes, the number of the class.
    pub classes: Option<Vec<Option<usize>>>,
    /// What keeps the targets of the file from being classes, where the model's outputs are some: a
    /// sentence that names the array.
    pub no_classes: Option<String>,
    /// The samples that training reads, where others are read.
    pub remark: Option<String>,
}

/// The samples for `graph` of an `.npz` archive or a folder of `.npy` files, of which no other arrays
/// are read: those under the names of the model's inputs, or for its only input `x`, as
/// [`Dataset::open`](crate::Dataset::open) understands it, all parts one behind the other. Classes are
/// those of `y`, under the names in `classes` if there are some.
///
/// ```
/// use edgefit_data::{NamedArray, npz, read_inputs};
/// use edgefit_graph::{Dim, Graph, ValueInfo};
///
/// let mut graph = Graph::new("sensor", 17);
/// graph.inputs.push(ValueInfo::f32("input", vec![Dim::Unknown, Dim::Known(2)]));
/// let x = NamedArray { name: "x".into(), dims: vec![1, 2], values: vec![0.5, -1.0] };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("data.npz");
/// std::fs::write(&path, npz(std::slice::from_ref(&x))?)?;
/// assert_eq!(read_inputs(&path, &graph)?.arrays, [x]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// An array of samples is missing, damaged, pickled or of text, does not have the shape that the model
/// takes, or holds a number that is not finite.
pub fn read_inputs(path: impl AsRef<Path>, graph: &Graph) -> Result<Inputs> {
    read(path.as_ref(), graph, Names::InputsFirst)
}

/// As [`read_inputs`], but the samples that training reads where there are some, whatever the model's input is called.
///
/// # Errors
/// As of [`read_inputs`].
pub fn read_trained_inputs(path: impl AsRef<Path>, graph: &Graph) -> Result<Inputs> {
    read(path.as_ref(), graph, Names::DatasetFirst)
}

/// As [`read_inputs`], under the names of the model's inputs alone; targets are in an array `y`, and in no other.
///
/// # Errors
/// As of [`read_inputs`].
pub fn read_named_inputs(path: impl AsRef<Path>, graph: &Graph) -> Result<Inputs> {
    read(path.as_ref(), graph, Names::InputsOnly)
}

/// What arrays are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// As the model's inputs, or as in a dataset.
    InputsFirst,
    /// As in a dataset, or as the model's inputs.
    DatasetFirst,
    /// As the model's inputs, and `y`.
    InputsOnly,
}

fn read(path: &Path, graph: &Graph, called: Names) -> Result<Inputs> {
    let labels = labels::of(graph)?.unwrap_or_default();
    let tells_classes = Task::is_classes(graph)?;
    let scaler = StandardScaler::of(graph)?;
    let outputs = class_outputs(graph);
    let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
    let open = || -> Result<Inputs, String> {
        let mut container = Container::open(path)?;
        let chosen = Chosen::of(&inputs, &container.names()?, called)?;
        let (mut arrays, counts) = chosen.arrays(&mut container, &inputs)?;
        if let (Some(scaler), [array]) = (&scaler, arrays.as_mut_slice()) {
            standardise(array, scaler)?;
        }
        let classes = if tells_classes {
            chosen.outputs(&mut container, &counts, &labels)
        } else {
            Ok(None)
        };
        let (mut classes, no_classes) = match classes {
            Ok(classes) => (classes, None),
            Err(problem) => (None, Some(problem)),
        };
        if let (Some(classes), Some(outputs)) = (&mut classes, outputs) {
            for class in classes {
                *class = class.filter(|class| *class < outputs);
            }
        }
        Ok(Inputs {
            arrays,
            classes,
            no_classes,
            remark: chosen.remark,
        })
    };
    open().map_err(|problem| Error::Dataset {
        path: path.to_path_buf(),
        problem,
    })
}

/// How many outputs for classes `graph` says that it has, if they are several.
fn class_outputs(graph: &Graph) -> Option<usize> {
    let [_, of_sample @ ..] = graph.outputs.first()?.dims()? else {
        return None;
    };
    let sizes = of_sample.iter().map(|dim| match dim {
        Dim::Known(size) => Some(*size),
        _ => None,
    });
    let count = sizes.reduce(|a, b| a?.checked_mul(b?))??;
    (count > 1).then_some(count)
}

/// The arrays that are read.
struct Chosen {
    parts: Vec<Part>,
    /// That of the names of the classes.
    classes: Option<String>,
    /// Those that training reads, where they are others.
    remark: Option<String>,
}

/// Arrays of the same samples.
struct Part {
    /// One for each input of the model.
    inputs: Vec<String>,
    /// None, or why none of several.
    targets: Result<Option<String>, String>,
}

impl Chosen {
    fn of(inputs: &[&ValueInfo], found: &[String], called: Names) -> Result<Self, String> {
        let absent = inputs.iter().find(|input| !found.contains(&input.name));
        let parts = match (inputs, called, absent) {
            ([_], Names::DatasetFirst, _) | ([_], Names::InputsFirst, Some(_)) => {
                keys::samples(found)?
            }
            _ => Vec::new(),
        };
        if parts.is_empty() {
            let Some(absent) = absent else {
                return Ok(Self::by_name(inputs, found, called));
            };
            let only = match found {
                [] => String::new(),
                found => format!(", only {}", listed(found)),
            };
            return Err(format!(
                "has no array for the input '{}'{only}; save one under that name with np.savez",
                absent.name
            ));
        }
        let labelled = parts.iter().all(|(_, y)| *y != Ok(None));
        let parts = parts.into_iter().map(|(x, y)| Part {
            inputs: vec![x],
            targets: y.map(|y| y.filter(|_| labelled)),
        });
        Ok(Chosen {
            parts: parts.collect(),
            classes: keys::classes(found),
            remark: None,
        })
    }

    /// Those that are called as the inputs, all of which are among the `found`.
    fn by_name(inputs: &[&ValueInfo], found: &[String], called: Names) -> Self {
        let mut rest = found.to_vec();
        rest.retain(|name| inputs.iter().all(|input| input.name != *name));
        let targets = match called {
            Names::InputsOnly => Ok(rest.iter().find(|name| *name == "y").cloned()),
            _ => keys::targets(&rest),
        };
        let trained = match (inputs, called) {
            ([_], Names::InputsFirst) => keys::samples(found).unwrap_or_default(),
            _ => Vec::new(),
        };
        let mut others = trained.iter().filter(|(x, _)| rest.contains(x));
        let remark = others.next().map(|(x, _)| {
            format!(
                "reads array '{}', called as the model's input, where training reads '{x}'; leave one out",
                inputs[0].name
            )
        });
        Chosen {
            parts: vec![Part {
                inputs: inputs.iter().map(|input| input.name.clone()).collect(),
                targets,
            }],
            classes: keys::classes(&rest),
            remark,
        }
    }

    /// The arrays of the inputs, and how many samples each part has, if those can be told apart.
    fn arrays(
        &self,
        container: &mut Container,
        inputs: &[&ValueInfo],
    ) -> Result<(Vec<NamedArray>, Vec<Option<usize>>), String> {
        let mut arrays = Vec::new();
        let mut counts = Vec::new();
        for part in &self.parts {
            let pairs = inputs.iter().zip(&part.inputs);
            let read =
                pairs.map(|(input, name)| array(container, input, name).map_err(about(name)));
            let read = read.collect::<Result<Vec<NamedArray>, String>>()?;
            counts.push(read.first().and_then(|first| first.dims.first().copied()));
            if arrays.is_empty() {
                arrays = read;
                continue;
            }
            for (all, more) in arrays.iter_mut().zip(read) {
                append(all, more)?;
            }
        }
        Ok((arrays, counts))
    }

    /// For each sample the output that is for its class, where there are targets; the parts have so many
    /// samples, and the outputs are called as `labels`.
    fn outputs(
        &self,
        container: &mut Container,
        counts: &[Option<usize>],
        labels: &[String],
    ) -> Result<Option<Vec<Option<usize>>>, String> {
        let mut targets: Option<Labels> = None;
        for (part, count) in self.parts.iter().zip(counts) {
            let Some(name) = part.targets.as_ref().map_err(Clone::clone)? else {
                continue;
            };
            let of_part = container
                .array(name)
                .and_then(|npy| Labels::read(name, npy))
                .map_err(about(name))?;
            require_targets(*count, &of_part).map_err(about(name))?;
            match &mut targets {
                None => targets = Some(of_part),
                Some(all) => all.append(of_part).map_err(about(name))?,
            }
        }
        let Some(targets) = targets else {
            return Ok(None);
        };
        let names = match &self.classes {
            Some(name) => Some(container.array(name).and_then(names).map_err(about(name))?),
            None => None,
        };
        let y = targets.name().to_owned();
        let meant = meaning(targets, Some(Task::Classes), names.is_some()).map_err(about(&y))?;
        Ok(match meant {
            (UnnamedTargets::Classes(classes), _) => {
                Some(classes.outputs(names.as_deref(), labels))
            }
            _ => None,
        })
    }
}

/// The array called `name`, for `input`.
fn array(container: &mut Container, input: &ValueInfo, name: &str) -> Result<NamedArray, String> {
    let npy = container.array(name)?;
    if npy.kind() == Kind::Text {
        return Err("holds text; a model takes numbers".into());
    }
    let mut dims = npy.shape().to_vec();
    let rank = input.dims().map(<[Dim]>::len);
    if rank != Some(0) {
        require_samples(&dims)?;
    }
    if (dims.len(), rank) == (1, Some(2)) {
        // A number is a sample of one feature.
        dims.push(1);
    }
    require_shape(&dims, input)?;
    let values = npy.floats()?;
    require_finite(&values, dims.get(1..).unwrap_or_default())?;
    Ok(NamedArray {
        name: name.to_owned(),
        dims,
        values,
    })
}

/// Standardises samples as the model says.
fn standardise(array: &mut NamedArray, scaler: &StandardScaler) -> Result<(), String> {
    if array.dims.get(1..) != Some(scaler.dims.as_slice()) {
        return Err(format!(
            "samples of '{}' have the shape {:?}, and the model takes {:?}; save them in that shape",
            array.name,
            array.dims.get(1..).unwrap_or_default(),
            scaler.dims
        ));
    }
    scaler.apply(&mut array.values);
    Ok(())
}

/// Refuses samples of another shape than `input` takes.
fn require_shape(dims: &[usize], input: &ValueInfo) -> Result<(), String> {
    let Some(wanted) = input.dims() else {
        return Ok(());
    };
    let same = |(wanted, given): (&Dim, &usize)| match wanted {
        Dim::Known(wanted) => wanted == given,
        _ => true,
    };
    // The engines take any number of samples.
    if wanted.len() == dims.len() && wanted.iter().zip(dims).skip(1).all(same) {
        return Ok(());
    }
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    Err(format!(
        "has the shape {dims:?}, and the model's input is ({}); save it in that shape",
        wanted.join(", ")
    ))
}

/// Refuses more or fewer targets than samples.
fn require_targets(samples: Option<usize>, labels: &Labels) -> Result<(), String> {
    if samples == Some(labels.samples()) {
        return Ok(());
    }
    Err(format!(
        "has {} targets for {} samples; give every sample one",
        labels.samples(),
        samples.unwrap_or(0)
    ))
}

/// Appends the samples of another part.
fn append(all: &mut NamedArray, more: NamedArray) -> Result<(), String> {
    if all.dims.get(1..) != more.dims.get(1..) {
        return Err(format!(
            "array '{}' has the shape {:?}, and '{}' {:?}; give all splits the same",
            more.name, more.dims, all.name, all.dims
        ));
    }
    if let (Some(count), Some(of_more)) = (all.dims.first_mut(), more.dims.first()) {
        *count += of_more;
    }
    all.values.extend(more.values);
    Ok(())
}
