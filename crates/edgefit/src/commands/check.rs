//! `check`: whether a model fits a device.

mod measure;
mod trial;

use edgefit::base::file::ensure_place;
use edgefit::cost::latency::{self, ClassLatency, Layer};
use edgefit::cost::{self, Backbone, Limits, Request, Verdict};
use edgefit::device;
use edgefit::graph::infer::infer;
use edgefit::import::Architecture;
use edgefit::terminal::report;
use serde::Serialize;

use self::trial::Model;
use super::{draw, in_file, load};
use crate::board;
use crate::cli::Check;
use crate::output::{Outcome, Output};

/// Networks to put in the place of one that is too large, from the most accurate on ImageNet.
const BACKBONES: [&str; 4] = [
    "mobilenet-v3-large",
    "mobilenet-v2",
    "mobilenet-v3-small",
    "squeezenet1-1",
];

#[derive(Serialize)]
struct Checked {
    #[serde(flatten)]
    check: cost::Check,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Layer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<ClassLatency>>,
}

pub fn run(args: Check, output: &mut Output) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        args.measure || args.remote.remote.is_none(),
        "on a board a model is measured; give --measure with --remote"
    );
    args.plan.as_deref().map_or(Ok(()), ensure_place)?;
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let mut remote = board::connect(&args.remote, output)?;
    let mut profile = match (&args.device, &remote) {
        (Some(name), _) => device::find(name)?,
        (None, None) => device::host()?,
        (None, Some(remote)) => measure::board(remote, output)?,
    };
    let limited = args.ram.or(args.flash).or(args.latency).is_some();
    if args.device.is_none() && limited {
        // Only the limits are asked for.
        profile.banks.clear();
    }
    let mut request = Request::new(&profile);
    if let Some(engine) = &args.engine {
        request = request.with_engine(engine)?;
    }
    request.threads = args.threads.unwrap_or(request.threads);
    request.limits = Limits {
        ram_bytes: args.ram,
        flash_bytes: args.flash,
        latency_ns: args.latency,
    };
    let architectures = BACKBONES.into_iter().filter_map(Architecture::named);
    request.backbones = architectures
        .map(|architecture| Backbone {
            name: architecture.name,
            build: Box::new(|classes| architecture.blank(classes)),
        })
        .collect();
    let model = Model {
        path: &args.model,
        graph: &graph,
        shapes: &shapes,
    };
    if args.measure {
        match measure::measure(model, &request, &mut remote, output)? {
            measure::Outcome::Measured(measured) => request.measured = Some(measured),
            measure::Outcome::Refused(trial) => request.trials.push(trial),
        }
    } else {
        request.trials = trial::trials(model, &request)?;
    }
    let check = cost::check(&graph, &shapes, &request).map_err(in_file(&args.model))?;
    if let Some(svg) = &args.plan {
        draw(svg, &check.plan.to_svg())?;
    }
    let (layers, classes) = if args.layers {
        let inference = infer(&graph, &shapes).map_err(in_file(&args.model))?;
        (
            Some(latency::layers(&graph, &inference, &check.layers)),
            Some(latency::by_class(&check.layers)),
        )
    } else {
        (None, None)
    };
    let checked = Checked {
        check,
        layers,
        classes,
    };
    output.result("edgefit.check/1", &checked, || {
        let mut text = report::check(&checked.check);
        if let (Some(layers), Some(classes)) = (&checked.layers, &checked.classes) {
            text.push('\n');
            text.push_str(&report::layers(layers, classes));
        }
        text
    })?;
    let fits = match checked.check.verdict {
        Verdict::Fits => true,
        Verdict::Unknown => !args.strict && !checked.check.fits_if.is_empty(),
        Verdict::DoesNotFit => false,
    };
    Ok(fits.into())
}
