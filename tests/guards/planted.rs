//! The mistakes.

use std::fs;
use std::path::{Path, PathBuf};

use edgefit::graph::rewrite::Head;
use edgefit::graph::{Attribute, Graph, Node, Tensor};
use tempfile::TempDir;

use crate::Planted;
use crate::common::{backbone, photographs};

/// Backbones with a mistake in them.
struct Models {
    folder: TempDir,
}

impl Models {
    fn planted(&self, name: &str, change: impl FnOnce(&mut Graph)) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut graph = Graph::load(backbone()).unwrap();
        change(&mut graph);
        graph.save(&path).unwrap();
        path
    }
}

fn normalisations(graph: &Graph) -> Vec<usize> {
    let nodes = graph.nodes.iter().enumerate();
    let found = nodes.filter(|(_, node)| node.op == "BatchNormalization");
    found.map(|(index, _)| index).collect()
}

/// Puts the first `share` of the offsets of a normalisation so low that nothing passes behind it.
fn kill(graph: &mut Graph, nth: usize, share: f64) {
    let node = &graph.nodes[normalisations(graph)[nth]];
    let bias = node.inputs[2].clone();
    let mut values = graph.initializers[&bias].to_f32().unwrap();
    let dead = (share * values.len() as f64) as usize;
    values[..dead].fill(-1000.0);
    let tensor = Tensor::from_values(vec![values.len()], &values);
    graph.initializers.insert(bias, tensor);
}

/// Multiplies the scale and the offset of a normalisation.
fn shrink(graph: &mut Graph, nth: usize, factor: f32) {
    let node = &graph.nodes[normalisations(graph)[nth]];
    for name in [node.inputs[1].clone(), node.inputs[2].clone()] {
        let values = graph.initializers[&name].to_f32().unwrap();
        let values: Vec<f32> = values.iter().map(|value| value * factor).collect();
        let tensor = Tensor::from_values(vec![values.len()], &values);
        graph.initializers.insert(name, tensor);
    }
}

/// Multiplies what the head reads.
fn scale_features(graph: &mut Graph, factor: f32) {
    let head = Head::of(graph, None).unwrap();
    let features = head.features()[0].name.clone();
    let reader = graph
        .nodes
        .iter()
        .position(|node| node.inputs.contains(&features));
    let reader = reader.unwrap();
    graph
        .initializers
        .insert("factor".into(), Tensor::from_values(vec![], &[factor]));
    graph.nodes[reader].inputs[0] = "scaled features".into();
    let scale = Node::new("Mul", "scale", &[&features, "factor"], &["scaled features"]);
    graph.nodes.insert(reader, scale);
}

fn ends_with(graph: &mut Graph, op: &str) {
    let output = graph.outputs[0].name.clone();
    let last = graph
        .nodes
        .iter_mut()
        .find(|node| node.outputs.contains(&output))
        .unwrap();
    last.outputs[0] = "before the end".into();
    graph
        .nodes
        .push(Node::new(op, "end", &["before the end"], &[&output]));
}

/// Photographs, put where `place` says: a folder below the dataset's, or none.
fn arranged(place: impl Fn(usize, &str) -> Vec<String>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut classes: Vec<PathBuf> = fs::read_dir(photographs())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    classes.sort();
    let mut nth = 0;
    for class in classes {
        let name = class.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<PathBuf> = fs::read_dir(&class)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            for to in place(nth, &name) {
                let to = folder.path().join(to);
                fs::create_dir_all(&to).unwrap();
                fs::copy(
                    &file,
                    to.join(format!(
                        "{name} {}",
                        file.file_name().unwrap().to_str().unwrap()
                    )),
                )
                .unwrap();
            }
            nth += 1;
        }
    }
    folder
}

const CLASSES: [&str; 6] = [
    "bird",
    "flower",
    "fruit_veg",
    "household",
    "mammal",
    "vehicle",
];

const NO_AUGMENTATION: &str = "[augmentation]\ncrop_scale = [1, 1]\ncrop_ratio = [1, 1]\nflip = 0\n\
                               color_jitter = 0\n";

/// All mistakes, and the folders that their files lie in.
pub fn planted() -> (Vec<Planted>, Vec<TempDir>) {
    let models = Models {
        folder: tempfile::tempdir().unwrap(),
    };
    let fine = || backbone().to_path_buf();
    let few = |class: &'static str, keep: usize| {
        let kept = std::cell::Cell::new(0);
        arranged(move |_, name| match name {
            "mammal" => vec!["mammal".into()],
            name if name == class && kept.get() < keep => {
                kept.set(kept.get() + 1);
                vec![name.into()]
            }
            _ => Vec::new(),
        })
    };
    let uneven = few("vehicle", 14);
    let very_uneven = few("vehicle", 4);
    let part = |nth: usize| ["train", "train", "train", "val", "test"][nth % 5];
    let leaking = arranged(|nth, name| {
        let mut places = vec![format!("{}/{name}", part(nth))];
        if nth % 5 == 0 {
            places.push(format!("test/{name}"));
        }
        places
    });
    // 7 is prime to 6 and 5, so that labels have nothing to do with images.
    let nonsense = arranged(|nth, _| vec![CLASSES[nth * 7 % 6].into()]);
    let odd_val = arranged(|nth, name| match part(nth) {
        "val" => vec![format!("val/{}", CLASSES[nth * 7 % 6])],
        part => vec![format!("{part}/{name}")],
    });
    // Two of five training labels are another class's.
    let mislabelled = arranged(|nth, name| match (part(nth), nth % 25) {
        ("train", 0..10) => vec![format!("train/{}", CLASSES[nth * 7 % 6])],
        (part, _) => vec![format!("{part}/{name}")],
    });
    let contradicting = arranged(|nth, _| match nth % 22 {
        0 => CLASSES.iter().map(|&class| class.to_owned()).collect(),
        _ => Vec::new(),
    });
    let mut planted = Vec::new();
    let mut plant = |code, variant, data: &Path, backbone: PathBuf, recipe, flags| {
        planted.push(Planted {
            code,
            variant,
            data: data.to_path_buf(),
            backbone,
            recipe,
            flags,
        });
    };
    let tux = photographs();
    plant(
        "EF01",
        "a rate of 1e-9",
        &tux,
        fine(),
        "",
        &["--lr", "1e-9"],
    );
    plant(
        "EF01",
        "a rate of 1e-7",
        &tux,
        fine(),
        "",
        &["--lr", "1e-7"],
    );
    plant(
        "EF01",
        "every image in every class",
        contradicting.path(),
        fine(),
        "",
        &["--allow", "EF08"],
    );
    let training = models.planted("training.onnx", |graph| {
        let first = normalisations(graph)[0];
        let mode = Attribute::Int(1);
        graph.nodes[first] = graph.nodes[first].clone().with("training_mode", mode);
    });
    plant(
        "EF02",
        "a normalisation left in training mode",
        &tux,
        training,
        "",
        &[],
    );
    for (variant, op) in [
        ("a softmax at the end", "Softmax"),
        ("a sigmoid at the end", "Sigmoid"),
    ] {
        let model = models.planted(&format!("{op}.onnx"), |graph| ends_with(graph, op));
        plant("EF04", variant, &tux, model, "", &[]);
    }
    for (variant, nth, share) in [
        ("an early layer that is dead", 4, 1.0),
        ("a late layer that is dead", 40, 1.0),
        ("a layer with 70 % dead units", 30, 0.7),
        ("the last layer with 80 % dead units", 48, 0.8),
    ] {
        let model = models.planted(&format!("dead{nth}.onnx"), |graph| kill(graph, nth, share));
        plant("EF05", variant, &tux, model, "", &[]);
    }
    for name in ["imagenet", "unit", "raw"] {
        let flags: &'static [&'static str] = match name {
            "imagenet" => &["--preprocessing", "imagenet"],
            "unit" => &["--preprocessing", "unit"],
            _ => &["--preprocessing", "raw"],
        };
        plant("EF06", name, &tux, fine(), "", flags);
    }
    let bgr = models.planted("bgr.onnx", |graph| {
        let key = "edgefit.preprocessing".to_owned();
        let swapped = graph.metadata[&key].replace("rgb", "bgr");
        graph.metadata.insert(key, swapped);
    });
    plant("EF06", "blue and red swapped", &tux, bgr, "", &[]);
    let mute = models.planted("mute.onnx", |graph| graph.metadata.clear());
    plant("EF06", "a model that does not say", &tux, mute, "", &[]);
    let unweighted = "class_weighting = \"none\"\n";
    plant(
        "EF07",
        "41 to 8 without weighting",
        uneven.path(),
        fine(),
        unweighted,
        &[],
    );
    plant(
        "EF07",
        "41 to 2 without weighting",
        very_uneven.path(),
        fine(),
        unweighted,
        &[],
    );
    plant(
        "EF08",
        "copies of training images in test",
        leaking.path(),
        fine(),
        "",
        &[],
    );
    plant(
        "EF08",
        "labels that mean nothing",
        nonsense.path(),
        fine(),
        "",
        &[],
    );
    plant(
        "EF08",
        "labels of val that mean nothing",
        odd_val.path(),
        fine(),
        "",
        &[],
    );
    plant(
        "EF09",
        "labels that are partly wrong, learnt by heart",
        mislabelled.path(),
        fine(),
        "[probe]\nepochs = 150\npatience = 1000\nlearning_rate = 0.01\nlabel_smoothing = 0\n",
        &[],
    );
    plant(
        "EF10",
        "a rate of 1e-6, EF01 allowed",
        &tux,
        fine(),
        "",
        &["--lr", "1e-6", "--allow", "EF01"],
    );
    plant("EF10", "a rate of 1", &tux, fine(), "", &["--lr", "1"]);
    plant("EF10", "a rate of 100", &tux, fine(), "", &["--lr", "100"]);
    plant(
        "EF11",
        "a decay of 1000",
        &tux,
        fine(),
        "[probe]\nweight_decay = 1000\n",
        &[],
    );
    let zero = "head_bias = \"zero\"\nclass_weighting = \"none\"\n";
    plant(
        "EF12",
        "a bias of 0 on 41 to 8",
        uneven.path(),
        fine(),
        zero,
        &[],
    );
    plant(
        "EF13",
        "labels smoothed until nothing is left of them",
        &tux,
        fine(),
        "[probe]\nlabel_smoothing = 0.98\n",
        &[],
    );
    plant(
        "EF13",
        "events that cannot be written",
        &tux,
        fine(),
        "",
        &["events to /dev/full"],
    );
    plant("EF14", "a rate of 1e4", &tux, fine(), "", &["--lr", "1e4"]);
    let faint = models.planted("faint.onnx", |graph| scale_features(graph, 1e-7));
    plant(
        "EF14",
        "features a ten-millionth of what they were, EF01 allowed",
        &tux,
        faint,
        "",
        &["--allow", "EF01"],
    );
    let cut_off = models.planted("cut-off.onnx", |graph| shrink(graph, 44, 1e-7));
    plant(
        "EF14",
        "a branch whose end is scaled to nothing",
        &tux,
        cut_off,
        "[top]\nepochs = 3\n",
        &["--stages", "probe,top"],
    );
    plant(
        "EF15",
        "no augmentation",
        &tux,
        fine(),
        NO_AUGMENTATION,
        &[],
    );
    let strong = "[augmentation]\ncrop_scale = [0.01, 0.02]\nrotation = 180\ncolor_jitter = 1\nerasing = \
                  1\nrand_augment_ops = 5\nrand_augment_magnitude = 10\n";
    plant(
        "EF15",
        "augmentation past recognition",
        &tux,
        fine(),
        strong,
        &[],
    );
    plant(
        "EF16",
        "a constant rate",
        &tux,
        fine(),
        "[probe]\nschedule = \"constant\"\n",
        &[],
    );
    let late = "[probe]\npatience = 0\nepochs = 200\nlearning_rate = 0.03\nlabel_smoothing = 0\n";
    plant(
        "EF17",
        "five epochs for labels that are partly wrong",
        mislabelled.path(),
        fine(),
        "[probe]\nepochs = 5\n",
        &[],
    );
    plant(
        "EF18",
        "200 epochs without patience",
        &tux,
        fine(),
        late,
        &[],
    );
    let scratch = models.planted("scratch.onnx", from_scratch);
    plant(
        "EF19",
        "a backbone that was never trained",
        &tux,
        scratch,
        "",
        &["--allow", "EF10"],
    );
    plant(
        "EF19",
        "the head's rate on the backbone",
        &tux,
        fine(),
        "[top]\nbackbone_multiplier = 1.0\nepochs = 2\n",
        &["--stages", "probe,top"],
    );
    plant(
        "EF20",
        "a board that is too small",
        &tux,
        fine(),
        "",
        &["--device", "stm32h743"],
    );
    let folders = vec![
        models.folder,
        uneven,
        very_uneven,
        leaking,
        nonsense,
        odd_val,
        mislabelled,
        contradicting,
    ];
    (planted, folders)
}

/// Weights as a library makes them before training: He et al. 2015 for convolutions, normalisation
/// that does nothing.
fn from_scratch(graph: &mut Graph) {
    let mut state = 1u32;
    let mut uniform = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    for tensor in graph.initializers.values_mut() {
        let dims = tensor.dims().to_vec();
        if dims.len() > 1 {
            let inputs: usize = dims[1..].iter().product();
            let bound = (6.0 / inputs as f32).sqrt();
            let values: Vec<f32> = (0..dims.iter().product())
                .map(|_| bound * uniform())
                .collect();
            *tensor = Tensor::from_values(dims, &values);
        }
    }
    for index in normalisations(graph) {
        for (input, value) in [(1, 1f32), (2, 0.0), (3, 0.0), (4, 1.0)] {
            let name = graph.nodes[index].inputs[input].clone();
            let count = graph.initializers[&name].dims()[0];
            let tensor = Tensor::from_values(vec![count], &vec![value; count]);
            graph.initializers.insert(name, tensor);
        }
    }
}
