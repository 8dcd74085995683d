//! Requests to an MLflow tracking server.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Response, StatusCode};

/// The experiment that runs belong to, unless `MLFLOW_EXPERIMENT_NAME` names another.
const EXPERIMENT: &str = "edgefit";

/// Longest time for a request; of one that sends a file, for each write and for all the rest but [`STORING`].
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest time for the answer to a file that was sent: the server may pass it on to an object store first.
const STORING: Duration = Duration::from_mins(5);

/// The server.
pub(super) struct Client {
    agent: Agent,
    server: String,
    /// Longest time for the answer to a file.
    storing: Duration,
    /// Value of the header `Authorization`.
    authorization: Option<String>,
}

impl Client {
    pub fn new(server: &str) -> Self {
        Client::with_patience(server, PATIENCE, STORING)
    }

    fn with_patience(server: &str, patience: Duration, storing: Duration) -> Self {
        let patience = Some(patience);
        let config = Agent::config_builder()
            .timeout_global(patience)
            .timeout_resolve(patience)
            .timeout_connect(patience)
            .timeout_per_write(patience)
            .timeout_recv_response(patience)
            .timeout_recv_body(patience)
            .http_status_as_error(false);
        Client {
            agent: config.build().into(),
            server: server.trim_end_matches('/').to_owned(),
            storing,
            authorization: authorization(|name| std::env::var(name).ok()),
        }
    }

    /// The experiment of the runs, which is made where there is none.
    pub fn experiment(&self) -> Result<String, String> {
        let named = std::env::var("MLFLOW_EXPERIMENT_NAME").ok();
        let name = named.as_deref().unwrap_or(EXPERIMENT);
        let request = self.agent.get(self.url("experiments/get-by-name"));
        let request = request.query("experiment_name", name);
        let mut response = self
            .authorized(request)
            .call()
            .map_err(|e| self.failed(&e))?;
        let found = match response.status() {
            StatusCode::NOT_FOUND => {
                self.post("experiments/create", &json!({"name": name}))?["experiment_id"].clone()
            }
            _ => self.answer(&mut response)?["experiment"]["experiment_id"].clone(),
        };
        let id = found.as_str().map(str::to_owned);
        id.ok_or_else(|| format!("{} is no MLflow tracking server", self.server))
    }

    pub fn post(&self, method: &str, body: &Value) -> Result<Value, String> {
        let request = self.authorized(self.agent.post(self.url(method)));
        let mut response = request.send_json(body).map_err(|e| self.failed(&e))?;
        self.answer(&mut response)
    }

    pub fn put(&self, method: &str, path: &Path) -> Result<(), String> {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let request = self.authorized(self.agent.put(self.url(method)));
        // A file takes as long as it takes, while bytes flow.
        let config = request.config().timeout_global(None);
        let request = config.timeout_recv_response(Some(self.storing)).build();
        let mut response = request.send(file).map_err(|e| self.failed(&e))?;
        self.answer(&mut response).map(drop)
    }

    fn url(&self, method: &str) -> String {
        format!("{}/api/2.0/{}{method}", self.server, prefix(method))
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    fn failed(&self, error: &ureq::Error) -> String {
        format!("{} does not answer ({error})", self.server)
    }

    /// What the server says; an error in its words.
    fn answer(&self, response: &mut Response<ureq::Body>) -> Result<Value, String> {
        let status = response.status();
        let text = response.body_mut().read_to_string();
        let text = text.map_err(|error| self.failed(&error))?;
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(told);
        }
        let why = told["message"].as_str().unwrap_or_default();
        Err(format!("{} refuses with {status} {why}", self.server))
    }
}

/// MLflow's methods but those of files lie in a namespace of their own.
fn prefix(method: &str) -> &'static str {
    if method.starts_with("mlflow-artifacts/") {
        ""
    } else {
        "mlflow/"
    }
}

/// As MLflow's own clients have it.
fn authorization(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    if let Some(token) = variable("MLFLOW_TRACKING_TOKEN") {
        return Some(format!("Bearer {token}"));
    }
    let user = variable("MLFLOW_TRACKING_USERNAME")?;
    let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
    Some(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_file_is_not_sent_for_ever_to_a_server_that_does_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        // Little is taken before anyone accepts it, and much is not.
        for bytes in [1, 32 << 20] {
            let silent = TcpListener::bind("127.0.0.1:0").unwrap();
            let file = folder.path().join("model.onnx");
            std::fs::write(&file, vec![0u8; bytes]).unwrap();
            let server = format!("http://{}", silent.local_addr().unwrap());
            let patience = Duration::from_millis(200);
            let client = Client::with_patience(&server, patience, patience);
            let problem = client.put("mlflow-artifacts/artifacts/model.onnx", &file);
            let problem = problem.unwrap_err();
            assert!(problem.contains("does not answer"), "{problem}");
        }
    }

    #[test]
    fn the_answer_to_a_file_may_come_later_than_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.onnx");
        std::fs::write(&file, "weights").unwrap();
        let slow = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", slow.local_addr().unwrap());
        let storing = std::thread::spawn(move || {
            let (mut stream, _) = slow.accept().unwrap();
            std::thread::sleep(Duration::from_millis(1500));
            let taken = stream.read(&mut [0; 4096]).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.write_all(answer).unwrap();
            taken
        });
        let (short, long) = (Duration::from_millis(500), Duration::from_secs(60));
        let client = Client::with_patience(&server, short, long);
        let sent = client.put("mlflow-artifacts/artifacts/model.onnx", &file);
        assert_eq!(sent, Ok(()));
        assert!(storing.join().unwrap() > 0);
    }

    #[test]
    fn tokens_come_before_passwords() {
        let of = |known: &[(&str, &str)]| {
            authorization(|name| {
                let mut known = known.iter();
                known
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), None);
        let user = [
            ("MLFLOW_TRACKING_USERNAME", "Aladdin"),
            ("MLFLOW_TRACKING_PASSWORD", "open sesame"),
        ];
        // RFC 7617, section 2.
        assert_eq!(
            of(&[user[0], user[1]]).unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(
            of(&[user[0], ("MLFLOW_TRACKING_TOKEN", "t")]).unwrap(),
            "Bearer t"
        );
    }
}
