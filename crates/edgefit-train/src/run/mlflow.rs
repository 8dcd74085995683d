//! A run on an MLflow tracking server, by its REST interface (mlflow.org/docs/latest/rest-api.html).

mod client;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::recipe::Recipe;
use crate::run::report::Report;
use crate::stages::training::epoch::Epoch;
use client::Client;

/// Name of the file that says which of the server's runs it is.
pub(crate) const NAME: &str = "mlflow.json";

/// Name and version of that document.
pub(crate) const SCHEMA: &str = "edgefit.mlflow/1";

/// Least time from one batch of figures to the next.
const SEND_EVERY: Duration = Duration::from_secs(1);

/// Most parameters that a request may hold.
const MOST_PARAMETERS: usize = 100;

/// Most figures that a request may hold.
const MOST_METRICS: usize = 1000;

/// Most bytes of a parameter's value.
const LONGEST_VALUE: usize = 6000;

/// Which run of which server it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    server: String,
    experiment_id: String,
    run_id: String,
    /// Where its files lie; the server takes those of `mlflow-artifacts:`.
    artifact_uri: String,
}

/// How a run ended, in MLflow's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Finished,
    Failed,
    /// The user ended it.
    Killed,
}

/// Reads the address of a tracking server. The run keeps it, so it may hold no password.
///
/// # Errors
/// It is no address, or holds one.
pub fn mlflow_address(text: &str) -> Result<String, String> {
    if text.contains('@') {
        return Err(
            "must hold no password, since the run keeps it; set MLFLOW_TRACKING_USERNAME and \
             MLFLOW_TRACKING_PASSWORD"
                .into(),
        );
    }
    let is_address = ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|host| !host.is_empty())
    });
    let address = is_address.then(|| text.to_owned());
    address.ok_or_else(|| "must be an address such as http://localhost:5000".into())
}

/// A run on a server. Where the server fails, nothing more is sent, and [`Mlflow::problem`] says why.
pub(crate) struct Mlflow {
    client: Client,
    place: Place,
    waiting: Vec<Value>,
    sent: Instant,
    epochs: u64,
    is_over: bool,
    problem: Option<String>,
}

/// What a run is called and how it is set up.
pub(crate) struct Setup<'a> {
    pub name: String,
    pub data: &'a Path,
    pub backbone: &'a Path,
    pub device: &'a str,
    pub recipe: &'a Recipe,
}

impl Mlflow {
    /// A new run on the server at the address `server`.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn begin(server: &str, setup: &Setup) -> Result<Self, String> {
        let client = Client::new(server);
        let experiment_id = client.experiment()?;
        let created = client.post(
            "runs/create",
            &json!({
                "experiment_id": experiment_id,
                "run_name": setup.name,
                "start_time": now(),
                "tags": [
                    {"key": "mlflow.source.name", "value": "edgefit"},
                    {"key": "mlflow.source.type", "value": "LOCAL"},
                    {"key": "edgefit.version", "value": env!("CARGO_PKG_VERSION")},
                ],
            }),
        )?;
        let info = &created["run"]["info"];
        let text = |field: &str| -> Result<String, String> {
            let text = info[field].as_str().map(str::to_owned);
            text.ok_or_else(|| format!("{server} made a run without {field}"))
        };
        let place = Place {
            server: server.to_owned(),
            experiment_id,
            run_id: text("run_id")?,
            artifact_uri: text("artifact_uri")?,
        };
        let run = Mlflow::of(client, place);
        for parameters in parameters(setup).chunks(MOST_PARAMETERS) {
            run.log(&json!({"params": parameters}))?;
        }
        Ok(run)
    }

    /// A run that was begun before, `epochs` of which were sent.
    ///
    /// # Errors
    /// As [`Mlflow::begin`].
    pub fn resume(place: Place, epochs: u64) -> Result<Self, String> {
        let mut run = Mlflow::of(Client::new(&place.server), place);
        run.epochs = epochs;
        run.update(&json!({"status": "RUNNING"}))?;
        Ok(run)
    }

    fn of(client: Client, place: Place) -> Self {
        Mlflow {
            client,
            place,
            waiting: Vec::new(),
            sent: Instant::now(),
            epochs: 0,
            is_over: false,
            problem: None,
        }
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Why nothing more is sent.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The figures of an epoch; steps count the epochs of all stages.
    pub fn epoch(&mut self, epoch: &Epoch) {
        self.epochs += 1;
        let figures = [
            ("train_loss", Some(epoch.train_loss)),
            ("val_loss", Some(epoch.val_loss)),
            ("train_accuracy", epoch.train_accuracy),
            ("val_accuracy", epoch.val_accuracy),
            ("learning_rate", Some(epoch.learning_rate)),
        ];
        let step = self.epochs;
        let of = |(key, value): (&str, Option<f64>)| Some(metric(key, value?, step));
        self.waiting.extend(figures.into_iter().filter_map(of));
        if self.sent.elapsed() > SEND_EVERY {
            self.flush();
        }
    }

    /// Sends what waits.
    pub fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for metrics in waiting.chunks(MOST_METRICS) {
            self.attempt(|run| run.log(&json!({"metrics": metrics})));
        }
        self.sent = Instant::now();
    }

    /// Ends the run: figures of its report, and `files`, each by its name.
    pub fn end(&mut self, ended: Ended, report: Option<&Report>, files: &[&Path]) {
        let step = self.epochs;
        let figures = report.map(figures).unwrap_or_default();
        let figures = figures.iter().map(|(key, value)| metric(key, *value, step));
        self.waiting.extend(figures);
        self.flush();
        let status = match ended {
            Ended::Finished => "FINISHED",
            Ended::Failed => "FAILED",
            Ended::Killed => "KILLED",
        };
        self.attempt(|run| run.update(&json!({"status": status, "end_time": now()})));
        for file in files {
            self.attempt(|run| run.upload(file));
        }
        self.is_over = true;
    }

    /// Does something unless something failed before.
    fn attempt(&mut self, request: impl FnOnce(&Self) -> Result<(), String>) {
        if self.problem.is_none() {
            self.problem = request(self).err();
        }
    }

    fn log(&self, what: &Value) -> Result<(), String> {
        self.of_run("runs/log-batch", what)
    }

    fn update(&self, what: &Value) -> Result<(), String> {
        self.of_run("runs/update", what)
    }

    fn of_run(&self, method: &str, what: &Value) -> Result<(), String> {
        let mut body = what.clone();
        body["run_id"] = json!(self.place.run_id);
        self.client.post(method, &body).map(drop)
    }

    /// Sends a file to a server that keeps files; others leave that to their clients.
    fn upload(&self, file: &Path) -> Result<(), String> {
        let uri = &self.place.artifact_uri;
        let Some(folder) = uri.strip_prefix("mlflow-artifacts:") else {
            return Err(format!(
                "{} keeps no files itself (they would lie at {uri}); start it with --artifacts-destination",
                self.place.server
            ));
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let folder = folder.trim_matches('/');
        self.client
            .put(&format!("mlflow-artifacts/artifacts/{folder}/{name}"), file)
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(Ended::Failed, None, &[]);
        }
    }
}

fn metric(key: &str, value: f64, step: u64) -> Value {
    // JSON has no words for these; MLflow takes them as text.
    let value = match value {
        value if value.is_finite() => json!(value),
        value if value.is_nan() => json!("NaN"),
        value if value > 0.0 => json!("Infinity"),
        _ => json!("-Infinity"),
    };
    json!({"key": key, "value": value, "step": step, "timestamp": now()})
}

/// Data, backbone, device and every setting of the recipe.
fn parameters(setup: &Setup) -> Vec<Value> {
    let mut all = vec![
        ("data".to_owned(), setup.data.display().to_string()),
        ("backbone".to_owned(), setup.backbone.display().to_string()),
        ("device".to_owned(), setup.device.to_owned()),
    ];
    // By way of the text, so that no number of 32 bits gets the digits of one of 64.
    let recipe = serde_json::to_string(setup.recipe).unwrap_or_default();
    let recipe = serde_json::from_str(&recipe).unwrap_or_default();
    leaves("", &recipe, &mut |name, value| {
        let text = value.as_str().map(str::to_owned);
        all.push((name.to_owned(), text.unwrap_or_else(|| value.to_string())));
    });
    let cut = |value: String| {
        let end = value.floor_char_boundary(LONGEST_VALUE);
        value[..end].to_owned()
    };
    let all = all.into_iter();
    all.map(|(key, value)| json!({"key": key, "value": cut(value)}))
        .collect()
}

/// Figures of the validation and the test samples that are single numbers.
fn figures(report: &Report) -> Vec<(String, f64)> {
    let mut all = Vec::new();
    let int8 = report.int8.as_ref();
    let int8 = int8.and_then(|int8| int8.test_metrics.as_ref());
    let parts = [
        ("val", Some(&report.val)),
        ("test", Some(&report.test)),
        ("test_int8", int8),
    ];
    for (part, metrics) in parts {
        let metrics = serde_json::to_value(metrics).unwrap_or_default();
        let numbers = metrics.as_object().into_iter().flatten();
        all.extend(
            numbers.filter_map(|(name, value)| Some((format!("{part}/{name}"), value.as_f64()?))),
        );
    }
    all
}

/// Calls `each` with the path and the value of whatever is no table in `value`.
fn leaves(path: &str, value: &Value, each: &mut impl FnMut(&str, &Value)) {
    let Value::Object(fields) = value else {
        each(path, value);
        return;
    };
    for (name, value) in fields {
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        leaves(&path, value, each);
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_by_their_path() {
        let setup = Setup {
            name: "a".into(),
            data: "photos".as_ref(),
            backbone: "b.onnx".as_ref(),
            device: "host",
            recipe: &Recipe::default(),
        };
        let all = parameters(&setup);
        let value = |key: &str| {
            let found = all.iter().find(|one| one["key"] == key);
            found.map(|one| one["value"].as_str().unwrap().to_owned())
        };
        assert_eq!(value("data").as_deref(), Some("photos"));
        let rate: f64 = value("probe.learning_rate").unwrap().parse().unwrap();
        assert_eq!(rate, Recipe::default().probe.learning_rate);
    }

    #[test]
    fn what_is_not_finite_is_a_word() {
        assert_eq!(metric("a", f64::NAN, 1)["value"], "NaN");
        assert_eq!(metric("a", f64::NEG_INFINITY, 1)["value"], "-Infinity");
        assert_eq!(metric("a", 0.5, 1)["value"], 0.5);
    }
}
