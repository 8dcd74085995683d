//! What is to be done: the job, and the recipe of its training.

pub mod device_scheme;
pub mod job;
pub mod recipe;
pub mod recipe_file;
pub mod stage_name;
