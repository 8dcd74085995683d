//! Recordings of sensors, and small backbones that were trained on half of them.

use std::fs;
use std::path::{Path, PathBuf};

use edgefit::assets;
use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::npz::{self, Values};
use crate::common::{cache, command, run};

/// A set of recordings.
#[derive(Clone, Copy)]
pub enum Set {
    /// 80 of a smart watch, 6 channels of 100 values, 4 movements.
    BasicMotions,
    /// 200 of a hand, 150 values, 2 movements.
    GunPoint,
    /// 1,096 of a country's demand for power, 24 values, summer and winter.
    ItalyPowerDemand,
}

/// Every other recording.
#[derive(Clone, Copy)]
pub enum Half {
    First,
    Second,
}

impl Set {
    pub fn name(self) -> &'static str {
        match self {
            Set::BasicMotions => "BasicMotions",
            Set::GunPoint => "GunPoint",
            Set::ItalyPowerDemand => "ItalyPowerDemand",
        }
    }

    /// Channels and values of a recording.
    fn dims(self) -> [usize; 2] {
        match self {
            Set::BasicMotions => [6, 100],
            Set::GunPoint => [1, 150],
            Set::ItalyPowerDemand => [1, 24],
        }
    }

    /// All recordings, each with the name of its class.
    fn recordings(self) -> Vec<(Vec<f32>, String)> {
        let folder = assets::sensor_recordings(&cache()).unwrap();
        let lines = ["TRAIN", "TEST"].map(|part| {
            let path = folder.join(format!("{}_{part}.ts", self.name()));
            let text = fs::read_to_string(path).unwrap();
            let (_, data) = text.split_once("@data").unwrap();
            data.trim().lines().map(str::to_owned).collect::<Vec<_>>()
        });
        let read = |line: &String| {
            let (values, class) = line.rsplit_once(':').unwrap();
            let values = values
                .split([':', ','])
                .map(|value| value.trim().parse().unwrap());
            (values.collect(), class.trim().to_owned())
        };
        lines.concat().iter().map(read).collect()
    }
}

/// Writes every other recording of each class as an `.npz` file.
pub fn save(set: Set, half: Half, path: &Path) {
    let all = set.recordings();
    let mut classes: Vec<&String> = all.iter().map(|(_, class)| class).collect();
    classes.sort();
    classes.dedup();
    let mut seen = vec![0; classes.len()];
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    for (values, class) in &all {
        let class = classes.binary_search(&class).unwrap();
        seen[class] += 1;
        if (seen[class] % 2 == 1) == matches!(half, Half::First) {
            rows.push(values.clone());
            labels.push(class as i64);
        }
    }
    let [channels, length] = set.dims();
    let (count, x) = (rows.len(), Values::Floats(rows.concat()));
    let y = Values::Integers(labels);
    npz::save(
        path,
        &[("x", &[count, channels, length], x), ("y", &[count], y)],
    );
}

/// A backbone that was trained on the first half of a set, made in `folder` when it is first asked for.
pub fn backbone(set: Set, folder: &Path) -> PathBuf {
    let out = folder.join(set.name());
    let path = out.join("model.onnx");
    if !path.exists() {
        let untrained = folder.join(format!("{}-untrained.onnx", set.name()));
        network(set.dims()).save(&untrained).unwrap();
        let data = folder.join(format!("{}.npz", set.name()));
        save(set, Half::First, &data);
        let recipe = folder.join("whole.toml");
        let whole = "learning_rate_search = false\n[full]\nepochs = 150\npatience = 40\n\
                     learning_rate = 3e-3\nbackbone_multiplier = 1.0\ndepth_decay = 1.0\n\
                     normalization = \"batch\"\n";
        fs::write(&recipe, whole).unwrap();
        let mut train = command();
        train
            .arg("train")
            .arg(data)
            .arg("--backbone")
            .arg(untrained);
        train.args(["--device", "raspberry-pi-4b", "--stages", "full"]);
        train.args(["--allow", "EF01,EF08,EF10,EF17,EF19", "--recipe"]);
        let ran = run(train.arg(recipe).arg("-o").arg(&out));
        assert!(path.exists(), "{ran:?}");
    }
    path
}

/// Three convolutions along time with weights as PyTorch draws them, each normalised, and a head.
fn network([channels, length]: [usize; 2]) -> Graph {
    let mut graph = Graph::new("sensor", 17);
    let batch_of = |dims: &[usize]| {
        let sample = dims.iter().copied().map(Dim::Known);
        let batch = std::iter::once(Dim::Symbol("batch".into()));
        batch.chain(sample).collect::<Vec<_>>()
    };
    let input = ValueInfo::f32("x", batch_of(&[channels, length]));
    graph.inputs.push(input);
    graph.outputs.push(ValueInfo::f32("y", batch_of(&[8])));
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut last = "x".to_owned();
    let layers = [(channels, 32, 7, 1), (32, 64, 5, 2), (64, 64, 3, 2)];
    for (layer, (from, to, kernel, stride)) in layers.into_iter().enumerate() {
        let [weight, conv, norm, relu] =
            ["weight", "conv", "norm", "relu"].map(|part| format!("{part}{layer}"));
        draw(&mut graph, &weight, &[to, from, kernel], &mut rng);
        let figures = [1f32, 0.0, 0.0, 1.0].map(|value| vec![value; to]);
        let names = ["scale", "shift", "mean", "variance"].map(|part| format!("{part}{layer}"));
        for (name, values) in names.iter().zip(figures) {
            let tensor = Tensor::from_values(vec![to], &values);
            graph.initializers.insert(name.clone(), tensor);
        }
        let side = kernel as i64 / 2;
        let [scale, shift, mean, variance] = &names;
        let normal = [&conv, scale, shift, mean, variance].map(String::as_str);
        graph.nodes.extend([
            Node::new("Conv", &conv, &[&last, &weight], &[&conv])
                .with("strides", Attribute::Ints(vec![stride]))
                .with("pads", Attribute::Ints(vec![side, side])),
            Node::new("BatchNormalization", &norm, &normal, &[&norm]),
            Node::new("Relu", &relu, &[&norm], &[&relu]),
        ]);
        last = relu;
    }
    draw(&mut graph, "fc.weight", &[8, 64], &mut rng);
    let bias = Tensor::from_values(vec![8], &[0f32; 8]);
    graph.initializers.insert("fc.bias".into(), bias);
    let transposed = Attribute::Int(1);
    graph.nodes.extend([
        Node::new("GlobalAveragePool", "pool", &[&last], &["pooled"]),
        Node::new("Flatten", "flat", &["pooled"], &["features"]),
        Node::new("Gemm", "fc", &["features", "fc.weight", "fc.bias"], &["y"])
            .with("transB", transposed),
    ]);
    graph
}

/// A weight of U(±1/√inputs).
fn draw(graph: &mut Graph, name: &str, dims: &[usize], rng: &mut ChaCha8Rng) {
    let inputs: usize = dims[1..].iter().product();
    let most = 1.0 / (inputs as f32).sqrt();
    let count: usize = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.random_range(-most..most)).collect();
    let tensor = Tensor::from_values(dims.to_vec(), &values);
    graph.initializers.insert(name.into(), tensor);
}
