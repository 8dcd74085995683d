//! The `edgefit` command line.

mod board;
#[cfg(feature = "train")]
mod c_project;
mod cli;
mod commands;
#[cfg(feature = "train")]
mod html;
#[cfg(feature = "train")]
mod tflite_file;
#[cfg(feature = "train")]
mod training;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use edgefit::terminal::{Format, Output};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    edgefit::base::panics::report_in_one_line();
    // What `check` predicts of the memory of a process presumes it.
    edgefit::engine::malloc::return_memory_after_loading();
    let mut output = Output::new(if cli.json {
        Format::Json
    } else {
        Format::HumanReadable
    });
    let result = match cli.command {
        #[cfg(feature = "train")]
        Command::Train(command) => train(command, &mut output),
        Command::Inspect(args) => commands::inspect::run(args, &mut output),
        Command::Check(args) => commands::check::run(args, &mut output),
        Command::Device(args) => commands::device::run(args, &mut output),
        Command::Engine(args) => commands::engine::run(args, &mut output),
        Command::Bench(args) => commands::bench::run(args, &mut output),
        Command::Predict(args) => commands::predict::run(args, &mut output),
        Command::BenchSession(args) => commands::bench::session::run(args, &mut output),
        Command::BenchWorker(args) => commands::bench::worker::run(args),
        Command::RunModel(args) => commands::run_model::run(args, &mut output),
        Command::Plan(args) => commands::plan::run(args, &mut output),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            output.error(error.as_ref());
            ExitCode::from(2)
        }
    }
}

/// Says in one line what is wrong with the arguments, or shows the help that was asked for.
fn refuse(error: &clap::Error) -> ExitCode {
    match cli::refusal::one_line(error) {
        Some(line) => {
            Output::new(Format::HumanReadable).error(anyhow::anyhow!(line).as_ref());
            ExitCode::from(2)
        }
        None => {
            let _ = error.print();
            ExitCode::from(u8::from(error.use_stderr()) * 2)
        }
    }
}

#[cfg(feature = "train")]
fn train(
    command: cli::TrainCommand,
    output: &mut Output,
) -> anyhow::Result<edgefit::terminal::Outcome> {
    use cli::TrainCommand;
    let trains = matches!(
        command,
        TrainCommand::Demo(_)
            | TrainCommand::Train(_)
            | TrainCommand::Fit(_)
            | TrainCommand::LrFind(_)
    );
    if trains {
        // Before threads are started.
        edgefit::engine::malloc::keep_one_heap();
    }
    match command {
        TrainCommand::Demo(args) => commands::demo::run(args, output),
        TrainCommand::Data(args) => commands::data::run(args, output),
        TrainCommand::Import(args) => commands::import::run(args, output),
        TrainCommand::Train(args) => commands::train::run(args, output),
        TrainCommand::Fit(args) => commands::fit::run(args, output),
        TrainCommand::LrFind(args) => commands::lr_find::run(args, output),
        TrainCommand::Recipe(args) => commands::recipe::run(args, output),
        TrainCommand::Report(args) => commands::report::run(args, output),
        TrainCommand::Runs(args) => commands::runs::run(args, output),
        TrainCommand::Explain(args) => commands::explain::run(args, output),
        TrainCommand::Quantize(args) => commands::quantize::run(args, output),
        TrainCommand::Export(args) => commands::export::run(args, output),
        TrainCommand::Prune(args) => commands::prune::run(args, output),
        TrainCommand::Scheme(args) => commands::scheme::run(args, output),
        TrainCommand::Verify(args) => commands::verify::run(args, output),
        TrainCommand::EngineWorker(args) => commands::verify::worker::run(args),
        TrainCommand::LiteRtWorker(args) => commands::verify::worker::run_litert(args),
    }
}
