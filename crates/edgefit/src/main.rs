//! The `edgefit` command line.

mod cli;
mod commands;
mod human;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !edgefit::engine::contains_panics() {
            tell(panic);
        }
    }));
    let mut output = Output::new(cli.json);
    let result = match cli.command {
        Command::Demo(args) => commands::demo::run(args, &mut output),
        Command::Import(args) => commands::import::run(args, &mut output),
        Command::Inspect(args) => commands::inspect::run(args, &mut output),
        Command::Check(args) => commands::check::run(args, &mut output),
        Command::Train(args) => commands::train::run(args, &mut output),
        Command::Recipe(args) => commands::recipe::run(args, &mut output),
        Command::Explain(args) => commands::explain::run(args, &mut output),
        Command::Verify(args) => commands::verify::run(args, &mut output),
        Command::Device(args) => commands::device::run(args, &mut output),
        Command::Engine(args) => commands::engine::run(args, &mut output),
        Command::Bench(args) => commands::bench::run(args, &mut output),
        Command::BenchWorker(args) => commands::bench::worker::run(args),
        Command::RunModel(args) => commands::run_model::run(args, &mut output),
        Command::Plan(args) => commands::plan::run(args, &mut output),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            output.error(&error);
            ExitCode::from(2)
        }
    }
}
