//! What goes with an exported model to whoever uses it without edgefit: a description, and a script that
//! runs it.

use std::path::Path;

use askama::Template;
use edgefit_base::file::write_text;
use edgefit_base::units::format;
use edgefit_graph::preprocessing::{ChannelOrder, Fit, Layout};
use edgefit_graph::{Graph, Preprocessing, StandardScaler, Task};

use crate::document::{Metrics, Training};
use crate::error::{Error, Result};
use crate::run::{self, Outcome};
use crate::words::{self, file_name, percents, shown};

/// Name of the description.
pub const DESCRIPTION: &str = "README.md";

/// Name of the script.
pub const SCRIPT: &str = "infer.py";

/// Classes that a description names.
const MOST_CLASSES: usize = 200;

/// Writes the description of the model of the run in `folder`, and the script that runs it, both from what
/// the model itself says. A run that a guard ended has none, and gets neither.
///
/// # Errors
/// There is no run that came to an end, its model cannot be read, or a file cannot be written.
pub fn hand_over(folder: &Path) -> Result<()> {
    let report = match run::outcome(folder)? {
        Outcome::Finished(report) => *report,
        Outcome::Stopped(_) => return Ok(()),
    };
    let path = folder.join("model.onnx");
    let graph = Graph::load(&path).map_err(|error| Error::run(&path, error.to_string()))?;
    let input = Input::of(&graph).map_err(|error| Error::run(&path, error.to_string()))?;
    let script = Script::of(&input, report.task, Outputs::of(&graph)).render()?;
    let description = Description::of(&report, &input).render()?;
    for (name, text) in [(DESCRIPTION, description), (SCRIPT, script)] {
        // The templates' engine leaves the last line without its end.
        write_text(&folder.join(name), &format!("{}\n", text.trim_end()))?;
    }
    Ok(())
}

/// What a model wants.
enum Input {
    /// An image.
    Image(Preprocessing),
    /// An array, standardised where the model does not do that itself.
    Array(Option<StandardScaler>),
}

impl Input {
    fn of(graph: &Graph) -> edgefit_graph::Result<Self> {
        Ok(match Preprocessing::of(graph)? {
            Some(preprocessing) => Input::Image(preprocessing),
            None => Input::Array(StandardScaler::of(graph)?),
        })
    }

    /// What is done to a sample before the model sees it, in order.
    fn steps(&self) -> Vec<String> {
        match self {
            Input::Image(preprocessing) => preprocessing.steps(),
            Input::Array(Some(scaler)) => vec![
                format!("a sample is an array of the shape {:?}", scaler.dims),
                "each channel becomes (value − mean) / std, which `edgefit.scaler` in the metadata holds"
                    .to_owned(),
            ],
            Input::Array(None) => vec!["the values go in as they are".to_owned()],
        }
    }
}

/// What a classifier answers with.
#[derive(Clone, Copy)]
enum Outputs {
    Probabilities,
    Logits,
}

impl Outputs {
    fn of(graph: &Graph) -> Self {
        let mut value = graph.outputs.first().map(|output| output.name.as_str());
        // A node reads only what nodes before it make.
        for node in graph.nodes.iter().rev() {
            if !node.present_outputs().any(|made| Some(made) == value) {
                continue;
            }
            match node.op.as_str() {
                "Identity" => value = node.input(0),
                "Softmax" => return Outputs::Probabilities,
                _ => break,
            }
        }
        Outputs::Logits
    }
}

/// The script. Names that others chose are read from the model when it runs, and never stand in it.
#[derive(Template)]
#[template(path = "infer.py", escape = "none")]
struct Script {
    task: Task,
    /// The probability of the likeliest class, of the outputs `y`.
    probability: &'static str,
    image: Option<ImageScript>,
    has_scaler: bool,
}

/// How the script prepares an image.
struct ImageScript {
    width: u32,
    height: u32,
    /// Share of the image that is kept; `None` for all of it.
    fraction: Option<f64>,
    /// What is done to the channels.
    channels: &'static str,
    mean: String,
    std: String,
    /// How the values are arranged.
    arranged: &'static str,
}

impl Script {
    fn of(input: &Input, task: Task, outputs: Outputs) -> Self {
        let probability = match outputs {
            Outputs::Probabilities => "y.max()",
            Outputs::Logits => "1 / np.exp(y - y.max()).sum()",
        };
        let Input::Image(of) = input else {
            return Script {
                task,
                probability,
                image: None,
                has_scaler: matches!(input, Input::Array(Some(_))),
            };
        };
        let grey = of.channel_order == ChannelOrder::Grey;
        let kept = if grey { 1 } else { 3 };
        Script {
            task,
            probability,
            has_scaler: false,
            image: Some(ImageScript {
                width: of.width,
                height: of.height,
                fraction: match of.fit {
                    Fit::Crop { fraction } => Some(fraction),
                    Fit::Stretch => None,
                },
                channels: match of.channel_order {
                    ChannelOrder::Rgb => "",
                    ChannelOrder::Bgr => "[..., ::-1]",
                    ChannelOrder::Grey => "[..., None]",
                },
                mean: format!("{:?}", &of.mean[..kept]),
                std: format!("{:?}", &of.std[..kept]),
                arranged: match of.layout {
                    Layout::ChannelsFirst => ".transpose(2, 0, 1)[None]",
                    Layout::ChannelsLast => "[None]",
                },
            }),
        }
    }

    fn is_grey(&self) -> bool {
        self.image
            .as_ref()
            .is_some_and(|image| image.channels == "[..., None]")
    }
}

/// The description.
#[derive(Template)]
#[template(path = "model.md", escape = "none")]
struct Description {
    what: String,
    backbone: String,
    started: String,
    version: String,
    sha256: String,
    score: String,
    samples: usize,
    baseline: Option<String>,
    device: String,
    noun: &'static str,
    classes: Vec<String>,
    left_out: usize,
    steps: Vec<String>,
    is_image: bool,
    has_int8: bool,
    raised: Vec<String>,
    interrupted: bool,
}

impl Description {
    fn of(report: &Training, input: &Input) -> Self {
        let count = report.classes.len();
        let (what, noun) = match report.task {
            Task::Classes => (
                format!("tells which of {count} classes a sample is of"),
                "Classes",
            ),
            Task::MultiLabel => (
                format!("tells which of {count} labels a sample has"),
                "Labels",
            ),
            Task::Regression => (format!("predicts {count} numbers of a sample"), "Targets"),
        };
        let baseline = report.best_baseline().map(|best| {
            let (score, _) = best.test.score();
            format!("{} ({})", written(score, &report.test), code(&best.name))
        });
        let (score, interval) = report.test.score();
        let interval = match report.test {
            Metrics::Regression(_) => interval.map(|end| format!("{end:.3}")).join(" – "),
            _ => percents(interval),
        };
        let backbone = file_name(&report.origin.backbone);
        let engine = report
            .check
            .engine
            .as_deref()
            .map_or(String::new(), |engine| format!(" with {}", code(engine)));
        Description {
            what,
            backbone: code(&backbone),
            started: report.origin.started.clone(),
            version: report.origin.version.clone(),
            sha256: report.exported.sha256.clone(),
            score: format!(
                "{} (95 % interval {interval})",
                written(score, &report.test)
            ),
            samples: report.test.samples(),
            baseline,
            device: format!(
                "{}{engine}: {}",
                code(&report.check.device),
                report.check.words()
            ),
            noun,
            classes: report
                .classes
                .iter()
                .take(MOST_CLASSES)
                .map(|name| code(name))
                .collect(),
            left_out: count.saturating_sub(MOST_CLASSES),
            steps: input.steps(),
            is_image: matches!(input, Input::Image(_)),
            has_int8: report.int8.is_some(),
            raised: report
                .raised()
                .map(|found| format!("{}: {}", found.code, as_code(&words::text(&found.message))))
                .collect(),
            interrupted: report.interrupted,
        }
    }
}

fn written(score: f64, metrics: &Metrics) -> String {
    match metrics {
        Metrics::Classification(_) => format!("accuracy {}", format::percent(score)),
        Metrics::MultiLabel(_) => format!("all labels right of {}", format::percent(score)),
        Metrics::Regression(_) => format!("R² {score:.3}"),
    }
}

/// A name from outside as code.
fn code(name: &str) -> String {
    as_code(&shown(name))
}

/// A line as code, in which Markdown means nothing.
fn as_code(line: &str) -> String {
    if line.trim().is_empty() {
        return "`–`".to_owned();
    }
    format!("`{}`", line.replace('`', "'"))
}

#[cfg(test)]
mod tests;
