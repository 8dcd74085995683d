//! Models on the command line: an ONNX file, or the folder of a run.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

/// The name of a run's model in its folder.
const OF_RUN: &str = "model.onnx";

/// Reads the path of a model; that of a folder stands for the model of the run in it.
pub fn model() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(of_run)
}

fn of_run(path: PathBuf) -> Result<PathBuf, String> {
    if !path.is_dir() {
        return Ok(path);
    }
    let model = path.join(OF_RUN);
    if model.is_file() {
        Ok(model)
    } else if path.join("job.json").is_file() {
        Err(format!(
            "it is the folder of a run that has no model yet; go on with `edgefit train --resume {}`",
            path.display()
        ))
    } else {
        Err(format!(
            "it is a folder without a {OF_RUN}; give an ONNX file, or the folder of a run of `edgefit train`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stands_for_its_model() {
        let folder = tempfile::tempdir().unwrap();
        let of_folder = || of_run(folder.path().to_path_buf());
        assert!(of_folder().unwrap_err().contains("without a model.onnx"));
        std::fs::write(folder.path().join("job.json"), "{}").unwrap();
        assert!(of_folder().unwrap_err().contains("--resume"));
        let model = folder.path().join(OF_RUN);
        std::fs::write(&model, "").unwrap();
        assert_eq!(of_folder().unwrap(), model);
        let absent = folder.path().join("absent.onnx");
        assert_eq!(of_run(absent.clone()).unwrap(), absent);
    }
}
