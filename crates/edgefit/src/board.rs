//! The board of `--remote`: connecting to it, with a spinner.

use edgefit::assets::Cache;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::remote::{Library, Observer, Options, RemoteRunner};
use edgefit::terminal::progress::{Spinner, spinner};

use crate::cli;
use crate::output::Output;

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
    let mut steps = Steps {
        spinner: &mut spinner,
        output,
    };
    Ok(Some(RemoteRunner::connect(&options, &mut steps)?))
}

struct Steps<'a> {
    spinner: &'a mut Spinner,
    output: &'a mut Output,
}

impl Observer for Steps<'_> {
    fn step(&mut self, what: &str) {
        self.spinner.tell(what);
    }

    fn warn(&mut self, warning: &str) {
        let Steps { spinner, output } = self;
        spinner.suspend(|| output.warn(warning));
    }
}

impl Observer for Output {
    fn warn(&mut self, warning: &str) {
        Output::warn(self, warning);
    }
}
