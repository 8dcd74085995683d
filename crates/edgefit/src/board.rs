//! The board of `--remote`: connecting to it, with a spinner.

use edgefit::assets::Cache;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::remote::{Library, Options, RemoteRunner};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::{ConnectionSteps, Output};

use crate::cli;

/// Connects to the board that was named, if one was, and sees that a runner runs there.
pub fn connect(args: &cli::Remote, output: &mut Output) -> anyhow::Result<Option<RemoteRunner>> {
    let Some(host) = &args.remote else {
        return Ok(None);
    };
    let options = Options {
        ssh: args.ssh.clone(),
        host: host.clone(),
        runner: args.runner.clone(),
        runners: Cache::of_user()?.root().join("runners"),
        library: args.onnxruntime.clone().map(|file| Library {
            file,
            variable: LIBRARY_VARIABLE.to_owned(),
        }),
    };
    let mut spinner = spinner(&format!("connecting to {host}"));
    let mut steps = ConnectionSteps {
        spinner: &mut spinner,
        output,
    };
    Ok(Some(RemoteRunner::connect(&options, &mut steps)?))
}
