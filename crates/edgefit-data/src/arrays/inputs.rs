//! Arrays as samples for a model: one for each of its inputs, and the class of each sample.

use std::path::Path;

use edgefit_base::names::listed;
use edgefit_graph::{Dim, Graph, Task, ValueInfo, labels};

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
    /// An array for each input of the model, in its order: all finite, and of the shape that it takes.
    pub arrays: Vec<NamedArray>,
    /// For each sample the output of the model that is for its class, if there is one; `None` where
    /// the file says no classes, or the model's outputs are none.
    pub classes: Option<Vec<Option<usize>>>,
    /// What keeps the targets of the file from being classes, where the model's outputs are some.
    pub no_classes: Option<String>,
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
/// An array is missing, damaged, pickled or of text, does not have the shape that the model takes, or
/// holds a number that is not finite; or there are not as many targets as samples.
pub fn read_inputs(path: impl AsRef<Path>, graph: &Graph) -> Result<Inputs> {
    read(path.as_ref(), graph, keys::samples)
}

/// As [`read_inputs`], under the names of the model's inputs alone.
///
/// # Errors
/// As of [`read_inputs`].
pub fn read_named_inputs(path: impl AsRef<Path>, graph: &Graph) -> Result<Inputs> {
    read(path.as_ref(), graph, |_| Ok(Vec::new()))
}

/// Arrays of samples, each with that of its targets, if there is one.
type Parts = Vec<(String, Option<String>)>;

fn read(
    path: &Path,
    graph: &Graph,
    of_dataset: impl FnOnce(&[String]) -> Result<Parts, String>,
) -> Result<Inputs> {
    let labels = labels::of(graph)?.unwrap_or_default();
    let tells_classes = Task::is_classes(graph)?;
    let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
    let open = || -> Result<Inputs, String> {
        let mut container = Container::open(path)?;
        let chosen = Chosen::of(&inputs, &container.names()?, of_dataset)?;
        let (arrays, targets) = chosen.read(&mut container, &inputs, tells_classes)?;
        let names = match (&chosen.classes, &targets) {
            (Some(name), Some(_)) => {
                Some(container.array(name).and_then(names).map_err(about(name))?)
            }
            _ => None,
        };
        let meant = targets.map(|targets| meaning(targets, Some(Task::Classes), names.is_some()));
        let (classes, no_classes) = match meant {
            Some(Ok((UnnamedTargets::Classes(classes), _))) => {
                (Some(classes.outputs(names.as_deref(), &labels)), None)
            }
            Some(Err(problem)) => (None, Some(problem)),
            _ => (None, None),
        };
        Ok(Inputs {
            arrays,
            classes,
            no_classes,
        })
    };
    open().map_err(|problem| Error::Dataset {
        path: path.to_path_buf(),
        problem,
    })
}

/// The arrays that are read.
struct Chosen {
    parts: Vec<Part>,
    /// That of the names of the classes.
    classes: Option<String>,
}

/// Arrays of the same samples.
struct Part {
    /// One for each input of the model.
    inputs: Vec<String>,
    targets: Option<String>,
}

impl Chosen {
    fn of(
        inputs: &[&ValueInfo],
        found: &[String],
        of_dataset: impl FnOnce(&[String]) -> Result<Parts, String>,
    ) -> Result<Self, String> {
        let Some(absent) = inputs.iter().find(|input| !found.contains(&input.name)) else {
            let mut rest = found.to_vec();
            rest.retain(|name| inputs.iter().all(|input| input.name != *name));
            let part = Part {
                inputs: inputs.iter().map(|input| input.name.clone()).collect(),
                targets: keys::targets(&rest),
            };
            return Ok(Chosen {
                parts: vec![part],
                classes: keys::classes(&rest),
            });
        };
        let parts = match inputs {
            [_] => of_dataset(found)?,
            _ => Vec::new(),
        };
        if parts.is_empty() {
            let only = match found {
                [] => String::new(),
                found => format!(", only {}", listed(found)),
            };
            return Err(format!(
                "has no array for the input '{}'{only}; save one under that name with np.savez",
                absent.name
            ));
        }
        let labelled = parts.iter().all(|(_, y)| y.is_some());
        let parts = parts.into_iter().map(|(x, y)| Part {
            inputs: vec![x],
            targets: y.filter(|_| labelled),
        });
        Ok(Chosen {
            parts: parts.collect(),
            classes: keys::classes(found),
        })
    }

    /// The arrays of the inputs, and the targets if they are `wanted` and there.
    fn read(
        &self,
        container: &mut Container,
        inputs: &[&ValueInfo],
        wanted: bool,
    ) -> Result<(Vec<NamedArray>, Option<Labels>), String> {
        let mut arrays = Vec::new();
        let mut targets: Option<Labels> = None;
        for part in &self.parts {
            let pairs = inputs.iter().zip(&part.inputs);
            let read =
                pairs.map(|(input, name)| array(container, input, name).map_err(about(name)));
            let read = read.collect::<Result<Vec<NamedArray>, String>>()?;
            if let Some(name) = part.targets.as_ref().filter(|_| wanted) {
                let labels = container
                    .array(name)
                    .and_then(|npy| Labels::read(name, npy))
                    .map_err(about(name))?;
                require_targets(&read, &labels)?;
                match &mut targets {
                    None => targets = Some(labels),
                    Some(all) => all.append(labels).map_err(about(name))?,
                }
            }
            if arrays.is_empty() {
                arrays = read;
                continue;
            }
            for (all, more) in arrays.iter_mut().zip(read) {
                append(all, more)?;
            }
        }
        Ok((arrays, targets))
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
fn require_targets(arrays: &[NamedArray], labels: &Labels) -> Result<(), String> {
    match arrays.first() {
        Some(first) if first.dims.first() != Some(&labels.samples()) => Err(format!(
            "array '{}' has the shape {:?} and array '{}' {} targets; give every sample one",
            first.name,
            first.dims,
            labels.name(),
            labels.samples()
        )),
        _ => Ok(()),
    }
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
