//! The whole job, phase by phase: loaded → split → trained → exported → tested.

pub(crate) mod exported;
pub(crate) mod int8;
pub(crate) mod int8_done;
pub(crate) mod loaded;
pub(crate) mod lr_find;
pub(crate) mod session;
pub(crate) mod split;
pub(crate) mod stages;
pub(crate) mod stopped;
pub(crate) mod survey;
pub(crate) mod tested;
pub(crate) mod trained;
pub(crate) mod tuning;
pub(crate) mod validated;

use std::path::Path;

use crate::config::job::Job;
use crate::error::Result;
use crate::observer::Observer;
use crate::pipeline::exported::ExportedJob;
use crate::pipeline::loaded::{Features, LoadedJob};
use crate::pipeline::session::Session;
use crate::pipeline::split::SplitJob;
use crate::pipeline::stopped::report_stop;
use crate::run::checkpoint::Checkpoint;
use crate::run::folder::RunFolder;
use crate::run::manifest::{Anew, Begun, Manifest};
use crate::run::report::Report;

/// Runs the whole job: features, baselines, stages, export, test, parity, check, with the guards
/// looking on.
///
/// Predictions of memory presume that the heap is laid out as `edgefit_engine::malloc::keep_one_heap` sets
/// it; call that first.
///
/// # Errors
/// What is wrong with the inputs, with the place and the fix; [`Error::DoesNotFit`] before the
/// first step when the model cannot fit the device, [`Error::Memory`] when the training cannot fit
/// this machine, [`Error::Guard`] when a guard ends the training, and [`Error::Run`] when something
/// else is in the folder of the run, or another process writes into it.
///
/// [`Error::DoesNotFit`]: crate::Error::DoesNotFit
/// [`Error::Memory`]: crate::Error::Memory
/// [`Error::Guard`]: crate::Error::Guard
/// [`Error::Run`]: crate::Error::Run
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Report> {
    let (loaded, session) = begin(job, observer)?;
    finish(&loaded, session)
}

fn begin<'o>(job: &Job, observer: &'o mut dyn Observer) -> Result<(LoadedJob, Session<'o>)> {
    let run = RunFolder::claim(job)?;
    let loaded = LoadedJob::load(job, None, observer)?;
    run.begin(job)?;
    let mut session = Session {
        checkpoint: Checkpoint::default(),
        run,
        observer,
    };
    session.log_on_mlflow(job)?;
    Ok((loaded, session))
}

/// Goes on with a run that was killed or ended by the user.
///
/// The result is the one that the run would have had without the interruption.
///
/// # Errors
/// As [`train`], and [`Error::Run`](crate::Error::Run) if there is nothing to go on with, or the data,
/// the backbone or the settings are not those that the run began with.
pub fn resume(run: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let (loaded, session) = reopen(run, Anew::Forced, observer)?;
    finish(&loaded, session)
}

/// Opens the run in a folder again, where it stands.
fn reopen<'o>(
    run: &Path,
    anew: Anew,
    observer: &'o mut dyn Observer,
) -> Result<(LoadedJob, Session<'o>)> {
    let (job, checkpoint, run) = RunFolder::open(run)?;
    let version = env!("CARGO_PKG_VERSION");
    if run.origin.version != version {
        observer.warn(&format!(
            "{} was begun by edgefit {}, and this is {version}: its weights may not be what they would have been",
            run.folder().display(),
            run.origin.version
        ));
    }
    let manifest = Manifest::load(run.home())?;
    let begun = manifest.as_ref().map(|manifest| Begun {
        run: run.folder(),
        manifest,
        anew,
    });
    let loaded = LoadedJob::load(&job, begun, observer)?;
    let mut session = Session {
        checkpoint,
        run,
        observer,
    };
    session.log_on_mlflow(&job)?;
    Ok((loaded, session))
}

fn finish(loaded: &LoadedJob, mut session: Session) -> Result<Report> {
    let features = loaded.features(session.observer)?;
    let exported = exported(loaded, &features, &mut session)?;
    exported.test(&mut session)?.report(session)
}

/// Everything before the test samples are looked at.
fn exported<'a>(
    loaded: &'a LoadedJob,
    features: &'a Features,
    session: &mut Session,
) -> Result<ExportedJob<'a>> {
    let split = SplitJob::split(loaded, features)?;
    split.warn_of_absent(session.observer);
    split.record(&session.run)?;
    let trained = split.train(session);
    let trained = trained.map_err(|error| report_stop(error, loaded, session));
    let quantized = trained?.export(session)?.quantize(session);
    quantized.map_err(|error| report_stop(error, loaded, session))
}
