//! `check`: whether a model fits a device.

#[cfg(feature = "train")]
mod link;

use edgefit::base::file::{ensure_place, write_text};
use edgefit::bench::{MeasuredModel, ModelFile, Place, measure, trials};
use edgefit::cost::latency::{self, ClassLatency, Layer};
use edgefit::cost::{self, Backbone, Commands, Request, Trial, Verdict};
use edgefit::device::{self, Profile};
use edgefit::graph::Graph;
use edgefit::graph::infer::{infer, infers_for_several_alone};
use edgefit::import::Architecture;
use edgefit::remote::RemoteRunner;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};
use serde::Serialize;

use super::{in_file, load, own_program};
use crate::board;
use crate::cli::{Check, Shape};

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
    #[cfg(feature = "train")]
    #[serde(skip_serializing_if = "Option::is_none")]
    not_linked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Layer>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<Vec<ClassLatency>>,
}

pub fn run(args: Check, output: &mut Output) -> anyhow::Result<Outcome> {
    #[cfg(feature = "train")]
    if args.linking.link {
        anyhow::ensure!(
            args.html.html.is_none(),
            "--html shows what is planned, and --link what the linker says; leave one of them out"
        );
        return link::run(&args, output);
    }
    anyhow::ensure!(
        args.measure || args.remote.remote.is_none(),
        "on a board a model is measured; give --measure with --remote"
    );
    args.plan.as_deref().map_or(Ok(()), ensure_place)?;
    #[cfg(feature = "train")]
    args.html.ensure_place()?;
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let mut remote = board::connect(&args.remote, output)?;
    let mut profile = match (&args.device, &remote) {
        (Some(name), _) => device::find(name)?,
        (None, None) => device::host()?,
        (None, Some(remote)) => described(remote, output)?,
    };
    let limited = args
        .limits
        .ram
        .or(args.limits.flash)
        .or(args.limits.latency)
        .is_some();
    if args.device.is_none() && limited {
        // Only the limits are asked for.
        profile.banks.clear();
    }
    let mut request = Request::new(&profile);
    if let Some(engine) = &args.engine {
        request = request.with_engine(engine)?;
    }
    request.threads = args.threads.unwrap_or(request.threads);
    request.limits = (&args.limits).into();
    let architectures = BACKBONES.into_iter().filter_map(Architecture::named);
    request.backbones = architectures
        .map(|architecture| Backbone {
            name: architecture.name,
            build: Box::new(|classes| architecture.blank(classes)),
        })
        .collect();
    let commands = Commands {
        model: &args.model,
        device: args.device.as_deref(),
        limits: request.limits,
    };
    request.quantize = Some(commands.quantize());
    request.search = commands.search();
    let model = ModelFile {
        path: &args.model,
        graph: &graph,
        shapes: &shapes,
    };
    if args.measure {
        let found = measured(model, &request, remote.as_mut(), output)?;
        (request.measured, request.trials) = (found.measured, vec![found.trial]);
    } else {
        request.trials = tried(model, &request)?;
        #[cfg(feature = "train")]
        request
            .trials
            .extend(edgefit::micro::lowering_tried(&graph, &shapes, &request));
    }
    let checked = cost::check(&graph, &shapes, &request)
        .map_err(|error| anyhow::anyhow!("{error}{}", other_batch(&graph, &args.shape)));
    let check = checked.map_err(in_file(&args.model))?;
    #[cfg(feature = "train")]
    let check = {
        let mut check = check;
        edgefit::micro::judge_lowered(&mut check, (&graph, &shapes), &request);
        check
    };
    if let Some(svg) = &args.plan {
        write_text(svg, &check.plan.to_svg())?;
    }
    #[cfg(feature = "train")]
    args.html.write_page(|| {
        let name = args.model.display().to_string();
        Ok(edgefit::report::check_page(edgefit::report::Checked {
            name: &name,
            graph: &graph,
            shapes: &shapes,
            profile: request.profile,
            check: &check,
        })?)
    })?;
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
        #[cfg(feature = "train")]
        not_linked: edgefit::micro::not_linked(&check, &profile),
        check,
        layers,
        classes,
    };
    output.result("edgefit.check/1", &checked, || {
        let mut text = report::check(&checked.check);
        #[cfg(feature = "train")]
        if let Some(words) = &checked.not_linked {
            text.push_str(&format!("\nnot linked: {words}"));
        }
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

/// The board, as it describes itself.
fn described(remote: &RemoteRunner, output: &mut Output) -> anyhow::Result<Profile> {
    let shown: Profile = remote.ask(&["device", "show", "host"], "edgefit.device/1", output)?;
    Ok(Profile {
        name: remote.host().to_string(),
        ..shown
    })
}

/// Measures the model on the board, or else here.
fn measured(
    model: ModelFile,
    request: &Request,
    remote: Option<&mut RemoteRunner>,
    output: &mut Output,
) -> anyhow::Result<MeasuredModel> {
    let _spinner = spinner("measuring");
    Ok(match remote {
        Some(remote) => measure(model, request, Place::Board(remote, output))?,
        None => measure(model, request, Place::Here(&own_program()?))?,
    })
}

/// Tries the model in engines of this machine.
fn tried(model: ModelFile, request: &Request) -> anyhow::Result<Vec<Trial>> {
    let mut shown = None;
    trials(model, request, &mut |engine| {
        drop(shown.take());
        shown = Some(spinner(&format!("trying it in {engine}")));
        own_program()
    })
}

/// What to say of a model that is refused for one sample, where it can be computed for two.
fn other_batch(graph: &Graph, shape: &Shape) -> &'static str {
    let is_one = shape.batch == 1 && shape.input_shape.is_none();
    if is_one && infers_for_several_alone(graph) {
        "; it can be computed for more samples than one: --batch 2"
    } else {
        ""
    }
}
