//! The protocol: the child greets, then answers each order; every message is one line of JSON.

use std::io::{BufRead, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::ChildError;
use crate::error::Error;

/// What a child says: its greeting, or the answer to an order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply<T> {
    /// What was asked for.
    Done(T),
    /// The library of the engine is not there; the reason.
    Missing(String),
    /// It was refused; why.
    Failed(String),
}

/// Why a child does not do what it was asked.
#[derive(Debug)]
pub enum Refusal {
    /// The library of the engine is not there; the reason.
    Missing(String),
    /// Anything else, in words.
    Failed(String),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::NoOnnxRuntime(missing) => Refusal::Missing(missing.reason),
            other => Refusal::Failed(other.to_string()),
        }
    }
}

/// Does the child's part until the orders end. `start` makes its state and its greeting; after a
/// refusal there it ends. `answer` does an order; after a refusal there it waits for the next.
///
/// ```
/// use edgefit_engine::child::{Refusal, serve};
///
/// let mut answers = Vec::new();
/// serve(
///     &b"2\n3\n"[..],
///     &mut answers,
///     || Ok((10, "ready")),
///     |sum: &mut i64, order: i64| {
///         *sum += order;
///         Ok(serde_json::json!(*sum))
///     },
/// )?;
/// let answers = String::from_utf8_lossy(&answers);
/// assert_eq!(answers, "{\"done\":\"ready\"}\n{\"done\":12}\n{\"done\":15}\n");
/// # Ok::<(), edgefit_engine::child::ChildError>(())
/// ```
///
/// # Errors
/// The parent is gone, or gives orders that are none.
pub fn serve<S, G: Serialize, O: DeserializeOwned>(
    orders: impl BufRead,
    mut answers: impl Write,
    start: impl FnOnce() -> Result<(S, G), Refusal>,
    mut answer: impl FnMut(&mut S, O) -> Result<serde_json::Value, Refusal>,
) -> Result<(), ChildError> {
    let mut state = match start() {
        Ok((state, greeting)) => {
            say(&mut answers, Ok(greeting))?;
            state
        }
        Err(refusal) => return say::<()>(&mut answers, Err(refusal)),
    };
    for line in orders.lines() {
        let line = line?;
        let order = serde_json::from_str(&line).map_err(|_| ChildError::Answer(line))?;
        say(&mut answers, answer(&mut state, order))?;
    }
    Ok(())
}

fn say<T: Serialize>(
    answers: &mut impl Write,
    answer: Result<T, Refusal>,
) -> Result<(), ChildError> {
    let reply = match answer {
        Ok(answer) => Reply::Done(answer),
        Err(Refusal::Missing(reason)) => Reply::Missing(reason),
        Err(Refusal::Failed(words)) => Reply::Failed(words),
    };
    serde_json::to_writer(&mut *answers, &reply).map_err(std::io::Error::from)?;
    writeln!(answers)?;
    Ok(answers.flush()?)
}
