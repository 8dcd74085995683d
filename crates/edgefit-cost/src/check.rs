use edgefit_device::{Bank, Content, Profile, WeightsIn};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::ops::Unsupported;
use serde::{Serialize, Serializer};

use crate::costs::Costs;
use crate::memory::{ElementType, MemoryPlan};

/// Whether a model fits a device, resource by resource.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The answer.
    pub verdict: Verdict,
    /// Name of the device profile.
    pub device: String,
    /// The resources that the profile has figures for.
    pub budgets: Vec<Budget>,
    /// For a no: changes that were tried, and what each would reach.
    pub suggestions: Vec<Suggestion>,
    /// What keeps a need unknown.
    pub unsupported: Vec<Unsupported>,
}

/// Answer of a [`Check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every budget holds.
    Fits,
    /// A budget does not hold.
    DoesNotFit,
    /// No budget is broken, but one could not be worked out.
    Unknown,
}

/// Something that a device has a limited amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Resource {
    Flash,
    Ram,
}

/// How the need was worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedBasis {
    /// Counted from the model, without the engine's own code and memory.
    Estimate,
}

/// One resource: what the model needs and the device has.
#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    /// Which resource.
    pub resource: Resource,
    /// Bytes needed; `None` when unsupported ops hide it.
    pub need_bytes: Option<u64>,
    /// Bytes there are, in the one place where they are needed.
    pub have_bytes: u64,
    /// `have − need`; negative is what is short.
    pub margin: Option<i64>,
    /// Whether it is enough.
    pub holds: bool,
    /// How the need is known.
    pub basis: NeedBasis,
    /// Name of the memory.
    pub place: String,
    /// What the need consists of, and the limit if it is not obvious.
    pub explanation: String,
}

/// A change to the model that was tried on the same device.
#[derive(Debug, Clone, Serialize)]
pub struct Suggestion {
    /// What was changed.
    pub change: Change,
    /// Whether the changed model fits.
    pub verdict: Verdict,
    /// Flash it would need.
    pub flash_bytes: Option<u64>,
    /// RAM it would need.
    pub ram_bytes: Option<u64>,
}

/// What a [`Suggestion`] changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Bytes of a weight and of an activation: 2 for f16, 1 for int8.
    pub element_size: usize,
    /// Another side of the square input in pixels.
    pub resolution: Option<usize>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self.element_size {
            1 => "int8",
            2 => "f16",
            _ => "as it is",
        })?;
        match self.resolution {
            Some(side) => write!(f, " at {side}×{side}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Input sides that are tried for a model that is too large.
const RESOLUTIONS: [usize; 4] = [192, 160, 128, 96];

/// Holds `graph`, run on inputs of `shapes`, against `profile`.
///
/// # Errors
/// Shapes that do not go together.
pub fn check(
    graph: &Graph,
    shapes: &InputShapes,
    profile: &Profile,
) -> edgefit_graph::Result<Check> {
    let budgets = budgets(graph, shapes, profile, None)?;
    let verdict = verdict(&budgets);
    let mut suggestions = Vec::new();
    if verdict == Verdict::DoesNotFit {
        for change in changes(shapes) {
            let shapes = change.apply(shapes);
            // A resolution at which the network cannot run is no suggestion.
            let Ok(budgets) = self::budgets(graph, &shapes, profile, Some(change.element_size))
            else {
                continue;
            };
            let need = |resource| {
                let budget = budgets.iter().find(|budget| budget.resource == resource);
                budget.and_then(|budget| budget.need_bytes)
            };
            suggestions.push(Suggestion {
                change,
                verdict: self::verdict(&budgets),
                flash_bytes: need(Resource::Flash),
                ram_bytes: need(Resource::Ram),
            });
            if self::verdict(&budgets) == Verdict::Fits {
                break;
            }
        }
    }
    Ok(Check {
        verdict,
        device: profile.name.clone(),
        budgets,
        suggestions,
        unsupported: infer(graph, shapes)?.unsupported,
    })
}

fn verdict(budgets: &[Budget]) -> Verdict {
    if budgets
        .iter()
        .any(|budget| budget.margin.is_some() && !budget.holds)
    {
        Verdict::DoesNotFit
    } else if budgets.iter().any(|budget| budget.margin.is_none()) {
        Verdict::Unknown
    } else {
        Verdict::Fits
    }
}

/// From the gentlest to the harshest.
fn changes(shapes: &InputShapes) -> Vec<Change> {
    let side = match shapes.0.as_slice() {
        [(_, dims)] if dims.len() == 4 && dims[2] == dims[3] => Some(dims[2]),
        _ => None,
    };
    let smaller = RESOLUTIONS
        .into_iter()
        .filter(|&resolution| side.is_some_and(|side| resolution < side))
        .map(|resolution| Change {
            element_size: 1,
            resolution: Some(resolution),
        });
    let narrower = [2, 1].map(|element_size| Change {
        element_size,
        resolution: None,
    });
    narrower.into_iter().chain(smaller).collect()
}

impl Change {
    fn apply(self, shapes: &InputShapes) -> InputShapes {
        let mut shapes = shapes.clone();
        if let (Some(side), Some((_, dims))) = (self.resolution, shapes.0.first_mut()) {
            dims[2..].fill(side);
        }
        shapes
    }
}

fn budgets(
    graph: &Graph,
    shapes: &InputShapes,
    profile: &Profile,
    element_size: Option<usize>,
) -> edgefit_graph::Result<Vec<Budget>> {
    let inference = infer(graph, shapes)?;
    let totals = Costs::of(graph, &inference).totals;
    let weights = match element_size {
        None => totals.weight_bytes,
        Some(size) => graph
            .initializers
            .values()
            .map(|tensor| (tensor.elements() * size.min(tensor.dtype().size())) as u64)
            .sum(),
    };
    let element = match element_size {
        Some(1) => ElementType::Int8,
        Some(2) => ElementType::F16,
        _ => ElementType::AsStored,
    };
    let plan = MemoryPlan::of(graph, &inference, element);
    let mut budgets = Vec::new();
    if let Some(flash) = &profile.flash {
        let (need, have) = (Some(weights), flash.bytes.value);
        budgets.push(Budget::new(
            Resource::Flash,
            need,
            have,
            "flash",
            "weights alone; the engine and the program come on top".into(),
        ));
    }
    let Some(arena) = largest_bank(profile, Content::Arena) else {
        return Ok(budgets);
    };
    let mut need = plan.arena_bytes;
    let mut explanation = "activations".to_owned();
    if profile.weights_in == WeightsIn::Ram {
        if arena.holds.contains(&Content::Weights) {
            need += weights;
            explanation = "weights and activations".to_owned();
        } else if let Some(bank) = largest_bank(profile, Content::Weights) {
            let explanation = "weights".to_owned();
            budgets.push(Budget::new(
                Resource::Ram,
                Some(weights),
                bank.free_bytes(),
                &bank.name,
                explanation,
            ));
        }
    }
    explanation.push_str("; the engine's own memory comes on top");
    let arenas: Vec<&Bank> = profile
        .banks
        .iter()
        .filter(|bank| bank.holds.contains(&Content::Arena))
        .collect();
    if arenas.len() > 1 {
        let together: u64 = arenas.iter().map(|bank| bank.free_bytes()).sum();
        explanation.push_str(&format!(
            "; one arena lies in one bank, and this is the largest ({} banks hold {together} B \
             together)",
            arenas.len()
        ));
    }
    let known = inference.unsupported.is_empty();
    budgets.push(Budget::new(
        Resource::Ram,
        known.then_some(need),
        arena.free_bytes(),
        &arena.name,
        explanation,
    ));
    Ok(budgets)
}

impl Budget {
    fn new(
        resource: Resource,
        need: Option<u64>,
        have: u64,
        place: &str,
        explanation: String,
    ) -> Self {
        let margin = need.map(|need| have.cast_signed().saturating_sub_unsigned(need));
        Budget {
            resource,
            need_bytes: need,
            have_bytes: have,
            margin,
            holds: margin.is_some_and(|margin| margin >= 0),
            basis: NeedBasis::Estimate,
            place: place.to_owned(),
            explanation,
        }
    }
}

fn largest_bank(profile: &Profile, content: Content) -> Option<&Bank> {
    profile
        .banks
        .iter()
        .filter(|bank| bank.holds.contains(&content))
        .max_by_key(|bank| bank.free_bytes())
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;

    /// One convolution from 3 to `channels` channels, 1×1, on a `side` × `side` image.
    fn conv(channels: usize, side: usize) -> (Graph, InputShapes) {
        let mut graph = Graph::new("conv", 17);
        let dims = [1, 3, side, side].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let weight = vec![0f32; channels * 3];
        graph.initializers.insert(
            "w".into(),
            Tensor::from_values(vec![channels, 3, 1, 1], &weight),
        );
        graph
            .nodes
            .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        (graph, shapes)
    }

    #[test]
    fn one_bank_has_to_hold_the_arena() {
        let profile = edgefit_device::find("stm32h743").unwrap();
        // 3 + 12 channels of 100 × 100 floats: more than 512 KiB, less than all banks together.
        let (graph, shapes) = conv(12, 100);
        let check = check(&graph, &shapes, &profile).unwrap();
        assert_eq!(check.verdict, Verdict::DoesNotFit);
        let ram = &check.budgets[1];
        assert_eq!(ram.place, "AXI SRAM");
        assert_eq!(ram.need_bytes, Some(600_000));
        assert_eq!(ram.margin, Some(524_288 - 600_000));
        assert!(check.budgets[0].holds);
        // Halving the activations is the gentlest change, and enough.
        assert_eq!(check.suggestions.len(), 1);
        assert_eq!(check.suggestions[0].change.to_string(), "f16");
        assert_eq!(check.suggestions[0].verdict, Verdict::Fits);
    }

    #[test]
    fn what_cannot_be_worked_out_is_unknown() {
        let profile = edgefit_device::find("stm32h743").unwrap();
        let (mut graph, shapes) = conv(1, 10);
        graph
            .nodes
            .push(Node::new("Frobnicate", "odd", &["y"], &["z"]));
        let check = check(&graph, &shapes, &profile).unwrap();
        assert_eq!(check.verdict, Verdict::Unknown);
        assert_eq!(check.budgets[1].need_bytes, None);
    }
}
