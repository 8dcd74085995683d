//! Training: a graph, some of its weights, samples, a recipe.

pub mod epoch;
pub mod evaluate;
pub mod fitted;
pub(crate) mod inputs;
pub(crate) mod keeper;
pub(crate) mod learning_rate_range;
pub(crate) mod loop_state;
mod mix;
mod optimizer;
pub(crate) mod order;
pub(crate) mod overfit_single_batch;
pub mod problem;
mod random_stream;
pub(crate) mod state;
pub(crate) mod step;
mod step_evidence;
pub mod teacher;
pub(crate) mod train_accuracy;
pub(crate) mod training_loop;
pub(crate) mod val_losses;
