//! Networks that nearly fit, with fewer channels: channels go where they save what is short, and the layers that
//! read the others make up for them.

use std::path::{Path, PathBuf};

use edgefit_base::file::create_folder;
use edgefit_cost::Costs;
use edgefit_engine::{InProcess, fastest};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_prune::{Calibrated, Kept, Ranking, Selection, Structure, Widths};
use edgefit_train::{Observer, Survey, SurveyedBackbone};

use crate::candidate::WidthsBy;
use crate::depth::{Depth, pooled, with_head, without_head};
use crate::error::Result;
use crate::footprint::Footprint;
use crate::job::FitJob;
use crate::linear_probe::{folds, score};
use crate::network::{Narrowed, Network};
use crate::quiet::Quiet;
use crate::survey::{Surveyed, fitted, load};
use crate::width_cost::{WHOLE, WidthCost};

/// Networks that are narrowed, at most.
const TRIED: usize = 3;

/// Training samples on which the others learn to make up for channels that go.
const SAMPLES: usize = 100;

/// Widths are multiples of so many channels, which kernels like.
const MULTIPLE: usize = 8;

/// Times that widths are chosen anew because the plan of the int8 model is somewhat larger than was counted on.
const ATTEMPTS: usize = 4;

/// Steps of the search for a share of all groups: to a thousandth.
const HALVINGS: usize = 10;

/// Adds to `surveyed` narrower versions of the networks that do not fit and score best, each of another backbone
/// or resolution; of the first also with uniform and with random widths, to compare with.
///
/// # Errors
/// A network cannot be run on the samples, or a file not be written.
pub fn narrow(
    job: &FitJob,
    samples: &Survey,
    surveyed: &mut Surveyed,
    observer: &mut dyn Observer,
) -> Result<()> {
    for (place, at) in near_misses(&surveyed.networks).into_iter().enumerate() {
        if observer.stop() {
            return Ok(());
        }
        let network = surveyed.networks[at].clone();
        let side = network.side.filter(|_| !network.is_native);
        let path = &job.backbones[network.backbone];
        let backbone = load(job, path, side, &mut Quiet(observer))?;
        let source = Source {
            job,
            samples,
            backbone: &fitted(backbone, network.fit),
            network: &network,
        };
        // One network is enough to compare with.
        let ways: &[WidthsBy] = match place {
            0 => &[WidthsBy::Cost, WidthsBy::Uniform, WidthsBy::Random],
            _ => &[WidthsBy::Cost],
        };
        // What was trained is held against the files, and another CPU or engine may choose other widths.
        let mut missing = ways.to_vec();
        missing.retain(|&by| !source.file(by).exists());
        if !missing.is_empty() {
            observer.begin("taking channels out", 0);
            let made = source.narrowed(&missing);
            observer.end();
            match made {
                Ok(made) => {
                    for (by, part) in made {
                        source.write(&part, by)?;
                    }
                }
                Err(error) => surveyed
                    .remarks
                    .push(format!("{} loses no channels: {error}", path.display())),
            }
        }
        for &by in ways {
            let file = source.file(by);
            if !file.exists() {
                continue;
            }
            match read(&file) {
                Ok((graph, part)) => {
                    let narrowed = Narrowed {
                        width: source.width(&part)?,
                        file,
                        by,
                    };
                    let measured = source.measured(narrowed, (&graph, &part), observer)?;
                    surveyed.networks.push(measured);
                }
                Err(error) => surveyed.remarks.push(format!(
                    "{} is left out ({error}); remove it to take channels out anew",
                    file.display()
                )),
            }
        }
    }
    Ok(())
}

/// The narrowed network in a file, and the part of it that makes its features.
fn read(file: &Path) -> Result<(Graph, Graph)> {
    let graph = Graph::load(file)?;
    let part = without_head(&graph)?;
    Ok((graph, part))
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
struct Source<'a> {
    job: &'a FitJob,
    samples: &'a Survey,
    backbone: &'a SurveyedBackbone,
    network: &'a Network,
}

impl Source<'_> {
    /// The part of the network that makes its features, with as many channels as fit, for each of `ways` that
    /// finds such widths.
    fn narrowed(&self, ways: &[WidthsBy]) -> Result<Vec<(WidthsBy, Graph)>> {
        let part = pooled(self.backbone.graph(), &[&self.network.depth])?;
        let structure = Structure::of(&part)?;
        structure.check_prunable()?;
        let samples = self.samples.samples(self.backbone, SAMPLES);
        let training = &self.job.training;
        let engine = training.engine.unwrap_or_else(fastest);
        let mut engine = InProcess::new(engine, training.threads);
        let calibrated = Calibrated::new(&structure, &samples, &mut engine)?;
        let mut made = Vec::new();
        for &by in ways {
            let selection = match by {
                WidthsBy::Cost | WidthsBy::Uniform => Selection::Reconstruction,
                WidthsBy::Random => Selection::Random(self.job.training.recipe.seed),
            };
            let ranking = calibrated.rank(selection, MULTIPLE)?;
            if let Some(kept) = self.fitting(&structure, &ranking, by)? {
                let graph = calibrated.prune_in_turn(&kept, &samples, &mut engine)?;
                made.push((by, graph));
            }
        }
        Ok(made)
    }

    /// What stays of the network so that it fits; `None` where no widths do.
    fn fitting(
        &self,
        structure: &Structure,
        ranking: &Ranking,
        by: WidthsBy,
    ) -> Result<Option<Kept>> {
        let Some(form) = self.form() else {
            return Ok(None);
        };
        let limit = self.job.target.limits.latency_ns;
        let cost = WidthCost::of(structure, ranking, form, limit)?;
        let mut budget = WHOLE;
        for _ in 0..ATTEMPTS {
            let shares = |widths: &Widths| cost.share(widths);
            let widths = match by {
                WidthsBy::Uniform => uniform(structure, ranking, &shares, budget as u64),
                WidthsBy::Cost | WidthsBy::Random => ranking
                    .within(structure, &shares, budget as u64, "millionths")
                    .ok(),
            };
            let Some(widths) = widths else {
                return Ok(None);
            };
            let kept = ranking.kept(structure, &widths);
            let tried = self.headed(&structure.without(&kept)?);
            let footprint = self.job.target.footprint(&tried, form.element_type)?;
            if footprint.fits {
                return Ok(Some(kept));
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

    fn folder(&self) -> PathBuf {
        self.job.run.join("narrowed")
    }

    /// Where the network lies as it is narrowed so.
    fn file(&self, by: WidthsBy) -> PathBuf {
        let network = self.network;
        let side = network.side.unwrap_or_default();
        let way = match by {
            WidthsBy::Cost => "cost",
            WidthsBy::Uniform => "uniform",
            WidthsBy::Random => "random",
        };
        let (backbone, number) = (network.backbone + 1, network.number);
        self.folder()
            .join(format!("{backbone}-{side}-{number}-{way}.onnx"))
    }

    /// Writes the network whose features `part` makes into its file.
    fn write(&self, part: &Graph, by: WidthsBy) -> Result<()> {
        let mut graph = self.headed(part);
        self.backbone.describe(&mut graph, self.samples.classes());
        create_folder(&self.folder())?;
        Ok(graph.save(self.file(by))?)
    }

    /// Share of the channels that `part` has left.
    fn width(&self, part: &Graph) -> Result<f64> {
        let before = pooled(self.backbone.graph(), &[&self.network.depth])?;
        Ok(channels(part) as f64 / channels(&before).max(1) as f64)
    }

    /// The narrowed network, the graph of which has the `part` that makes its features, planned and scored.
    fn measured(
        &self,
        narrowed: Narrowed,
        (graph, part): (&Graph, &Graph),
        observer: &mut dyn Observer,
    ) -> Result<Network> {
        let network = self.network;
        let target = &self.job.target;
        let forms = network.footprints.iter();
        let footprints = forms
            .map(|form| target.footprint(graph, form.element_type))
            .collect::<Result<_>>()?;
        let features = self
            .samples
            .run(self.backbone, part, &mut Quiet(observer))?;
        let seed = self.job.training.recipe.seed;
        let folds = folds(&features.classes, &features.groups, seed);
        let rows: Vec<&[f32]> = features.rows.iter().map(Vec::as_slice).collect();
        Ok(Network {
            depth: Depth {
                macs: macs(graph)?,
                ..network.depth.clone()
            },
            narrowed: Some(narrowed),
            footprints,
            score: Some(score(&rows, &features.classes, &folds)),
            ..network.clone()
        })
    }
}

/// The widest of the same share of every group whose cost is at most `budget`, by bisection.
fn uniform(
    structure: &Structure,
    ranking: &Ranking,
    cost: &dyn Fn(&Widths) -> u64,
    budget: u64,
) -> Option<Widths> {
    let (mut least, mut most) = (0.0, 1.0);
    let mut best = None;
    for _ in 0..HALVINGS {
        let share = (least + most) / 2.0;
        match ranking.uniform(structure, share) {
            Ok(widths) if cost(&widths) <= budget => {
                best = Some(widths);
                least = share;
            }
            // With nothing gone it costs what it did, which was too much.
            _ => most = share,
        }
    }
    best
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
    Ok(Costs::of(graph, &inference).totals.macs)
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, ValueInfo};

    use super::*;

    #[test]
    fn a_network_comes_out_of_its_file_with_its_head_and_without() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("narrowed.onnx");
        let mut part = Graph::new("narrowed", 17);
        let row = |name: &str| {
            let dims = vec![Dim::Symbol("batch".into()), Dim::Known(4)];
            ValueInfo::f32(name, dims)
        };
        part.inputs.push(row("x"));
        part.outputs.push(row("features"));
        part.nodes = vec![Node::new("Relu", "relu", &["x"], &["features"])];
        let graph = with_head(part.clone(), "features", 4, 3);
        graph.save(&file).unwrap();
        assert_eq!(read(&file).unwrap(), (graph, part.clone()));
        part.save(&file).unwrap();
        let refused = read(&file).unwrap_err().to_string();
        assert!(refused.contains("no layer for the classes"), "{refused}");
    }
}
