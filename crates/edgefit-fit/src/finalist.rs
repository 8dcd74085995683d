//! A network that is trained, and measured on the validation samples.

use std::path::{Path, PathBuf};

use edgefit_base::file::{WriteError, create_folder};
use edgefit_device::ElementType;
use edgefit_train::{Int8Origin, Job, Observer, StageName, Validated, is_finished, validate};

use crate::candidate::WidthsBy;
use crate::depth;
use crate::error::Result;
use crate::job::FitJob;
use crate::network::Network;
use crate::quiet::Quiet;
use crate::survey::{Surveyed, fitted, load};

/// A network that was trained.
pub struct Trained {
    /// Its place among the networks.
    pub network: usize,
    /// Folder of its run.
    pub run: PathBuf,
    /// The stages in which it was trained.
    pub stages: Vec<StageName>,
    /// The forms in which it fits, the most accurate first.
    pub forms: Vec<Form>,
    /// Validation samples.
    pub samples: usize,
    /// Whether the user ended it.
    pub interrupted: bool,
}

/// A trained network in one form.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The form.
    pub element_type: ElementType,
    /// Share of the validation samples that it classifies correctly.
    pub accuracy: f64,
    /// Loss on them.
    pub loss: f64,
}

impl Form {
    /// Whether it is more accurate than another, or as accurate with a smaller loss.
    pub fn beats(&self, other: &Form) -> bool {
        match self.accuracy.total_cmp(&other.accuracy) {
            std::cmp::Ordering::Equal => self.loss < other.loss,
            order => order.is_gt(),
        }
    }
}

/// How far a finalist is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// The stages before the whole network is trained.
    First,
    /// All of them.
    Second,
}

impl Round {
    /// Its name in the path of a run.
    fn name(self) -> &'static str {
        match self {
            Round::First => "first",
            Round::Second => "second",
        }
    }

    /// Whether a stage of the job belongs to it.
    fn holds(self, stage: StageName) -> bool {
        self == Round::Second || stage < StageName::Full
    }
}

/// Whether the second round trains more than the first.
pub fn has_second_round(job: &Job) -> bool {
    job.stages.iter().any(|stage| *stage >= StageName::Full)
}

/// Trains the network at a place among those that were `surveyed`, and measures it on the validation samples, or
/// goes on with what its folder holds.
///
/// # Errors
/// It cannot be built, written or trained.
pub fn train(
    job: &FitJob,
    surveyed: &Surveyed,
    (place, round): (usize, Round),
    teacher: Option<&Path>,
    observer: &mut dyn Observer,
) -> Result<Trained> {
    let network = &surveyed.networks[place];
    let run = folder(job, network).join(round.name());
    if is_finished(&run) {
        // The search ended between the report of this run and its own.
        let gone = std::fs::remove_dir_all(&run);
        gone.map_err(|source| WriteError {
            path: run.clone(),
            source,
        })?;
    }
    let file = backbone_file(job, surveyed, network, &run, observer)?;
    let mut training = Job {
        backbone: file,
        device: job.target.profile.clone(),
        run: run.clone(),
        input_shape: None,
        // The file says it.
        preprocessing: None,
        teacher: teacher.map(Path::to_path_buf),
        scheme: None,
        head: job
            .training
            .head
            .clone()
            .filter(|_| network.depth.cut.is_none()),
        ..job.training.clone()
    };
    training.stages.retain(|stage| round.holds(*stage));
    let stages = training.stages.clone();
    if fits_as(network, ElementType::Int8) {
        // What is not to be trained on integers is still made of them.
        if !training.stages.contains(&StageName::Int8) {
            training.recipe.int8.epochs = 0;
            training.stages.push(StageName::Int8);
        }
        training.scheme = job.target.scheme.clone();
    } else {
        training.stages.retain(|stage| *stage != StageName::Int8);
    }
    let made = validate(&training, observer)?;
    Ok(Trained {
        network: place,
        forms: forms(&made, network),
        samples: made.val.accuracy().map_or(0, |share| share.samples),
        interrupted: made.interrupted,
        run,
        stages,
    })
}

/// The network with an untrained head, as a file in the folder of its run.
///
/// # Errors
/// It cannot be built or written.
pub fn backbone_file(
    job: &FitJob,
    surveyed: &Surveyed,
    network: &Network,
    run: &Path,
    observer: &mut dyn Observer,
) -> Result<PathBuf> {
    create_folder(run)?;
    if let Some(narrowed) = &network.narrowed {
        return Ok(narrowed.file.clone());
    }
    let file = run.join("backbone.onnx");
    if !file.exists() {
        let side = network.side.filter(|_| !network.is_native);
        let backbone = &job.backbones[network.backbone];
        let loaded = load(job, backbone, side, &mut Quiet(observer))?;
        let loaded = fitted(loaded, network.fit);
        let mut graph = depth::network(loaded.graph(), &network.depth, surveyed.classes.len())?;
        loaded.describe(&mut graph, &surveyed.classes);
        graph.save(&file)?;
    }
    Ok(file)
}

fn fits_as(network: &Network, element_type: ElementType) -> bool {
    let mut forms = network.fitting();
    forms.any(|footprint| footprint.element_type == element_type)
}

/// The forms of a trained network in which it fits, the most accurate first.
fn forms(made: &Validated, network: &Network) -> Vec<Form> {
    let mut forms = Vec::new();
    if let Some(accuracy) = made.val.accuracy() {
        let kept = made.stages.iter().rfind(|stage| stage.kept);
        forms.push(Form {
            element_type: ElementType::F32,
            accuracy: accuracy.share,
            loss: kept.map_or(f64::INFINITY, |stage| stage.val_loss),
        });
    }
    let figures = made.int8.as_ref().map(|report| match &report.trained {
        Some(trained) if report.kept == Int8Origin::Training => trained,
        _ => &report.quantized,
    });
    forms.extend(figures.and_then(|figures| {
        Some(Form {
            element_type: ElementType::Int8,
            accuracy: figures.val_accuracy?,
            loss: figures.val_loss,
        })
    }));
    forms.retain(|form| fits_as(network, form.element_type));
    forms.sort_by(|a, b| match (a.beats(b), b.beats(a)) {
        (true, _) => std::cmp::Ordering::Less,
        (_, true) => std::cmp::Ordering::Greater,
        _ => std::cmp::Ordering::Equal,
    });
    forms
}

/// Where the runs of a network lie: `finalists/BACKBONE-SIDE-DEPTH`.
fn folder(job: &FitJob, network: &Network) -> PathBuf {
    let stem = job.backbones[network.backbone].file_stem();
    let stem = stem.map_or("backbone".into(), |stem| stem.to_string_lossy());
    let side = network
        .side
        .map_or(String::new(), |side| format!("-{side}"));
    let narrowed = network.narrowed.as_ref();
    let width = narrowed.map_or("", |narrowed| match narrowed.by {
        WidthsBy::Cost => "-narrow",
        WidthsBy::Uniform => "-uniform",
        WidthsBy::Random => "-random",
    });
    let number = network.number;
    let name = format!("{}-{stem}{side}-{number}{width}", network.backbone + 1);
    job.run.join("finalists").join(name)
}
