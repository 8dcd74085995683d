//! One search for several devices: a choice for each, and one front of all.

use std::path::{Path, PathBuf};

use edgefit_train::Observer;
use serde::Serialize;

use crate::candidate::{Candidate, front};
use crate::error::{Error, Result};
use crate::job::FitJob;
use crate::report::Report;
use crate::search::search;
use crate::search_folder::{begin_each, begun_each, finished, take_back_each};

/// What a search for several devices found.
#[derive(Debug, Serialize)]
pub struct DevicesReport {
    /// Folder of the search, with a folder for each device.
    pub run: PathBuf,
    /// What was found for each, in the order of the devices.
    pub devices: Vec<Choice>,
    /// The networks that some device holds, of which no other takes less RAM and flash and is as accurate, by
    /// RAM.
    pub front: Vec<Shared>,
    /// Whether the user ended the search.
    pub interrupted: bool,
}

/// What was found for one device.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Choice {
    /// The most accurate network that it holds.
    Found(Box<Report>),
    /// That it holds none.
    NothingFits {
        /// Name of the device.
        device: String,
        /// `null` in the document.
        chosen: (),
        /// The network that comes nearest.
        nearest: Box<Candidate>,
    },
}

/// A network, and the devices that hold it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// The network as the device with the least RAM holds it; without a time, which is another on each.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Names of the devices.
    pub devices: Vec<String>,
}

impl DevicesReport {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.fit-devices/1";

    /// Whether each device got a network, and the search came to its end.
    pub fn is_done(&self) -> bool {
        !self.interrupted && self.devices.iter().all(Choice::is_found)
    }
}

impl Choice {
    fn is_found(&self) -> bool {
        matches!(self, Choice::Found(_))
    }
}

/// Searches for each of `jobs`, whose runs are folders in `run`, one after the other. What they compute alike,
/// such as the features of a backbone, is computed once.
///
/// # Errors
/// As [`fit`](crate::fit), but for a device that holds nothing: the others are searched for all the same.
pub fn fit_each(run: &Path, jobs: &[FitJob], observer: &mut dyn Observer) -> Result<DevicesReport> {
    let jobs = begin_each(run, jobs)?;
    let found = search_each(run, &jobs, observer);
    let is_in_vain = match &found {
        Ok(found) => !found.interrupted && !found.devices.iter().any(Choice::is_found),
        Err(error) => !error.ends_search(),
    };
    if is_in_vain {
        take_back_each(run, &jobs);
    }
    found
}

/// Goes on with a search for several devices: those whose search came to its end are not searched for again.
///
/// # Errors
/// As [`fit_each`], and [`Error::Run`] where no such search is in the folder.
pub fn resume_each(run: &Path, observer: &mut dyn Observer) -> Result<DevicesReport> {
    search_each(run, &begun_each(run)?, observer)
}

fn search_each(run: &Path, jobs: &[FitJob], observer: &mut dyn Observer) -> Result<DevicesReport> {
    let mut devices = Vec::new();
    for job in jobs {
        if observer.stop() {
            break;
        }
        let device = job.target.profile.name.clone();
        let mut observer = ForDevice {
            device: &device,
            observer: &mut *observer,
        };
        let found = match finished(job)? {
            Some(report) => Ok(report),
            None => search(job, &mut observer),
        };
        devices.push(match found {
            Ok(report) => Choice::Found(Box::new(report)),
            Err(Error::NothingFits(nearest)) => Choice::NothingFits {
                device,
                chosen: (),
                nearest,
            },
            Err(Error::Interrupted(_)) => break,
            Err(error) => return Err(error),
        });
    }
    if devices.is_empty() {
        return Err(Error::Interrupted(run.to_path_buf()));
    }
    let reports = devices.iter().filter_map(|choice| match choice {
        Choice::Found(report) => Some(&**report),
        Choice::NothingFits { .. } => None,
    });
    let interrupted =
        devices.len() < jobs.len() || reports.clone().any(|report| report.results.interrupted);
    Ok(DevicesReport {
        run: run.to_path_buf(),
        front: shared_front(reports),
        devices,
        interrupted,
    })
}

/// Says which device a search is for.
struct ForDevice<'a> {
    device: &'a str,
    observer: &'a mut dyn Observer,
}

impl Observer for ForDevice<'_> {
    fn begin(&mut self, what: &str, total: u64) {
        self.observer
            .begin(&format!("{}: {what}", self.device), total);
    }

    fn progress(&mut self, done: u64, how: &str) {
        self.observer.progress(done, how);
    }

    fn end(&mut self) {
        self.observer.end();
    }

    fn warn(&mut self, message: &str) {
        self.observer.warn(&format!("{}: {message}", self.device));
    }

    fn stop(&self) -> bool {
        self.observer.stop()
    }
}

/// The front of all candidates, with the devices that hold each.
fn shared_front<'a>(reports: impl Iterator<Item = &'a Report>) -> Vec<Shared> {
    let mut all: Vec<Shared> = Vec::new();
    for report in reports {
        let results = &report.results;
        let fitting = results.candidates.iter();
        let fitting = fitting.filter(|one| one.footprint.fits);
        for candidate in fitting {
            let mut candidate = candidate.clone();
            candidate.footprint.latency_ns = None;
            let device = results.device.clone();
            match all.iter_mut().find(|one| one.candidate.is_same(&candidate)) {
                Some(known) => {
                    known.devices.push(device);
                    // It may have been trained for one device alone, and take less RAM where that is short.
                    let footprint = &mut known.candidate.footprint;
                    if candidate.footprint.ram_bytes < footprint.ram_bytes {
                        *footprint = candidate.footprint.clone();
                    }
                    if known.candidate.basis < candidate.basis {
                        let footprint = known.candidate.footprint.clone();
                        known.candidate = Candidate {
                            footprint,
                            ..candidate
                        };
                    }
                }
                None => all.push(Shared {
                    candidate,
                    devices: vec![device],
                }),
            }
        }
    }
    let candidates: Vec<Candidate> = all.iter().map(|one| one.candidate.clone()).collect();
    let front = front(&candidates).into_iter();
    let of = |candidate| all.iter().find(|one| one.candidate == candidate).cloned();
    front.filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::quiet::tests::Stopping;

    #[test]
    fn a_search_that_is_ended_before_the_first_network_says_how_to_go_on_with_all() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("both");
        let jobs = [job(&run.join("stm32h743"))];
        let ended = fit_each(&run, &jobs, &mut Stopping).unwrap_err();
        assert!(matches!(&ended, Error::Interrupted(path) if *path == run));
        assert!(ended.to_string().contains("--resume"), "{ended}");
        assert!(run.join("fit-devices.json").exists());
    }
}
