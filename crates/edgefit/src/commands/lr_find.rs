//! `edgefit lr-find`.

use std::path::PathBuf;

use edgefit::terminal::progress::Bars;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};
use edgefit::train::{self, Job, StageName};

use crate::cli;
use crate::training::{Places, begin, placed, set_up};

const SCHEMA: &str = "edgefit.lr_find/1";

pub fn run(args: cli::LrFind, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = begin(output)?;
    // Nothing is exported, so that it is this machine alone that has to run the model.
    let device = edgefit::device::find("host")?;
    let nowhere = PathBuf::new();
    let mut stages = vec![StageName::Probe, args.stage];
    stages.dedup();
    let job = Job {
        engine: args.frozen.engine,
        preprocessing: args.preprocessing,
        stages,
        ..set_up(
            args.setup,
            &cache,
            Places {
                data: args.data,
                backbone: args.backbone,
                device,
                run: nowhere,
            },
        )?
    };
    let found = train::lr_find(&job, &mut Bars::default());
    let found = found.map_err(|error| placed(error, &job.backbone))?;
    output.result(SCHEMA, &found, || report::learning_rates(&found))?;
    Ok(Outcome::Yes)
}
