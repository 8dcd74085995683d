//! All networks of a search: what each takes of the device, and of those that fit, how well their features
//! tell the classes apart. One run of a backbone over the samples scores all depths of a resolution.

use std::path::Path;

use edgefit_base::units::format;
use edgefit_graph::preprocessing::{Fit, Layout};
use edgefit_graph::{Graph, ImageInput};
use edgefit_train::{Job, Observer, Preparation, Survey, SurveyedBackbone};
use rayon::prelude::*;

use crate::depth::{Depth, Feature, depths, network, pooled};
use crate::error::{Error, Result};
use crate::job::FitJob;
use crate::linear_probe::{folds, score};
use crate::network::Network;
use crate::quiet::Quiet;
use crate::target::Target;

/// Input sides that are tried below a backbone's own: what networks are built for, halved five times at
/// most (strides of 32).
const SIDES: [usize; 14] = [
    384, 320, 288, 256, 224, 192, 160, 144, 128, 112, 96, 80, 64, 48,
];

/// The largest share of a budget that a network may take to be scored: beyond it, too little would be left once
/// it fits.
const NEAR: f64 = 2.0;

/// All networks of a search.
pub struct Surveyed {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The networks, by backbone, resolution and depth.
    pub networks: Vec<Network>,
    /// What was left out or found, and why.
    pub remarks: Vec<String>,
}

/// Loads a backbone for images of another side than its own.
///
/// # Errors
/// It cannot be read, or does not take the data of the job.
pub fn load(
    job: &FitJob,
    backbone: &Path,
    side: Option<usize>,
    observer: &mut dyn Observer,
) -> Result<SurveyedBackbone> {
    let own = Job {
        backbone: backbone.to_path_buf(),
        device: job.target.profile.clone(),
        ..job.training.clone()
    };
    let Some(side) = side else {
        return Ok(SurveyedBackbone::load(&own, observer)?);
    };
    let graph = Graph::load(backbone)?;
    let input = ImageInput::of(&graph)?;
    let shape = match input.layout {
        Layout::ChannelsFirst => vec![1, input.channels, side, side],
        Layout::ChannelsLast => vec![1, side, side, input.channels],
    };
    let sized = Job {
        input_shape: Some(shape),
        ..own
    };
    Ok(SurveyedBackbone::load(&sized, observer)?)
}

/// Surveys all backbones of `job`.
///
/// Of each backbone it is tried, where most of it fits, whether its features tell more of whole images than of
/// the part that its own preprocessing cuts out; what is better counts for all sides.
///
/// # Errors
/// The data or a backbone cannot be read, they do not go together, or the device's engine takes no part of a
/// backbone.
pub fn survey(job: &FitJob, samples: &Survey, observer: &mut dyn Observer) -> Result<Surveyed> {
    let mut surveyed = Surveyed {
        classes: samples.classes().to_vec(),
        networks: Vec::new(),
        remarks: Vec::new(),
    };
    for index in 0..job.backbones.len() {
        let mut places = surveyed.plan(job, index, observer)?;
        let fit = surveyed.choose_fit(job, samples, &mut places, observer)?;
        for mut place in places {
            if observer.stop() {
                return Ok(surveyed);
            }
            place.backbone = fitted(place.backbone, fit);
            place.score(job, samples, observer)?;
            for network in &mut place.networks {
                network.fit = fit;
            }
            surveyed.networks.extend(place.networks);
        }
    }
    Ok(surveyed)
}

impl Surveyed {
    /// The networks of a backbone at all sides, and what each takes.
    fn plan(
        &mut self,
        job: &FitJob,
        index: usize,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Place>> {
        let path = &job.backbones[index];
        let native = load(job, path, None, observer)?;
        let own = own_side(&native);
        let mut place = Place {
            index,
            side: own,
            is_native: true,
            backbone: native,
            networks: Vec::new(),
        };
        place.plan(&job.target, self.classes.len(), observer)?;
        let mut places = vec![place];
        for &side in SIDES
            .iter()
            .filter(|&&side| own.is_some_and(|own| side < own))
        {
            match load(job, path, Some(side), &mut Quiet(observer)) {
                Ok(backbone) => {
                    let mut place = Place {
                        index,
                        side: Some(side),
                        is_native: false,
                        backbone,
                        networks: Vec::new(),
                    };
                    place.plan(&job.target, self.classes.len(), observer)?;
                    places.push(place);
                }
                Err(error) => self.remarks.push(format!(
                    "{} at {side}×{side}: {error}; left out",
                    path.display()
                )),
            }
        }
        Ok(places)
    }

    /// How images are made to fit a backbone; `None` where it takes none.
    fn choose_fit(
        &mut self,
        job: &FitJob,
        samples: &Survey,
        places: &mut [Place],
        observer: &mut dyn Observer,
    ) -> Result<Option<Fit>> {
        let own = places.first().and_then(|place| own_fit(&place.backbone));
        let Some(crop @ Fit::Crop { .. }) = own else {
            return Ok(own);
        };
        // Of equals the last, the smallest.
        let tried = places
            .iter()
            .max_by(|a, b| a.deepest().total_cmp(&b.deepest()))
            .filter(|place| place.networks.iter().any(Network::fits));
        let Some(tried) = tried else {
            return Ok(own);
        };
        let mut accuracy = |fit: Fit| -> Result<f64> {
            let mut place = tried.clone();
            place.backbone = fitted(place.backbone, Some(fit));
            place.score(job, samples, observer)?;
            let scores = place.networks.iter().filter_map(|network| network.score);
            let accuracies: Vec<f64> = scores.map(|score| score.accuracy).collect();
            Ok(accuracies.iter().sum::<f64>() / accuracies.len().max(1) as f64)
        };
        let (cut, whole) = (accuracy(crop)?, accuracy(Fit::Stretch)?);
        if whole <= cut {
            return Ok(own);
        }
        self.remarks.push(format!(
            "{}: whole images, resized to its input, tell more than the part that its preprocessing cuts out \
             (accuracy {} against {}, mean over all depths); they are used",
            job.backbones[tried.index].display(),
            format::percent(whole),
            format::percent(cut)
        ));
        Ok(Some(Fit::Stretch))
    }
}

/// How a backbone has its images made to fit; `None` where it takes none.
fn own_fit(backbone: &SurveyedBackbone) -> Option<Fit> {
    match backbone.preparation() {
        Preparation::Images(images) => Some(images.fit),
        Preparation::Arrays(_) => None,
    }
}

/// A backbone with images that are made to fit as `fit` says.
pub fn fitted(backbone: SurveyedBackbone, fit: Option<Fit>) -> SurveyedBackbone {
    match fit {
        Some(fit) => backbone.with_fit(fit),
        None => backbone,
    }
}

/// Side of the square images that a backbone takes; `None` for any other input.
fn own_side(backbone: &SurveyedBackbone) -> Option<usize> {
    match backbone.preparation() {
        Preparation::Images(images) if images.width == images.height => Some(images.width as usize),
        _ => None,
    }
}

/// A backbone at one resolution.
#[derive(Clone)]
struct Place {
    index: usize,
    side: Option<usize>,
    is_native: bool,
    backbone: SurveyedBackbone,
    /// Its networks of all depths.
    networks: Vec<Network>,
}

impl Place {
    /// Finds its networks of all depths, and what each takes.
    fn plan(&mut self, target: &Target, classes: usize, observer: &mut dyn Observer) -> Result<()> {
        let depths = depths(self.backbone.graph(), &self.backbone.features())?;
        let side = self
            .side
            .map_or(String::new(), |side| format!(" at {side}×{side}"));
        observer.begin(&format!("planning{side}"), 0);
        let made: Vec<Result<Network>> = depths
            .into_par_iter()
            .enumerate()
            .map(|(number, depth)| self.network(number, depth, target, classes))
            .collect();
        observer.end();
        // Of a shallow cut nothing may be left that the scheme takes; of the whole network something has to.
        let mut refused = None;
        for network in made {
            match network {
                Ok(network) => self.networks.push(network),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if self.networks.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// The largest share of the backbone's multiply-accumulates that fits.
    fn deepest(&self) -> f64 {
        let macs = |network: &Network| network.depth.macs as f64;
        let whole = self.networks.last().map_or(1.0, macs);
        let fitting = self.networks.iter().filter(|network| network.fits());
        fitting.map(macs).fold(0.0, f64::max) / whole
    }

    fn network(
        &self,
        number: usize,
        depth: Depth,
        target: &Target,
        classes: usize,
    ) -> Result<Network> {
        let graph = network(self.backbone.graph(), &depth, classes)?;
        let mut footprints = Vec::new();
        let mut refused = None;
        for element_type in target.element_types() {
            match target.footprint(&graph, element_type) {
                Ok(footprint) => footprints.push(footprint),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(error) if footprints.is_empty() => Err(error),
            _ => Ok(Network {
                backbone: self.index,
                side: self.side,
                is_native: self.is_native,
                fit: None,
                number: number + 1,
                depth,
                narrowed: None,
                footprints,
                score: None,
            }),
        }
    }

    /// Scores those of its networks that fit, and those that might with fewer channels.
    fn score(&mut self, job: &FitJob, samples: &Survey, observer: &mut dyn Observer) -> Result<()> {
        let mut fitting: Vec<&mut Network> = self
            .networks
            .iter_mut()
            .filter(|network| network.share() <= NEAR)
            .collect();
        if fitting.is_empty() {
            return Ok(());
        }
        let depths: Vec<&Depth> = fitting.iter().map(|network| &network.depth).collect();
        let part = pooled(self.backbone.graph(), &depths)?;
        let widths: Vec<usize> = depths
            .iter()
            .map(|depth| depth.features.iter().map(Feature::channels).sum())
            .collect();
        let features = samples.run(&self.backbone, &part, &mut Quiet(observer))?;
        let folds = folds(
            &features.classes,
            &features.groups,
            job.training.recipe.seed,
        );
        let starts: Vec<usize> = widths
            .iter()
            .scan(0, |end, width| {
                let start = *end;
                *end += width;
                Some(start)
            })
            .collect();
        let whole: usize = widths.iter().sum();
        if features.rows.iter().any(|row| row.len() != whole) {
            return Err(Error::Choice(format!(
                "{} makes rows of another width than its shapes say; export it with a dynamic batch",
                job.backbones[self.index].display()
            )));
        }
        observer.begin("scoring", 0);
        fitting
            .par_iter_mut()
            .zip(starts.par_iter().zip(&widths))
            .for_each(|(network, (&start, &width))| {
                let rows: Vec<&[f32]> = features
                    .rows
                    .iter()
                    .map(|row| &row[start..start + width])
                    .collect();
                network.score = Some(score(&rows, &features.classes, &folds));
            });
        observer.end();
        Ok(())
    }
}
