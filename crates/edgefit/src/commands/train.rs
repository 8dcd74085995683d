//! `edgefit train`.

use edgefit::terminal::progress::Bars;
use edgefit::terminal::{Outcome, Output, present_run, report};
use edgefit::train::{Job, SCHEMA, resume, train};

use crate::cli::Train;
use crate::training::{Places, begin, job, report_of};

pub fn run(args: Train, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = begin(output)?;
    let report = match args {
        Train {
            data: Some(data),
            backbone: Some(backbone),
            device: Some(device),
            output: Some(run),
            preprocessing,
            fitting,
            ..
        } => {
            let job = Job {
                preprocessing,
                ..job(
                    fitting,
                    &cache,
                    Places {
                        data,
                        backbone,
                        device: edgefit::device::find(&device)?,
                        run,
                    },
                )?
            };
            let made = train(&job, &mut Bars::default());
            report_of(made, &job.backbone, output)?
        }
        Train {
            resume: Some(run), ..
        } => {
            let made = resume(&run, &mut Bars::default());
            report_of(made, &run, output)?
        }
        _ => anyhow::bail!("give DATA, --backbone, --device and --output, or --resume"),
    };
    let Some(report) = report else {
        return Ok(Outcome::No);
    };
    present_run(&report.run, output);
    output.result(SCHEMA, &report, || {
        format!(
            "{}\n{}",
            report::training(&report),
            report::check(&report.check)
        )
    })?;
    Ok(report.succeeded().into())
}
