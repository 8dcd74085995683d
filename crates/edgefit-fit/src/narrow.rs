//! Networks that nearly fit, with fewer channels: channels go where they save what is short, and the layers that
//! read the others make up for them.

use edgefit_base::file::create_folder;
use edgefit_cost::memory_plan::{ElementType as InMemory, Lifetime, MemoryPlan};
use edgefit_device::ElementType;
use edgefit_engine::{InProcess, fastest};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_prune::{Calibrated, Macs, Ranking, Selection, Structure, ValueWidths, Widths};
use edgefit_train::{Observer, Survey, SurveyedBackbone};

use crate::depth::{pooled, with_head};
use crate::error::Result;
use crate::footprint::Footprint;
use crate::job::FitJob;
use crate::linear_probe::{folds, score};
use crate::network::{Narrowed, Network};
use crate::quiet::Quiet;
use crate::survey::{Surveyed, fitted, load};

/// Networks that are narrowed, at most.
const TRIED: usize = 3;

/// Training samples on which the others learn to make up for channels that go.
const SAMPLES: usize = 100;

/// Widths are multiples of so many channels, which kernels like.
const MULTIPLE: usize = 8;

/// Times that widths are chosen anew because the plan of the int8 model is somewhat larger than was counted on.
const ATTEMPTS: usize = 4;

/// The unit of the largest share of a budget, of which widths are chosen: a millionth.
const WHOLE: f64 = 1e6;

/// Adds to `surveyed` narrower versions of the networks that do not fit and score best, each of another backbone
/// or resolution.
///
/// # Errors
/// A network cannot be run on the samples, or a file not be written.
pub fn narrow(
    job: &FitJob,
    samples: &Survey,
    surveyed: &mut Surveyed,
    observer: &mut dyn Observer,
) -> Result<()> {
    for at in near_misses(&surveyed.networks) {
        if observer.stop() {
            return Ok(());
        }
        let network = surveyed.networks[at].clone();
        let side = network.side.filter(|_| !network.is_native);
        let path = &job.backbones[network.backbone];
        let backbone = load(job, path, side, &mut Quiet(observer))?;
        let place = Place {
            job,
            samples,
            backbone: &fitted(backbone, network.fit),
            network: &network,
        };
        observer.begin("taking channels out", 0);
        let made = place.narrowed();
        observer.end();
        match made {
            Ok(Some(graph)) => {
                let narrowed = place.measured(&graph, observer)?;
                surveyed.networks.push(narrowed);
            }
            Ok(None) => {}
            Err(error) => surveyed
                .remarks
                .push(format!("{} loses no channels: {error}", path.display())),
        }
    }
    Ok(())
}

/// Networks that do not fit and whose score is above that of all that do, the best first.
fn near_misses(networks: &[Network]) -> Vec<usize> {
    let fitting = networks.iter().filter(|network| network.fits());
    let best = fitting.map(Network::accuracy).fold(0.0, f64::max);
    let mut near: Vec<usize> = (0..networks.len())
        .filter(|&at| {
            let network = &networks[at];
            !network.fits() && network.accuracy() > best && network.depth.cut.is_some()
        })
        .collect();
    near.sort_by(|&a, &b| {
        let (a, b) = (&networks[a], &networks[b]);
        b.accuracy()
            .total_cmp(&a.accuracy())
            .then(a.share().total_cmp(&b.share()))
    });
    let mut chosen: Vec<usize> = Vec::new();
    for at in near {
        let kind = |at: usize| (networks[at].backbone, networks[at].side);
        if chosen.len() < TRIED && chosen.iter().all(|&other| kind(other) != kind(at)) {
            chosen.push(at);
        }
    }
    chosen
}

/// A network that is narrowed.
struct Place<'a> {
    job: &'a FitJob,
    samples: &'a Survey,
    backbone: &'a SurveyedBackbone,
    network: &'a Network,
}

impl Place<'_> {
    /// The part of the network that makes its features, with as many channels as fit; `None` where no widths
    /// do.
    fn narrowed(&self) -> Result<Option<Graph>> {
        let part = pooled(self.backbone.graph(), &[&self.network.depth])?;
        let structure = Structure::of(&part)?;
        structure.check_prunable()?;
        let samples = self.samples.samples(self.backbone, SAMPLES);
        let mut engine = InProcess::new(fastest(), self.job.training.threads);
        let calibrated = Calibrated::new(&structure, &samples, &mut engine)?;
        let ranking = calibrated.rank(Selection::Reconstruction, MULTIPLE)?;
        let Some(form) = self.form() else {
            return Ok(None);
        };
        let cost = Cost::of(
            &structure,
            &ranking,
            form,
            self.job.target.limits.latency_ns,
        )?;
        let mut budget = WHOLE;
        for _ in 0..ATTEMPTS {
            let shares = |widths: &Widths| cost.share(widths);
            let widths = ranking.within(&structure, &shares, budget as u64, "millionths");
            let Ok(widths) = widths else {
                return Ok(None);
            };
            let kept = ranking.kept(&structure, &widths);
            let tried = self.headed(&structure.without(&kept)?);
            let footprint = Footprint::of(&tried, &self.job.target, form.element_type)?;
            if footprint.fits {
                let made = calibrated.prune_in_turn(&kept, &samples, &mut engine)?;
                return Ok(Some(made));
            }
            budget *= 0.99 / footprint.share.max(1.0);
        }
        Ok(None)
    }

    /// The form that takes least.
    fn form(&self) -> Option<&Footprint> {
        let forms = self.network.footprints.iter();
        forms.min_by(|a, b| a.share.total_cmp(&b.share))
    }

    fn headed(&self, part: &Graph) -> Graph {
        let features = part.outputs[0].name.clone();
        let channels = self.network.depth.features[0].channels();
        let classes = self.samples.classes().len();
        with_head(part.clone(), &features, channels, classes)
    }

    /// The narrowed network, written, planned and scored.
    fn measured(&self, part: &Graph, observer: &mut dyn Observer) -> Result<Network> {
        let network = self.network;
        let mut graph = self.headed(part);
        self.backbone.describe(&mut graph, self.samples.classes());
        let folder = self.job.run.join("narrowed");
        create_folder(&folder)?;
        let side = network.side.unwrap_or_default();
        let file = folder.join(format!(
            "{}-{side}-{}.onnx",
            network.backbone + 1,
            network.number
        ));
        graph.save(&file)?;
        let target = &self.job.target;
        let forms = network.footprints.iter();
        let footprints = forms
            .map(|form| Footprint::of(&graph, target, form.element_type))
            .collect::<Result<_>>()?;
        let features = self
            .samples
            .run(self.backbone, part, &mut Quiet(observer))?;
        let seed = self.job.training.recipe.seed;
        let folds = folds(&features.classes, &features.groups, seed);
        let rows: Vec<&[f32]> = features.rows.iter().map(Vec::as_slice).collect();
        let mut depth = network.depth.clone();
        let before = channels(&pooled(self.backbone.graph(), &[&depth])?);
        depth.macs = macs(&graph)?;
        Ok(Network {
            depth,
            narrowed: Some(Narrowed {
                file,
                width: channels(part) as f64 / before.max(1) as f64,
            }),
            footprints,
            score: Some(score(&rows, &features.classes, &folds)),
            ..network.clone()
        })
    }
}

/// Output channels of all convolutions and matrices of a network.
fn channels(graph: &Graph) -> usize {
    let layers = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op.as_str(), "Conv" | "Gemm" | "MatMul"));
    let weights = layers.filter_map(|node| graph.initializers.get(node.input(1)?));
    weights.filter_map(|weight| weight.dims().first()).sum()
}

fn macs(graph: &Graph) -> Result<u64> {
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    Ok(edgefit_cost::Costs::of(graph, &inference).totals.macs)
}

/// The largest share of a budget that a network takes, as a function of its widths: counted, where
/// [`Footprint`] plans, because widths are tried by the thousand.
struct Cost<'s> {
    activations: ValueWidths,
    lifetimes: Vec<Lifetime>,
    weights: ValueWidths,
    weight_bytes: Vec<u64>,
    macs: Macs<'s>,
    /// What the unpruned network takes of each budget: RAM, flash, time.
    shares: [f64; 3],
    /// The same as it is counted here.
    whole: [f64; 3],
}

impl<'s> Cost<'s> {
    fn of(
        structure: &'s Structure,
        ranking: &Ranking,
        form: &Footprint,
        latency_ns: Option<u64>,
    ) -> Result<Self> {
        let graph = structure.graph();
        let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
        let element = match form.element_type {
            ElementType::Int8 => InMemory::Int8,
            _ => InMemory::AsStored,
        };
        let lifetimes = MemoryPlan::of(graph, &inference, element).lifetimes;
        let names = lifetimes.iter().map(|life| life.name.as_str());
        let share = |need: Option<u64>, has: Option<u64>| match (need, has) {
            (Some(need), Some(has)) => need as f64 / has.max(1) as f64,
            _ => 0.0,
        };
        let mut cost = Cost {
            activations: ValueWidths::of(structure, ranking, names),
            weights: ValueWidths::of(
                structure,
                ranking,
                graph.initializers.keys().map(String::as_str),
            ),
            weight_bytes: graph
                .initializers
                .values()
                .map(|tensor| tensor.elements() as u64)
                .collect(),
            macs: Macs::of(structure, ranking)?,
            shares: [
                share(form.ram_bytes, form.has_ram),
                share(form.flash_bytes, form.has_flash),
                share(form.latency_ns, latency_ns),
            ],
            whole: [1.0; 3],
            lifetimes,
        };
        cost.whole = cost.counted(&Widths(vec![0; structure.groups().len()]));
        Ok(cost)
    }

    /// The largest share of a budget, in millionths.
    fn share(&self, widths: &Widths) -> u64 {
        let counted = self.counted(widths).into_iter();
        let shares = counted.zip(self.whole).zip(self.shares);
        let shares = shares.map(|((now, whole), share)| share * now / whole.max(1.0));
        (shares.fold(0.0, f64::max) * WHOLE) as u64
    }

    /// Activations alive at once, weights, and multiply-accumulates.
    fn counted(&self, widths: &Widths) -> [f64; 3] {
        let steps = self.lifetimes.iter().map(|life| life.upper).max();
        let mut alive = vec![0.0; steps.unwrap_or(0)];
        for (index, life) in self.lifetimes.iter().enumerate() {
            let bytes = life.bytes as f64 * self.activations.share(index, widths);
            for step in &mut alive[life.lower..life.upper] {
                *step += bytes;
            }
        }
        let weights = self.weight_bytes.iter().enumerate();
        let weights =
            weights.map(|(index, &bytes)| bytes as f64 * self.weights.share(index, widths));
        [
            alive.into_iter().fold(0.0, f64::max),
            weights.sum(),
            self.macs.with(widths) as f64,
        ]
    }
}
