//! The mistakes, each for the guard that has to find it.

use std::path::{Path, PathBuf};

use edgefit::graph::Graph;
use edgefit::graph::rewrite::fold_batch_norm;
use tempfile::TempDir;

use super::Training;
use super::data::Data;
use super::models::{self, Models};
use crate::common::photographs;

const NO_AUGMENTATION: &str = "[augmentation]\ncrop_scale = [1, 1]\ncrop_ratio = [1, 1]\nflip = 0\n\
                               color_jitter = 0\n";

const STRONG_AUGMENTATION: &str = "[augmentation]\ncrop_scale = [0.01, 0.02]\nrotation = 180\n\
                                   color_jitter = 1\nerasing = 1\nrand_augment_ops = 5\n\
                                   rand_augment_magnitude = 10\n";

/// A mistake, and the guard that has to find it.
pub struct Plant {
    pub code: &'static str,
    pub name: &'static str,
    pub training: Training,
}

/// All mistakes in copies of one backbone and of the photographs.
pub struct Plants {
    pub all: Vec<Plant>,
    /// Of the models; they go with the plants.
    _models: TempDir,
    _data: Data,
}

/// What a mistake changes of a run that is fine.
#[derive(Default)]
struct Change<'c> {
    data: Option<&'c Path>,
    backbone: Option<PathBuf>,
    recipe: &'static str,
    flags: &'static [&'static str],
    unwritable_events: bool,
}

impl Plants {
    pub fn of(backbone: &Path) -> Self {
        let (models, data) = (Models::of(backbone), Data::new());
        let photographs = photographs();
        let mut all = Vec::new();
        let mut plant = |code, name, change: Change| {
            let training = Training {
                data: change.data.unwrap_or(&photographs).to_path_buf(),
                backbone: change.backbone.unwrap_or_else(|| backbone.to_path_buf()),
                recipe: change.recipe.to_owned(),
                flags: change.flags.to_vec(),
                unwritable_events: change.unwritable_events,
            };
            all.push(Plant {
                code,
                name,
                training,
            });
        };
        for_the_steps(&mut plant, &models, &data);
        for_the_model(&mut plant, &models);
        for_the_data(&mut plant, &data);
        for_the_course(&mut plant, &data);
        Plants {
            all,
            _models: models.into_folder(),
            _data: data,
        }
    }
}

fn flags(flags: &'static [&'static str]) -> Change<'static> {
    Change {
        flags,
        ..Change::default()
    }
}

fn recipe(recipe: &'static str) -> Change<'static> {
    Change {
        recipe,
        ..Change::default()
    }
}

fn backbone(path: PathBuf) -> Change<'static> {
    Change {
        backbone: Some(path),
        ..Change::default()
    }
}

fn data(folder: &TempDir) -> Change<'_> {
    Change {
        data: Some(folder.path()),
        ..Change::default()
    }
}

/// EF01, EF10, EF14, EF16: learning rates and gradients.
fn for_the_steps(
    plant: &mut impl FnMut(&'static str, &'static str, Change),
    models: &Models,
    datasets: &Data,
) {
    plant("EF01", "a learning rate of 1e-9", flags(&["--lr", "1e-9"]));
    plant("EF01", "a learning rate of 1e-7", flags(&["--lr", "1e-7"]));
    let contradicting = Change {
        flags: &["--allow", "EF08"],
        ..data(&datasets.contradicting)
    };
    plant("EF01", "every image in every class", contradicting);
    let allowed = &["--lr", "1e-6", "--allow", "EF01"];
    plant(
        "EF10",
        "a learning rate of 1e-6, EF01 allowed",
        flags(allowed),
    );
    plant("EF10", "a learning rate of 1", flags(&["--lr", "1"]));
    plant("EF10", "a learning rate of 100", flags(&["--lr", "100"]));
    plant("EF14", "a learning rate of 1e4", flags(&["--lr", "1e4"]));
    let faint = models.planted("faint.onnx", |graph| models::scale_features(graph, 1e-7));
    let faint = Change {
        flags: &["--allow", "EF01"],
        ..backbone(faint)
    };
    let name = "features a ten-millionth of what they were, EF01 allowed";
    plant("EF14", name, faint);
    let cut_off = models.planted("cut-off.onnx", |graph| models::shrink(graph, 44, 1e-7));
    let cut_off = Change {
        recipe: "[top]\nepochs = 3\n",
        flags: &["--stages", "probe,top"],
        ..backbone(cut_off)
    };
    plant("EF14", "a branch whose end is scaled to nothing", cut_off);
    let constant = "[probe]\nschedule = \"constant\"\n";
    plant("EF16", "a constant learning rate", recipe(constant));
}

/// EF02, EF04, EF05, EF06, EF19, EF20: the backbone and its preprocessing.
fn for_the_model(plant: &mut impl FnMut(&'static str, &'static str, Change), models: &Models) {
    let training = models.planted("training.onnx", models::in_training_mode);
    let name = "a normalisation left in training mode";
    plant("EF02", name, backbone(training));
    for (name, op) in [
        ("a softmax at the end", "Softmax"),
        ("a sigmoid at the end", "Sigmoid"),
    ] {
        let ends = |graph: &mut Graph| models::ends_with(graph, op);
        let model = models.planted(&format!("{op}.onnx"), ends);
        plant("EF04", name, backbone(model));
    }
    for (name, nth, share) in [
        ("an early layer that is dead", 4, 1.0),
        ("a late layer that is dead", 40, 1.0),
        ("a layer with 70 % dead units", 30, 0.7),
        ("the last layer with 80 % dead units", 48, 0.8),
    ] {
        let dead = |graph: &mut Graph| models::kill(graph, nth, share);
        let model = models.planted(&format!("dead{nth}.onnx"), dead);
        plant("EF05", name, backbone(model));
    }
    plant("EF06", "imagenet", flags(&["--preprocessing", "imagenet"]));
    plant("EF06", "unit", flags(&["--preprocessing", "unit"]));
    plant("EF06", "raw", flags(&["--preprocessing", "raw"]));
    let bgr = models.planted("bgr.onnx", models::with_blue_first);
    plant("EF06", "blue and red swapped", backbone(bgr));
    let mute = models.planted("mute.onnx", |graph| graph.metadata.clear());
    plant("EF06", "a model that does not say", backbone(mute));
    let inside = Change {
        flags: &["--preprocessing", "lite"],
        ..backbone(models.planted("inside.onnx", models::scaling_inside))
    };
    let name = "images scaled before a model that scales them itself";
    plant("EF06", name, inside);
    let scratch = Change {
        flags: &["--allow", "EF10"],
        ..backbone(models.planted("scratch.onnx", models::from_scratch))
    };
    plant("EF19", "a backbone that was never trained", scratch);
    let folded = models.planted("folded.onnx", |graph| {
        models::from_scratch(graph);
        fold_batch_norm(graph).unwrap();
    });
    let name = "a backbone that was never trained, its normalisation folded";
    plant("EF19", name, backbone(folded));
    let same_rate = Change {
        recipe: "[top]\nbackbone_multiplier = 1.0\nepochs = 2\n",
        flags: &["--stages", "probe,top"],
        ..Change::default()
    };
    plant(
        "EF19",
        "the head's learning rate on the backbone",
        same_rate,
    );
    let small = flags(&["--device", "nrf52832"]);
    plant("EF20", "a board that is too small", small);
}

/// EF07, EF08, EF12, EF15: the data, their labels and their augmentation.
fn for_the_data(plant: &mut impl FnMut(&'static str, &'static str, Change), datasets: &Data) {
    let unweighted = |folder| Change {
        recipe: "class_weighting = \"none\"\n",
        ..data(folder)
    };
    let uneven = unweighted(&datasets.uneven);
    plant("EF07", "41 to 8 without weighting", uneven);
    let very_uneven = unweighted(&datasets.very_uneven);
    plant("EF07", "41 to 2 without weighting", very_uneven);
    let leaking = data(&datasets.leaking);
    plant("EF08", "copies of training images in test", leaking);
    let nonsense = data(&datasets.nonsense);
    plant("EF08", "labels that mean nothing", nonsense);
    let odd_val = data(&datasets.odd_val);
    plant("EF08", "labels of val that mean nothing", odd_val);
    let zero = Change {
        recipe: "head_bias = \"zero\"\nclass_weighting = \"none\"\n",
        ..data(&datasets.uneven)
    };
    plant("EF12", "a bias of 0 on 41 to 8", zero);
    plant("EF15", "no augmentation", recipe(NO_AUGMENTATION));
    let name = "augmentation past recognition";
    plant("EF15", name, recipe(STRONG_AUGMENTATION));
}

/// EF09, EF11, EF13, EF17, EF18: how training goes and where it ends.
fn for_the_course(plant: &mut impl FnMut(&'static str, &'static str, Change), datasets: &Data) {
    let partly_wrong = |recipe| Change {
        recipe,
        ..data(&datasets.mislabelled)
    };
    let long =
        "[probe]\nepochs = 150\npatience = 1000\nlearning_rate = 0.01\nlabel_smoothing = 0\n";
    let name = "labels that are partly wrong, overfitted";
    plant("EF09", name, partly_wrong(long));
    let decay = "[probe]\nweight_decay = 1000\n";
    plant("EF11", "a decay of 1000", recipe(decay));
    let smoothed = "[probe]\nlabel_smoothing = 0.98\n";
    let name = "labels smoothed until nothing is left of them";
    plant("EF13", name, recipe(smoothed));
    let unwritable = Change {
        unwritable_events: true,
        ..Change::default()
    };
    plant("EF13", "events that cannot be written", unwritable);
    let name = "five epochs for labels that are partly wrong";
    plant("EF17", name, partly_wrong("[probe]\nepochs = 5\n"));
    let late = "[probe]\npatience = 0\nepochs = 200\nlearning_rate = 0.03\nlabel_smoothing = 0\n";
    plant("EF18", "200 epochs without patience", recipe(late));
}
