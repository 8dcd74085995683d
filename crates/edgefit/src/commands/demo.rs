//! `edgefit demo`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use edgefit::assets::{self, Cache};
use edgefit::base::file::create_folder;
use edgefit::cost;
use edgefit::device;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use edgefit::import::{Architecture, Checkpoint, Choices};
use edgefit::terminal::progress::{Bars, end_well_on_ctrl_c, spinner};
use edgefit::terminal::{Outcome, Output, present_run, report};
use edgefit::train::{Job, Report, SCHEMA};
use serde::Serialize;

use super::{discover, in_file};
use crate::cli::Demo;
use crate::training::{Places, job, report_of};

const ARCH: &str = "efficientnet-lite0";

/// The board that the demo trains for.
const DEVICE: &str = "raspberry-pi-4b";

/// The boards that the result is checked against at the end, from the largest to the smallest.
const BOARDS: [&str; 8] = [
    "host",
    "jetson-orin-nano",
    "n100-mini-pc",
    "raspberry-pi-5",
    DEVICE,
    "raspberry-pi-zero-2w",
    "stm32h743",
    "esp32-s3",
];

#[derive(Serialize)]
struct Demonstrated {
    #[serde(flatten)]
    report: Report,
    boards: Vec<cost::Check>,
}

pub fn run(args: Demo, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = Cache::of_user()?;
    // Before anything is fetched.
    edgefit::train::check_place(&args.output, args.fitting.existing())?;
    onnxruntime(&cache, output);
    let data = match args.data {
        Some(data) => data,
        None => fetch("the Tux Paint photographs (GPL-2, 161 MB)", || {
            assets::tux_paint_photographs(&cache)
        })
        .map_err(or(
            "go on with --data DIR, a folder of class folders with your own images",
        ))?,
    };
    create_folder(&args.output)?;
    let backbone = match args.backbone {
        Some(backbone) => backbone,
        None => import(&cache, &args.output.join("backbone.onnx"))?,
    };

    let device = device::find(DEVICE)?;
    let job = Job {
        preprocessing: args.preprocessing,
        ..job(
            args.fitting,
            &cache,
            Places {
                data,
                backbone,
                device,
                run: args.output,
            },
        )?
    };
    end_well_on_ctrl_c()?;
    let made = edgefit::train::train(&job, &mut Bars::default());
    let Some(report) = report_of(made, &job.backbone, output)? else {
        return Ok(Outcome::No);
    };
    present_run(&report.run, output);
    let boards = boards(&report.exported.path)?;
    let succeeded = report.succeeded();
    let demonstrated = Demonstrated { report, boards };
    output.result(SCHEMA, &demonstrated, || {
        format!(
            "{}\n{}\n{}",
            report::training(&demonstrated.report),
            report::boards(&demonstrated.boards),
            report::next_commands(&demonstrated.report, DEVICE)
        )
    })?;
    Ok(succeeded.into())
}

/// Fetches ONNX Runtime unless it is there, or the user named a library.
fn onnxruntime(cache: &Cache, output: &mut Output) {
    let named = std::env::var_os(LIBRARY_VARIABLE).is_some();
    let installed = cache.onnxruntime_folder().is_dir();
    if !named && !installed {
        let fetched = fetch("ONNX Runtime (MIT, 17 MB)", || assets::onnxruntime(cache));
        if let Err(error) = fetched {
            output.warn(&format!("{error:#}"));
        }
    }
    if let Err(missing) = discover(cache) {
        output.warn(&format!("{missing}; going on with tract"));
    }
}

fn import(cache: &Cache, path: &Path) -> anyhow::Result<PathBuf> {
    let weights = fetch("the EfficientNet-Lite0 weights (Apache-2.0, 17 MB)", || {
        assets::efficientnet_lite0(cache)
    })
    .map_err(or(
        "go on with --backbone FILE, an ONNX classifier of your own",
    ))?;
    let arch = Architecture::named(ARCH).context("the demo's architecture is not built in")?;
    let imported = arch
        .import(&Checkpoint::open(weights)?, &Choices::default())?
        .graph;
    if std::fs::read(path).is_ok_and(|found| found != imported.to_bytes()) {
        anyhow::bail!(
            "{} is another model than the demo's; choose another place with -o",
            path.display()
        );
    }
    imported.save(path)?;
    Ok(path.to_path_buf())
}

/// Says after an error how to go on.
fn or(fix: &str) -> impl Fn(anyhow::Error) -> anyhow::Error {
    move |error| anyhow::anyhow!("{error:#}; {fix}")
}

fn fetch<T>(what: &str, get: impl FnOnce() -> assets::Result<T>) -> anyhow::Result<T> {
    let _spinner = spinner(&format!("fetching {what}"));
    Ok(get()?)
}

/// The verdict of some well-known boards and of this machine.
fn boards(model: &Path) -> anyhow::Result<Vec<cost::Check>> {
    let graph = Graph::load(model)?;
    let shapes = InputShapes::bind(&graph, 1, None).map_err(in_file(model))?;
    BOARDS
        .into_iter()
        .map(|name| {
            let profile = device::find(name)?;
            let request = cost::Request::new(&profile);
            cost::check(&graph, &shapes, &request).map_err(in_file(model))
        })
        .collect()
}
