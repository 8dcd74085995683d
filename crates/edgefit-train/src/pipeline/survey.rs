//! What a backbone makes of the samples of a job, at several depths and resolutions, before anything is
//! trained.

use edgefit_data::{Dataset, Sample, Split};
use edgefit_engine::{Array, fastest};
use edgefit_graph::preprocessing::Fit;
use edgefit_graph::{Graph, Task, ValueInfo, labels};
use edgefit_guards::{Findings, Warnings};
use edgefit_predict::{Samples, shuffled};

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::pipeline::loaded::suited;
use crate::prepare::copies::Copies;
use crate::prepare::features::{Shown, Views, extract_all};
use crate::prepare::inference::Inference;
use crate::prepare::model::{Model, load_backbone};
use crate::prepare::preparation::Preparation;
use crate::prepare::readable::Readable;
use crate::prepare::split::splits_of;
use crate::prepare::unreadable::unreadable;

/// The backbone of a job, ready to be run on its samples.
#[derive(Clone)]
pub struct SurveyedBackbone {
    model: Model,
}

/// Most samples of a survey; of more, as many are drawn.
const MOST: usize = 2000;

/// The samples of a job that choices may be made on: those of train and val, never of test unless all are asked for;
/// 2,000 of them at most.
pub struct Survey {
    job: Job,
    dataset: Dataset,
    members: Vec<Member>,
}

/// A sample that choices are made on.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Its place in the dataset.
    sample: usize,
    class: usize,
    split: Split,
    /// Those of one group are not independent of each other.
    group: usize,
}

/// Features of the samples of a [`Survey`].
#[derive(Debug, Clone)]
pub struct SurveyedFeatures {
    /// A row for each sample: the outputs of the backbone, one behind the other.
    pub rows: Vec<Vec<f32>>,
    /// The class of each sample.
    pub classes: Vec<usize>,
    /// For each sample a number that those of its group and its copies share.
    pub groups: Vec<usize>,
}

/// Samples that are read at a time.
const BATCH: usize = 16;

/// Samples of a survey as a backbone sees them.
pub struct SurveySamples<'a> {
    samples: Vec<&'a Sample>,
    preparation: &'a Preparation,
}

impl Samples for SurveySamples<'_> {
    fn batches(&self) -> Box<dyn Iterator<Item = edgefit_predict::Result<Vec<Array>>> + '_> {
        let read = |batch: &[&Sample]| {
            let rows = batch.iter().map(|sample| self.preparation.clean(sample));
            let rows: Result<Vec<Vec<f32>>> = rows.collect();
            match rows {
                Ok(rows) => Ok(vec![self.preparation.batch(&rows)]),
                Err(error) => Err(edgefit_predict::Error::Samples(Box::new(error))),
            }
        };
        Box::new(self.samples.chunks(BATCH).map(read))
    }
}

impl SurveyedBackbone {
    /// Loads the backbone of `job`, for its data.
    ///
    /// # Errors
    /// The dataset or the backbone cannot be read, or do not go together.
    pub fn load(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        let dataset = Dataset::open_as(&job.data, job.task)?;
        let job = suited(job, &dataset);
        let backbone = load_backbone(&job, observer)?;
        let mut findings = Findings::new(job.allow.iter().copied(), Warnings::Keep);
        let mut model = Model::of(backbone, &job, &dataset, &mut findings, observer)?;
        model.reset_head()?;
        Ok(SurveyedBackbone { model })
    }

    /// The network with an untrained head for the classes of the data, ending in logits.
    pub fn graph(&self) -> &Graph {
        &self.model.graph
    }

    /// What its head reads, each with the shape of one sample.
    pub fn features(&self) -> Vec<ValueInfo> {
        self.model.head.features()
    }

    /// Stores in `network`, a part of it with a head for `classes`, how its inputs are prepared and what its
    /// outputs mean.
    pub fn describe(&self, network: &mut Graph, classes: &[String]) {
        self.model.preparation.store(network);
        labels::store(network, classes);
    }

    /// The same with images that are made to fit its input as `fit` says.
    #[must_use]
    pub fn with_fit(mut self, fit: Fit) -> Self {
        if let Preparation::Images(images) = &mut self.model.preparation {
            images.fit = fit;
        }
        self
    }

    /// How its inputs are prepared.
    pub fn preparation(&self) -> &Preparation {
        &self.model.preparation
    }
}

impl Survey {
    /// Opens the dataset of `job` and splits it as [`train`](crate::train) does.
    ///
    /// # Errors
    /// The data have no classes, or too few samples that can be read.
    pub fn open(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        Self::of_splits(job, &[Split::Train, Split::Val], observer)
    }

    /// The same of all samples, those of test too: for what decides nothing.
    ///
    /// # Errors
    /// As [`Survey::open`].
    pub fn open_all(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        Self::of_splits(job, &Split::ALL, observer)
    }

    fn of_splits(job: &Job, wanted: &[Split], observer: &mut dyn Observer) -> Result<Self> {
        let dataset = Dataset::open_as(&job.data, job.task)?;
        for remark in &dataset.remarks {
            observer.warn(&format!("{}: {remark}", job.data.display()));
        }
        if dataset.task != Task::Classes {
            return Err(Error::Choice(format!(
                "{} holds {}, and features are judged by how well they tell classes apart; give data with one \
                 class for each sample",
                job.data.display(),
                match dataset.task {
                    Task::Regression => "regression targets",
                    _ => "several labels for a sample",
                }
            )));
        }
        let job = suited(job, &dataset);
        let mut readable = Readable::of(&dataset.samples, observer);
        let copies = Copies::among(&dataset.samples, &readable.hashes);
        copies.leave_out_contradictions(&dataset, &mut readable.read);
        unreadable(&job, &dataset, &readable.read, observer)?;
        copies.warn(&dataset, observer);
        let splits = splits_of(&job, &dataset, &readable.read, &copies.originals)?;
        let chosen_on = |at: &usize| {
            let is_wanted = splits[*at].is_some_and(|split| wanted.contains(&split));
            readable.read[*at].is_ok() && is_wanted
        };
        let all: Vec<usize> = (0..dataset.samples.len()).filter(chosen_on).collect();
        let drawn = shuffled(all.len(), job.recipe.seed).into_iter();
        let mut members: Vec<Member> = drawn
            .take(MOST)
            .map(|at| {
                let sample = &dataset.samples[all[at]];
                Member {
                    sample: all[at],
                    class: sample.class,
                    split: splits[all[at]].unwrap_or(Split::Train),
                    group: sample.group.unwrap_or(copies.originals[all[at]]),
                }
            })
            .collect();
        members.sort_unstable_by_key(|member| member.sample);
        if all.len() > MOST {
            observer.warn(&format!(
                "features are computed of {MOST} of the {} samples",
                all.len()
            ));
        }
        Ok(Survey {
            job,
            dataset,
            members,
        })
    }

    /// What `network`, a part of `backbone`, makes of the samples.
    ///
    /// # Errors
    /// A sample can no longer be read, or the engine fails.
    pub fn run(
        &self,
        backbone: &SurveyedBackbone,
        network: &Graph,
        observer: &mut dyn Observer,
    ) -> Result<SurveyedFeatures> {
        let members = self.members.iter();
        let samples: Vec<&Sample> = members
            .map(|member| &self.dataset.samples[member.sample])
            .collect();
        let shown = Shown {
            samples: &samples,
            through: None,
            preparation: &backbone.model.preparation,
            views: Views::Clean,
        };
        let inference = Inference {
            engine: self.job.engine.unwrap_or_else(fastest),
            threads: self.job.threads,
            observer,
        };
        let rows = extract_all(network, shown, &self.job.feature_cache(), inference)?;
        Ok(SurveyedFeatures {
            rows,
            classes: self.members.iter().map(|member| member.class).collect(),
            groups: self.members.iter().map(|member| member.group).collect(),
        })
    }

    /// At most `most` of the training samples, as `backbone` sees them.
    pub fn samples<'a>(&'a self, backbone: &'a SurveyedBackbone, most: usize) -> SurveySamples<'a> {
        let training: Vec<usize> = self
            .members
            .iter()
            .filter(|member| member.split == Split::Train)
            .map(|member| member.sample)
            .collect();
        let drawn = shuffled(training.len(), self.job.recipe.seed).into_iter();
        SurveySamples {
            samples: drawn
                .take(most)
                .map(|at| &self.dataset.samples[training[at]])
                .collect(),
            preparation: &backbone.model.preparation,
        }
    }

    /// Paths or rows of the samples.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let members = self.members.iter();
        members.map(|member| self.dataset.samples[member.sample].relative.as_str())
    }

    /// The classes of the data.
    pub fn classes(&self) -> &[String] {
        &self.dataset.classes
    }
}
