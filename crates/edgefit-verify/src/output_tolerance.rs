//! Tolerances of a model's outputs: what the user asks for, else what goes with their types.

use std::str::FromStr;

use edgefit_graph::{Graph, ValueInfo};

use crate::error::{Error, Result};
use crate::tolerance::Tolerance;

/// A tolerance that the user asks for, written as `[OUTPUT=]ATOL,RTOL`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputTolerance {
    /// Name of the output; all outputs, if not given.
    pub output: Option<String>,
    /// Share of the largest value, see [`Tolerance`].
    pub atol: f32,
    /// Share of the value itself.
    pub rtol: f32,
}

impl FromStr for OutputTolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (output, numbers) = match text.rsplit_once('=') {
            Some((output, numbers)) => (Some(output.to_owned()), numbers),
            None => (None, text),
        };
        let number = |text: &str| {
            let number = text.trim().parse::<f32>().ok();
            number.filter(|number| number.is_finite() && *number >= 0.0)
        };
        let both = numbers.split_once(',');
        let both = both.and_then(|(atol, rtol)| Some((number(atol)?, number(rtol)?)));
        let (atol, rtol) =
            both.ok_or("give two numbers that are not negative, such as 1e-4,1e-3")?;
        Ok(OutputTolerance { output, atol, rtol })
    }
}

/// The tolerance of each output of `graph`: the last of `given` for it, the last for all, or what goes
/// with its type.
///
/// # Errors
/// An output is named that the model does not have.
pub fn output_tolerances(graph: &Graph, given: &[OutputTolerance]) -> Result<Vec<Tolerance>> {
    let outputs = &graph.outputs;
    let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    for asked in given.iter().filter_map(|given| given.output.as_ref()) {
        if !names.contains(&asked.as_str()) {
            return Err(Error::invalid(format!(
                "--tolerance names '{asked}', and the model's outputs are {}",
                names.join(", ")
            )));
        }
    }
    let of = |output: &ValueInfo| {
        let own = given
            .iter()
            .rev()
            .find(|given| given.output.as_ref() == Some(&output.name));
        let all = given.iter().rev().find(|given| given.output.is_none());
        match own.or(all) {
            Some(given) => Tolerance {
                atol: given.atol,
                rtol: given.rtol,
                cosine: None,
                step: None,
                nan_is_nan: false,
            },
            None => Tolerance::of(graph, output),
        }
    };
    Ok(outputs.iter().map(of).collect())
}
