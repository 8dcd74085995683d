use std::path::Path;

use edgefit_guards::Finding;
use edgefit_guards::ef13_monitoring::{Records, check_records};
use serde_json::Value;

use crate::error::Result;

/// Metrics that every epoch has, whatever is learnt.
const METRICS: [&str; 2] = ["train_loss", "val_loss"];

/// Reads the events of a run back, of which `epochs` should be of an epoch (EF13).
///
/// # Errors
/// The file cannot be read.
pub(crate) fn records(path: &Path, epochs: usize) -> Result<Finding> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|source| edgefit_data::Error::Read {
            path: path.to_path_buf(),
            source,
        })?,
    };
    let lines = bytes.split(|&byte| byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let events: Vec<Option<Value>> = lines
        .map(|line| serde_json::from_slice(line).ok())
        .collect();
    let read = events.iter().flatten();
    let of_epochs: Vec<&Value> = read.filter(|event| event["event"] == "epoch").collect();
    let mut missing: Vec<String> = of_epochs
        .iter()
        .flat_map(|event| {
            let (stage, epoch) = (event["stage"].as_str(), &event["epoch"]);
            let gone = METRICS.iter().filter(|metric| !epoch[**metric].is_number());
            gone.map(move |metric| {
                let stage = stage.unwrap_or_default();
                format!("{metric} of epoch {} of {stage}", epoch["epoch"])
            })
        })
        .collect();
    let whole = events.iter().all(Option::is_some) && !events.is_empty();
    if whole && of_epochs.len() < epochs {
        missing.push(format!("{} of {epochs} epochs", epochs - of_epochs.len()));
    }
    Ok(check_records(&Records {
        missing,
        events: events.len(),
        unreadable: events.iter().filter(|event| event.is_none()).count(),
    }))
}

#[cfg(test)]
mod tests {
    use edgefit_guards::Status;

    use super::*;

    fn found(text: &str, epochs: usize) -> (Status, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let finding = records(file.path(), epochs).unwrap();
        (finding.status, finding.message)
    }

    #[test]
    fn what_is_not_there_is_named() {
        let epoch = r#"{"event":"epoch","stage":"probe","epoch":{"epoch":1,"train_loss":0.5,"val_loss":0.4}}"#;
        assert_eq!(found(&format!("{epoch}\n"), 1).0, Status::Pass);
        for (text, epochs, expected) in [
            (String::new(), 1, "no event"),
            (
                format!("{epoch}\n{{\"event\""),
                1,
                "1 of 2 events cannot be read",
            ),
            (format!("{epoch}\n"), 2, "1 of 2 epochs"),
            (
                epoch.replace("0.4", "null"),
                1,
                "val_loss of epoch 1 of probe",
            ),
        ] {
            let (status, message) = found(&text, epochs);
            assert_eq!(status, Status::Failed);
            assert!(message.contains(expected), "{message}");
        }
        let absent = records(Path::new("no/such/events"), 1).unwrap();
        assert_eq!(absent.status, Status::Failed);
    }
}
