//! The documents that pages are made of, as far as pages need them.
//!
//! They are written by crates that train and run models, which this one does not depend on: it reads what
//! lies in the folder, as any other program would.

mod check;
mod metrics;
mod search;
mod stopped;
mod training;

pub use check::{Budget, Check, Condition, Latency, Verdict};
pub use metrics::{
    Bootstrap, ClassFigures, Classification, LabelFigures, Metrics, MultiLabel, Regression,
    TargetFigures,
};
pub use search::{Candidate, Finalist, Search, SearchTiming, SimplerWay, Trained};
pub use stopped::Stopped;
pub use training::{
    Accuracy, Answer, Baseline, Comparison, Counts, Epoch, Exported, Finding, Flip, Int8, Mistake,
    Origin, Pair, Saliency, Stage, Status, Timing, Training, Unreadable,
};
