//! What was trained on, and what was left out.

use edgefit_base::units::format;
use edgefit_data::image_size;

use crate::document::Training;
use crate::page::Allowance;
use crate::run::{Listed, Run};
use crate::section::pictures::augmented;
use crate::thumbnail::{Thumbnail, thumbnail};
use crate::words::{counted, shown};

/// Pictures whose size is read; of more, evenly so many.
const MOST_SIZES: usize = 1000;

/// Pairs of copies that are shown.
const MOST_PAIRS: usize = 6;

/// What was trained on.
pub(crate) struct DataCard {
    pub total: String,
    pub splits: Vec<SplitRow>,
    pub classes: Vec<ClassRow>,
    /// Classes that are not shown.
    pub classes_left_out: usize,
    pub has_weights: bool,
    pub sizes: Option<Sizes>,
    pub unreadable: Vec<Problem>,
    pub unreadable_left_out: usize,
    pub copies: Vec<Copies>,
    pub copies_left_out: usize,
    pub near: Vec<Copies>,
    pub near_left_out: usize,
    pub augmented: Option<Thumbnail>,
}

/// A split.
pub(crate) struct SplitRow {
    pub name: &'static str,
    pub total: usize,
    pub groups: usize,
}

/// Samples of a class.
pub(crate) struct ClassRow {
    pub name: String,
    pub counts: Vec<usize>,
    pub total: usize,
    pub weight: String,
    /// In hundredths of the largest class, as the length of a bar.
    pub bar: u32,
}

/// Sizes of the pictures.
pub(crate) struct Sizes {
    pub smallest: String,
    pub median: String,
    pub largest: String,
    pub basis: String,
}

/// A sample that was left out.
pub(crate) struct Problem {
    pub sample: String,
    pub problem: String,
}

/// Samples that are the same, or nearly.
pub(crate) struct Copies {
    pub samples: Vec<Copy>,
    pub remark: Option<&'static str>,
}

/// One of them.
pub(crate) struct Copy {
    pub sample: String,
    pub split: String,
    pub truth: String,
    pub picture: Option<Thumbnail>,
}

impl DataCard {
    pub fn of(run: &Run, allowance: Allowance) -> Self {
        let report = &run.report;
        let total: usize = report.counts.iter().map(|counts| counts.total).sum();
        let mut classes = classes(report);
        let classes_left_out = classes.len().saturating_sub(allowance.rows);
        classes.truncate(allowance.rows);
        let most = allowance.rows.min(100);
        let unreadable = report.unreadable.iter().take(most).map(|one| Problem {
            sample: shown(&one.path),
            problem: one.problem.clone(),
        });
        let pairs = MOST_PAIRS.min(allowance.pictures);
        let copies = run.manifest.as_ref();
        let copies = copies.map_or(Vec::new(), |manifest| manifest.copies());
        let near = report.guards.iter().flat_map(|found| &found.pairs);
        let near: Vec<&[String; 2]> = near.collect();
        let noun = if run.has_pictures() {
            ["image", "images"]
        } else {
            ["sample", "samples"]
        };
        DataCard {
            total: counted(total, noun[0], noun[1]),
            splits: report
                .counts
                .iter()
                .zip(["train", "validation", "test"])
                .map(|(counts, name)| SplitRow {
                    name,
                    total: counts.total,
                    groups: counts.groups,
                })
                .collect(),
            classes,
            classes_left_out,
            has_weights: !report.class_weights.is_empty(),
            sizes: sizes(run),
            unreadable: unreadable.collect(),
            unreadable_left_out: report.unreadable.len().saturating_sub(most),
            copies_left_out: copies.len().saturating_sub(pairs),
            copies: copies
                .iter()
                .take(pairs)
                .map(|group| of_copies(run, group))
                .collect(),
            near_left_out: near.len().saturating_sub(pairs),
            near: near
                .into_iter()
                .take(pairs)
                .map(|pair| of_pair(run, pair))
                .collect(),
            augmented: augmented(&run.folder, allowance),
        }
    }
}

fn classes(report: &Training) -> Vec<ClassRow> {
    let count = |split: usize, class: usize| {
        let counts = report.counts.get(split);
        counts.and_then(|counts| counts.samples.get(class)).copied()
    };
    let splits = report.counts.len();
    let mut rows: Vec<ClassRow> = report
        .classes
        .iter()
        .enumerate()
        .filter(|&(class, _)| count(0, class).is_some())
        .map(|(class, name)| {
            let counts: Vec<usize> = (0..splits)
                .map(|split| count(split, class).unwrap_or(0))
                .collect();
            ClassRow {
                name: shown(name),
                total: counts.iter().sum(),
                counts,
                weight: report
                    .class_weights
                    .get(class)
                    .map_or(String::new(), |weight| format!("{weight:.2}")),
                bar: 0,
            }
        })
        .collect();
    let most = rows.iter().map(|row| row.total).max().unwrap_or(1).max(1);
    for row in &mut rows {
        row.bar = (100 * row.total / most) as u32;
    }
    rows
}

/// Sizes of the pictures, as far as they can be read.
fn sizes(run: &Run) -> Option<Sizes> {
    if !run.has_pictures() {
        return None;
    }
    let samples = &run.manifest.as_ref()?.samples;
    let every = samples.len().div_ceil(MOST_SIZES).max(1);
    let looked = samples.iter().step_by(every);
    let mut sizes: Vec<[u32; 2]> = looked
        .filter_map(|listed| image_size(&run.picture(&listed.path)?).ok())
        .collect();
    sizes.sort_by_key(|[width, height]| u64::from(*width) * u64::from(*height));
    let size = |[width, height]: [u32; 2]| format!("{width} × {height}");
    Some(Sizes {
        smallest: size(*sizes.first()?),
        median: size(*sizes.get(sizes.len() / 2)?),
        largest: size(*sizes.last()?),
        basis: if every > 1 {
            format!(
                "of {} of {}, taken evenly",
                sizes.len(),
                format::count(samples.len() as u64)
            )
        } else {
            format!("of {}", counted(sizes.len(), "image", "images"))
        },
    })
}

fn of_copies(run: &Run, group: &[&Listed]) -> Copies {
    let first = group.first();
    let other = |of: fn(&Listed) -> Option<&str>| {
        let first = first.and_then(|listed| of(listed));
        group.iter().any(|listed| of(listed) != first)
    };
    let remark = if other(|listed| Some(&listed.truth)) {
        Some("of different classes")
    } else if other(|listed| listed.split.as_deref()) {
        Some("in different splits")
    } else {
        None
    };
    Copies {
        samples: group
            .iter()
            .take(2)
            .map(|listed| copy(run, &listed.path))
            .collect(),
        remark,
    }
}

fn of_pair(run: &Run, pair: &[String; 2]) -> Copies {
    Copies {
        samples: pair.iter().map(|sample| copy(run, sample)).collect(),
        remark: None,
    }
}

fn copy(run: &Run, sample: &str) -> Copy {
    let listed = run.manifest.as_ref().and_then(|manifest| {
        let mut samples = manifest.samples.iter();
        samples.find(|listed| listed.path == sample)
    });
    let path = run.has_pictures().then(|| run.picture(sample)).flatten();
    let picture = path.and_then(|path| Some(thumbnail(&path).ok()?.0));
    Copy {
        sample: shown(sample),
        split: listed
            .and_then(|listed| listed.split.as_deref())
            .map_or(String::new(), shown),
        truth: listed.map_or(String::new(), |listed| shown(&listed.truth)),
        picture,
    }
}
