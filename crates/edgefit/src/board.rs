//! The board of `--remote`: connecting to it, with a spinner.

use edgefit::assets::Cache;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::remote::{Library, Observer, Options, RemoteRunner};
use indicatif::ProgressBar;

use crate::cli;
use crate::output::Output;
use crate::progress::spinner;

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
    let spinner = spinner(&format!("connecting to {host}"));
    let mut steps = Steps {
        spinner: &spinner,
        output,
    };
    let remote = RemoteRunner::connect(&options, &mut steps)?;
    spinner.finish_and_clear();
    Ok(Some(remote))
}

struct Steps<'a> {
    spinner: &'a ProgressBar,
    output: &'a mut Output,
}

impl Observer for Steps<'_> {
    fn step(&mut self, what: &str) {
        self.spinner.set_message(what.to_owned());
    }

    fn warn(&mut self, warning: &str) {
        self.output.warn(warning);
    }
}

impl Observer for Output {
    fn warn(&mut self, warning: &str) {
        Output::warn(self, warning);
    }
}
