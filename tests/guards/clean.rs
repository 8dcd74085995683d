//! Runs in which there is no mistake: a list of settings, each of which is trained and may raise nothing.
//!
//! `docs/guards.md` lists them; `EDGEFIT_WRITE_DOCS=1` writes it.

use std::fmt::Write;
use std::path::PathBuf;

use edgefit::assets;
use tempfile::TempDir;

use super::clean_data::Data;
use super::planted::in_document;
use super::sensors::{self, Set};
use super::{Finding, Training, findings};
use crate::common::{cache, command, onnxruntime, run};

/// A run without a mistake.
struct Clean {
    data: Data,
    net: Net,
    seed: u64,
    stages: Stages,
    recipe: &'static str,
}

/// The backbone.
#[derive(Clone, Copy)]
enum Net {
    /// EfficientNet-Lite0, 1 or 2 with the weights of ImageNet.
    Lite(usize),
    /// A small one for a set of recordings, trained on half of it.
    Sensor(Set),
}

/// What is trained.
#[derive(Clone, Copy)]
enum Stages {
    /// A head, as by default.
    Probe,
    /// All three stages.
    All,
}

const fn clean(data: Data, net: Net, seed: u64, stages: Stages) -> Clean {
    Clean {
        data,
        net,
        seed,
        stages,
        recipe: "",
    }
}

/// Of thousands of images, no views beside the clean one, which halve the time and more.
const fn one_view(data: Data, seed: u64) -> Clean {
    Clean {
        recipe: "views = 1\n",
        ..clean(data, Net::Lite(0), seed, Stages::Probe)
    }
}

/// All three stages, of few epochs: each takes the whole network through all images once.
const fn all_stages(data: Data, net: Net, seed: u64) -> Clean {
    Clean {
        recipe: "[top]\nepochs = 6\n\n[full]\nepochs = 4\n",
        ..clean(data, net, seed, Stages::All)
    }
}

#[rustfmt::skip]
const RUNS: [Clean; 40] = [
    clean(Data::Photographs, Net::Lite(0), 0, Stages::Probe),
    clean(Data::Photographs, Net::Lite(1), 0, Stages::Probe),
    clean(Data::Photographs, Net::Lite(2), 0, Stages::Probe),
    clean(Data::Photographs, Net::Lite(0), 1, Stages::Probe),
    clean(Data::Photographs, Net::Lite(1), 1, Stages::Probe),
    clean(Data::Photographs, Net::Lite(2), 1, Stages::Probe),
    clean(Data::FashionInParts, Net::Lite(0), 1, Stages::Probe),
    clean(Data::FashionInParts, Net::Lite(1), 1, Stages::Probe),
    clean(Data::FashionInParts, Net::Lite(2), 1, Stages::Probe),
    clean(Data::DigitsInParts, Net::Lite(0), 0, Stages::Probe),
    clean(Data::DigitsInParts, Net::Lite(1), 0, Stages::Probe),
    clean(Data::DigitsInParts, Net::Lite(2), 0, Stages::Probe),
    clean(Data::DigitsInParts, Net::Lite(0), 1, Stages::Probe),
    clean(Data::DigitsInParts, Net::Lite(1), 1, Stages::Probe),
    clean(Data::DigitsInParts, Net::Lite(2), 1, Stages::Probe),
    // Other splits, and other draws of other sizes.
    clean(Data::Photographs, Net::Lite(0), 2, Stages::Probe),
    clean(Data::Photographs, Net::Lite(0), 3, Stages::Probe),
    clean(Data::Fashion { each: 20, drawn: 2 }, Net::Lite(0), 2, Stages::Probe),
    clean(Data::Fashion { each: 50, drawn: 3 }, Net::Lite(0), 3, Stages::Probe),
    one_view(Data::Fashion { each: 100, drawn: 4 }, 4),
    one_view(Data::Fashion { each: 200, drawn: 7 }, 0),
    one_view(Data::Fashion { each: 500, drawn: 5 }, 5),
    clean(Data::Digits { each: 50, drawn: 6 }, Net::Lite(0), 6, Stages::Probe),
    one_view(Data::Digits { each: 200, drawn: 7 }, 7),
    // Recordings of sensors.
    clean(Data::Recordings(Set::BasicMotions), Net::Sensor(Set::BasicMotions), 0, Stages::Probe),
    clean(Data::Recordings(Set::GunPoint), Net::Sensor(Set::GunPoint), 0, Stages::Probe),
    clean(Data::Recordings(Set::ItalyPowerDemand), Net::Sensor(Set::ItalyPowerDemand), 0, Stages::Probe),
    // One class has many times the samples of another, and the loss weighs them.
    clean(Data::UnevenFashion { counts: [300, 20] }, Net::Lite(0), 0, Stages::Probe),
    clean(Data::UnevenDigits { counts: [400, 16] }, Net::Lite(0), 0, Stages::Probe),
    clean(Data::UnevenPhotographs { fewest: 12 }, Net::Lite(0), 0, Stages::Probe),
    // All three stages.
    all_stages(Data::Photographs, Net::Lite(0), 4),
    all_stages(Data::Photographs, Net::Lite(0), 5),
    all_stages(Data::Photographs, Net::Lite(0), 6),
    all_stages(Data::Photographs, Net::Lite(1), 7),
    all_stages(Data::UnevenPhotographs { fewest: 12 }, Net::Lite(0), 1),
    all_stages(Data::Fashion { each: 20, drawn: 8 }, Net::Lite(0), 8),
    all_stages(Data::Digits { each: 20, drawn: 9 }, Net::Lite(0), 9),
    all_stages(Data::Recordings(Set::BasicMotions), Net::Sensor(Set::BasicMotions), 1),
    all_stages(Data::Recordings(Set::GunPoint), Net::Sensor(Set::GunPoint), 1),
    all_stages(Data::Recordings(Set::ItalyPowerDemand), Net::Sensor(Set::ItalyPowerDemand), 1),
];

#[test]
#[ignore = "takes 60 min: 40 trainings at full size"]
fn clean_runs_raise_nothing() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let mut table =
        String::from("| data | backbone | seed | stages | raised |\n|---|---|---|---|---|\n");
    let mut alarms = String::new();
    for clean in &RUNS {
        let (_data, training) = clean.prepare(&folder);
        let run_folder = tempfile::tempdir().unwrap();
        let found = findings(&training, run_folder.path()).into_iter();
        let raised: Vec<_> = found.filter(Finding::is_raised).collect();
        let codes: Vec<&str> = raised.iter().map(|found| found.code.as_str()).collect();
        let said = match codes.as_slice() {
            [] => "nothing".to_owned(),
            codes => codes.join(", "),
        };
        let row = format!(
            "| {} | {} | {} | {} | {said} |",
            clean.data,
            clean.net.name(),
            clean.seed,
            clean.stages.name()
        );
        eprintln!("{row}");
        writeln!(table, "{row}").unwrap();
        if !raised.is_empty() {
            writeln!(alarms, "{row} {raised:#?}").unwrap();
        }
    }
    assert!(alarms.is_empty(), "{alarms}");
    in_document("clean", &table);
}

impl Clean {
    fn prepare(&self, folder: &TempDir) -> (TempDir, Training) {
        let (kept, data) = self.data.write();
        let stages: &[&str] = match self.stages {
            Stages::Probe => &[],
            Stages::All => &["--stages", "probe,top,full"],
        };
        let training = Training {
            data,
            backbone: self.net.file(folder),
            recipe: format!("seed = {}\n{}", self.seed, self.recipe),
            flags: stages.to_vec(),
            unwritable_events: false,
        };
        (kept, training)
    }
}

impl Net {
    fn name(self) -> String {
        match self {
            Net::Lite(size) => format!("EfficientNet-Lite{size}"),
            Net::Sensor(_) => "three convolutions".into(),
        }
    }

    /// The file, made in `folder` when it is first asked for.
    fn file(self, folder: &TempDir) -> PathBuf {
        match self {
            Net::Lite(size) => {
                let path = folder.path().join(format!("lite{size}.onnx"));
                if !path.exists() {
                    let weights = assets::efficientnet_lite(&cache(), size).unwrap();
                    let arch = format!("efficientnet-lite{size}");
                    let mut import = command();
                    import.arg("import").arg(weights);
                    import.args(["--arch", &arch, "-o"]).arg(&path);
                    assert_eq!(run(&mut import).code, 0);
                }
                path
            }
            Net::Sensor(set) => sensors::backbone(set, folder.path()),
        }
    }
}

impl Stages {
    fn name(self) -> &'static str {
        match self {
            Stages::Probe => "probe",
            Stages::All => "probe, top, full",
        }
    }
}
