//! A network that is trained, and measured on the validation samples.

use std::path::{Path, PathBuf};

use edgefit_base::file::create_folder;
use edgefit_device::ElementType;
use edgefit_guards::Code;
use edgefit_train::{Job, Lock, Observer, StageName, hold_inputs, is_finished, validate};

use crate::candidate::WidthsBy;
use crate::depth;
use crate::error::Result;
use crate::figures::{Figures, Form, VALIDATED};
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
/// goes on with what its folder holds; what is trained already is read from there.
///
/// # Errors
/// It cannot be built, written or trained, or was trained on other data or another backbone; or another process
/// writes into the folder of its run.
pub fn train(
    job: &FitJob,
    surveyed: &Surveyed,
    (place, round): (usize, Round),
    teacher: Option<&Path>,
    observer: &mut dyn Observer,
) -> Result<Trained> {
    let network = &surveyed.networks[place];
    let run = folder(job, network).join(round.name());
    let mut interrupted = false;
    let figures = if let Some(figures) = Figures::load(&run)? {
        hold_inputs(&run, &mut Quiet(observer))?;
        figures
    } else {
        if is_finished(&run) || run.join(VALIDATED).exists() {
            // It was gone on with by itself (`edgefit train --resume`), which keeps no such figures, or replaced.
            Lock::take(&run)?.clear_folder()?;
        }
        let training = Job {
            backbone: backbone_file(job, surveyed, network, &run, observer)?,
            run: run.clone(),
            teacher: teacher.map(Path::to_path_buf),
            ..training(job, network, round)
        };
        let made = validate(&training, observer)?;
        let figures = Figures::of(&run, &made, network)?;
        interrupted = made.interrupted;
        if !interrupted {
            figures.save(&run)?;
        }
        figures
    };
    Ok(Trained {
        network: place,
        run,
        stages: stages(job, network, round),
        forms: figures.forms,
        samples: figures.samples,
        interrupted,
    })
}

/// How a network is trained in a round, but for its files.
fn training(job: &FitJob, network: &Network, round: Round) -> Job {
    let mut training = Job {
        device: job.target.profile.clone(),
        input_shape: None,
        // The file says it.
        preprocessing: None,
        scheme: None,
        head: job
            .training
            .head
            .clone()
            .filter(|_| network.depth.cut.is_none()),
        stages: stages(job, network, round),
        ..job.training.clone()
    };
    // The search has held it against the budgets that count, which may be larger than the device's own.
    training.allow.insert(Code::Ef20);
    if network.fitting_as(ElementType::Int8).is_some() {
        // What is not to be trained on integers is still made of them.
        if !training.stages.contains(&StageName::Int8) {
            training.recipe.int8.epochs = 0;
            training.stages.push(StageName::Int8);
        }
        training.scheme = job.target.scheme.clone();
    }
    training
}

/// The stages in which a network is trained in a round; on integers only where it fits so.
fn stages(job: &FitJob, network: &Network, round: Round) -> Vec<StageName> {
    let is_int8 = network.fitting_as(ElementType::Int8).is_some();
    let mut stages = job.training.stages.clone();
    stages.retain(|stage| round.holds(*stage) && (is_int8 || *stage != StageName::Int8));
    stages
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

/// Where the runs of a network lie: `finalists/NUMBER-BACKBONE-SIDE-DEPTH`, and how it was narrowed; a folder in it for each
/// round.
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

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use edgefit_graph::{Dim, Graph, Node, ValueInfo};
    use serde_json::json;

    use super::*;
    use crate::figures::tests::float_only;
    use crate::job::tests::job;
    use crate::quiet::tests::Stopping;
    use crate::select::tests::network;
    use crate::tested::tests::write_report;
    use crate::written::write_json;

    /// Writes the job of a run into its folder, with the data and the backbone that it names into `folder`.
    pub(crate) fn write_job(folder: &Path, run: &Path) {
        let [data, backbone] = ["data", "network.onnx"].map(|name| folder.join(name));
        for class in ["a", "b"] {
            fs::create_dir_all(data.join(class)).unwrap();
            fs::write(data.join(class).join("1.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        }
        let mut graph = Graph::new("network", 17);
        let dims = [1, 4].map(Dim::Known);
        graph.inputs.push(ValueInfo::f32("x", dims.to_vec()));
        graph.outputs.push(ValueInfo::f32("y", dims.to_vec()));
        graph.nodes = vec![Node::new("Relu", "relu", &["x"], &["y"])];
        graph.save(&backbone).unwrap();
        let device = edgefit_device::find("stm32h743").unwrap();
        let training = Job::new(&data, &backbone, device, run);
        let mut file = serde_json::to_value(&training).unwrap();
        file["version"] = "0.1.0".into();
        file["started"] = "2026-01-01T00:00:00Z".into();
        write_json(&run.join("job.json"), "edgefit.job/3", &file).unwrap();
    }

    #[test]
    fn a_network_that_fits_the_budgets_of_the_search_is_trained() {
        let int8 = network(128, None, 0.5, 0.9);
        let planned = training(&job("run".as_ref()), &int8, Round::First);
        assert!(planned.allow.contains(&Code::Ef20));
        assert_eq!(planned.stages, [StageName::Probe, StageName::Int8]);
        assert_eq!(planned.recipe.int8.epochs, 0);
    }

    #[test]
    fn a_network_that_fits_in_floats_alone_has_no_stage_on_integers() {
        let mut job = job("run".as_ref());
        job.training.stages = vec![StageName::Probe, StageName::Full, StageName::Int8];
        let network = float_only();
        let expected = [StageName::Probe, StageName::Full];
        assert_eq!(stages(&job, &network, Round::Second), expected);
        let planned = training(&job, &network, Round::Second);
        assert_eq!(
            (planned.stages.as_slice(), planned.scheme),
            (&expected[..], None)
        );
        assert_eq!(stages(&job, &network, Round::First), [StageName::Probe]);
    }

    #[test]
    fn a_run_that_is_over_is_read_and_not_trained_again_but_without_its_figures_or_on_other_data() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path());
        let surveyed = Surveyed {
            classes: Vec::new(),
            networks: vec![float_only()],
            remarks: Vec::new(),
        };
        let run = folder.path().join("finalists/1-a-128-1/first");
        write_report(&run);
        let train = || train(&job, &surveyed, (0, Round::First), None, &mut Stopping);
        // Another process goes on with it.
        let other = Lock::take(&run).unwrap();
        let refused = train().err().unwrap();
        assert!(refused.ends_search(), "{refused}");
        assert!(run.join("report.json").exists());
        drop(other);
        // It is begun anew, and the data of the search are not there.
        assert!(train().is_err());
        assert!(!run.join("report.json").exists());

        write_report(&run);
        write_job(folder.path(), &run);
        let form = Form {
            element_type: ElementType::F32,
            accuracy: 0.75,
            loss: f64::INFINITY,
        };
        let figures = json!({"forms": [&form], "samples": 8});
        write_json(&run.join(VALIDATED), "edgefit.fit-validated/1", &figures).unwrap();
        let trained = train().unwrap();
        assert_eq!(trained.run, run);
        assert_eq!((trained.forms, trained.samples), (vec![form], 8));
        assert!(run.join("report.json").exists());

        let manifest = json!({"backbone": "", "settings": {}, "classes": [], "samples": []});
        write_json(&run.join("manifest.json"), "edgefit.manifest/1", &manifest).unwrap();
        let refused = train().err().unwrap().to_string();
        assert!(refused.contains("not what the run began with"), "{refused}");
    }
}
