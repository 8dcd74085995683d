//! What the targets of a file mean: by their type, shape and values, or as the user says.
//!
//! Where two meanings are as likely, neither is taken: a model of the wrong task trains without complaint.

use std::collections::BTreeSet;

use edgefit_graph::Task;

use super::labels::{Labels, Values};
use super::targets::{ClassLabels, UnnamedTargets};

/// Most different whole numbers that may be classes however few samples there are of each.
const FEW: usize = 20;

/// Most different whole numbers that may be classes, where there are [`SAMPLES_OF_CLASS`].
const MANY: usize = 1000;

/// Samples of each class on average, as many as a class needs to be in train, val and test.
const SAMPLES_OF_CLASS: usize = 3;

/// Most classes that a sentence lists.
const LISTED: usize = 10;

/// Whole numbers from here on are not exact in 32 bits.
const EXACT: f32 = 16_777_216.0;

/// How far the sum of a row of probabilities may be off.
const OFF: f32 = 1e-3;

/// Targets, and a sentence about them where they might mean something else.
pub(super) type Meaning = (UnnamedTargets, Option<String>);

/// What `labels` are; `asked` is what the user says they are, and `named` whether classes have names.
///
/// # Errors
/// They cannot be what is asked, or may as well be something else, as the end of a sentence that
/// begins with the array.
pub(super) fn meaning(labels: Labels, asked: Option<Task>, named: bool) -> Result<Meaning, String> {
    match (asked, &labels.values) {
        (Some(Task::Classes), _) => Ok((classes(&labels)?, None)),
        (Some(Task::MultiLabel), _) => Ok((multi_label(&labels)?, None)),
        (Some(Task::Regression), _) => Ok((regression(labels)?, None)),
        (None, Values::Texts(_)) => Ok((classes(&labels)?, None)),
        (None, _) if labels.width > 1 => rows(labels),
        (None, Values::Integers(integers)) => {
            let distinct: BTreeSet<i128> = integers.iter().copied().collect();
            let remark = integer_classes(&labels, &distinct, named)?;
            Ok((classes(&labels)?, remark))
        }
        (None, Values::Floats(_)) => floats(labels),
    }
}

/// A float for each sample.
fn floats(labels: Labels) -> Result<Meaning, String> {
    let whole = whole(&labels);
    let remark = match &whole {
        Some(whole) if may_be_classes(whole.len(), labels.samples()) => {
            return Err(format!(
                "holds floats that are all whole numbers, {}, which may be classes or numbers to regress; \
                 save y.astype(int) for classes, or say --task regression",
                span(whole)
            ));
        }
        Some(whole) => Some(format!(
            "is read as numbers to regress, as it holds floats, though whole ones ({}); --task classes \
             reads classes",
            span(whole)
        )),
        None if labels.rows => Some(
            "is read as one number to regress a sample, as it holds floats in one column".into(),
        ),
        None => None,
    };
    Ok((regression(labels)?, remark))
}

/// A row of numbers for each sample.
fn rows(labels: Labels) -> Result<Meaning, String> {
    let floats = matches!(labels.values, Values::Floats(_));
    let ones = ones(&labels);
    match &ones {
        Some(ones) if ones.iter().all(|count| *count == 1) => Err(format!(
            "holds one-hot rows, a single 1 in {} columns; save y.argmax(1) for classes, or say --task \
             multi-label",
            labels.width
        )),
        Some(_) if floats => Err("holds rows of 0 and 1 as floats, which may be labels or numbers to \
                                  regress; save y.astype(int) for any number of labels a sample, or say \
                                  --task regression"
            .into()),
        Some(ones) => {
            let (least, most) = (ones.iter().min(), ones.iter().max());
            let remark = format!(
                "is read as {} labels, any number of them a sample, as its rows are of 0 and 1 with {} to \
                 {} ones",
                labels.width,
                least.unwrap_or(&0),
                most.unwrap_or(&0)
            );
            Ok((multi_label(&labels)?, Some(remark)))
        }
        None if floats => {
            refuse_other_rows(&labels)?;
            Ok((regression(labels)?, None))
        }
        None => Ok((multi_label(&labels)?, None)),
    }
}

/// Refuses rows of floats that are more likely something else than numbers to regress.
fn refuse_other_rows(labels: &Labels) -> Result<(), String> {
    if let Some(whole) = whole(labels)
        && may_be_classes(whole.len(), labels.samples())
    {
        return Err(format!(
            "holds rows of floats that are all whole numbers, {}; labels are 0 or 1, as of \
             (y > 0).astype(int), and for numbers to regress say --task regression",
            span(&whole)
        ));
    }
    let Values::Floats(values) = &labels.values else {
        return Ok(());
    };
    let probabilities = values.chunks(labels.width).all(|row| {
        row.iter().all(|value| *value >= 0.0) && (row.iter().sum::<f32>() - 1.0).abs() < OFF
    });
    if probabilities {
        return Err(
            "holds rows that add up to 1, as probabilities of classes do; save y.argmax(1) \
                    for classes, or say --task regression"
                .into(),
        );
    }
    Ok(())
}

/// What there is to say of `distinct` integers that are read as classes.
fn integer_classes(
    labels: &Labels,
    distinct: &BTreeSet<i128>,
    named: bool,
) -> Result<Option<String>, String> {
    let count = distinct.len();
    if !named && !may_be_classes(count, labels.samples()) {
        return Err(format!(
            "holds {count} different integers in {} samples, many for classes; say --task regression \
             for numbers, or --task classes",
            labels.samples()
        ));
    }
    let from_zero = (0..)
        .zip(distinct)
        .all(|(output, number)| output == *number);
    let mut said = Vec::new();
    if !named && !from_zero {
        let some = distinct.iter().take(LISTED).map(i128::to_string);
        let more = if count > LISTED { " …" } else { "" };
        said.push(format!(
            "the model's outputs 0 to {} are the classes {}{more}",
            count.saturating_sub(1),
            some.collect::<Vec<_>>().join(", ")
        ));
    }
    if count > FEW && !named {
        said.push("--task regression reads numbers".to_owned());
    }
    if said.is_empty() && !labels.rows {
        return Ok(None);
    }
    let place = if labels.rows { "in one column" } else { "" };
    let reason = format!("is read as {count} classes, one a sample, as it holds integers {place}");
    said.insert(0, reason.trim_end().to_owned());
    Ok(Some(said.join("; ")))
}

/// One class a sample.
fn classes(labels: &Labels) -> Result<UnnamedTargets, String> {
    if labels.width > 1 {
        let ones = ones(labels).filter(|ones| ones.iter().all(|count| *count == 1));
        if ones.is_none() {
            return Err(format!(
                "holds rows of {} that are not one-hot; for classes give one number or name a sample",
                labels.width
            ));
        }
        let columns = (0..labels.values.len()).filter(|at| labels.values.bit(*at) == Some(true));
        return Ok(UnnamedTargets::Classes(ClassLabels::Columns {
            width: labels.width,
            labels: columns.map(|at| at % labels.width).collect(),
        }));
    }
    Ok(UnnamedTargets::Classes(match &labels.values {
        Values::Texts(texts) => ClassLabels::Texts(texts.clone()),
        Values::Integers(integers) => ClassLabels::Numbers(integers.clone()),
        Values::Floats(floats) => {
            let odd = floats.iter().position(|value| !is_whole(*value));
            if let Some(odd) = odd {
                let (place, value) = (labels.places().of(odd), floats[odd]);
                return Err(format!(
                    "is to hold classes, and {place} is {value}, no whole number below {EXACT}; give \
                     integers"
                ));
            }
            ClassLabels::Numbers(floats.iter().map(|value| *value as i128).collect())
        }
    }))
}

/// Any number of labels a sample.
fn multi_label(labels: &Labels) -> Result<UnnamedTargets, String> {
    let bits = 0..labels.values.len();
    let bits = bits.map(|at| labels.values.bit(at).ok_or(at));
    match bits.collect::<Result<Vec<bool>, usize>>() {
        Ok(bits) => Ok(UnnamedTargets::MultiLabel {
            width: labels.width,
            labels: bits,
        }),
        Err(at) => Err(format!(
            "is {} at {}; several labels a sample are 0 or 1, and for numbers to regress say --task \
             regression",
            labels.values.text(at),
            labels.places().of(at)
        )),
    }
}

/// Numbers.
fn regression(labels: Labels) -> Result<UnnamedTargets, String> {
    let width = labels.width;
    let values = match labels.values {
        Values::Floats(values) => values,
        Values::Integers(values) => values.iter().map(|value| *value as f32).collect(),
        Values::Texts(_) => return Err("holds text, and --task regression wants numbers".into()),
    };
    Ok(UnnamedTargets::Regression { width, values })
}

/// How many ones each row has; `None` if there is anything but 0 and 1.
fn ones(labels: &Labels) -> Option<Vec<usize>> {
    let mut counts = vec![0; labels.samples()];
    for at in 0..labels.values.len() {
        counts[at / labels.width] += usize::from(labels.values.bit(at)?);
    }
    Some(counts)
}

/// The different numbers, if all are whole floats.
fn whole(labels: &Labels) -> Option<BTreeSet<i32>> {
    let Values::Floats(values) = &labels.values else {
        return None;
    };
    let all = values.iter().all(|value| is_whole(*value));
    all.then(|| values.iter().map(|value| *value as i32).collect())
}

fn is_whole(value: f32) -> bool {
    value.fract() == 0.0 && value.abs() < EXACT
}

fn may_be_classes(distinct: usize, samples: usize) -> bool {
    distinct <= FEW || (distinct <= MANY && SAMPLES_OF_CLASS * distinct <= samples)
}

fn span(whole: &BTreeSet<i32>) -> String {
    let end = |value: Option<&i32>| value.map_or(String::new(), i32::to_string);
    format!(
        "{} different ones from {} to {}",
        whole.len(),
        end(whole.first()),
        end(whole.last())
    )
}
