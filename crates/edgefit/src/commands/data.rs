//! `edgefit data`: a dataset before anything is trained; nothing is changed.

use std::path::Path;

use edgefit::data::{Card, Dataset, LabelDoubts};
use edgefit::fit::label_doubts;
use edgefit::report::data_page;
use edgefit::terminal::progress::{Bars, spinner};
use edgefit::terminal::{Outcome, Output, report};
use edgefit::train::Job;

use crate::cli::Data;
use crate::training::begin;

pub fn run(args: Data, output: &mut Output) -> anyhow::Result<Outcome> {
    args.html.ensure_place()?;
    let dataset = Dataset::open_as(&args.data, args.task)?;
    let spinner = spinner("reading samples");
    let mut card = Card::of(&dataset);
    drop(spinner);
    if let Some(backbone) = &args.backbone {
        card.label_doubts = Some(doubts(&args, backbone, output)?);
    }
    args.html.write_page(|| Ok(data_page(&card)?))?;
    output.result("edgefit.data/1", &card, || report::data(&card))?;
    Ok(Outcome::Yes)
}

/// Labels that the features of `backbone` doubt. The device and the folder of the job play no part.
fn doubts(args: &Data, backbone: &Path, output: &mut Output) -> anyhow::Result<LabelDoubts> {
    let device = edgefit::device::find("host")?;
    let job = Job {
        task: args.task,
        preprocessing: args.preprocessing,
        cache: begin(output)?.root().to_path_buf(),
        ..Job::new(&args.data, backbone, device, Path::new(""))
    };
    Ok(label_doubts(&job, &mut Bars::default())?)
}
