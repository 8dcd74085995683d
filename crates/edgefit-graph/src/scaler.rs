//! How features that are no image are standardised to mean 0 and standard deviation 1; part of
//! the model file.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::Graph;
use crate::metadata;

const KEY: &str = "edgefit.scaler";

/// Each value of a sample becomes `(value − mean) / std`, per channel.
///
/// The channels are the first dimension of a sample: each feature of a sample of shape
/// (features), each row of one of shape (channels, …).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardScaler {
    /// Shape of a sample, without the batch.
    pub dims: Vec<usize>,
    /// Subtracted, per channel.
    pub mean: Vec<f32>,
    /// Divided by, per channel.
    pub std: Vec<f32>,
}

impl StandardScaler {
    /// Standardises whole samples, one after the other.
    pub fn apply(&self, values: &mut [f32]) {
        let per_channel: usize = self.dims.iter().skip(1).product();
        let channels = self.mean.iter().zip(&self.std).cycle();
        for (values, (mean, std)) in values.chunks_mut(per_channel.max(1)).zip(channels) {
            for value in values {
                *value = (*value - mean) / std;
            }
        }
    }

    /// The scaler that a model carries, if any.
    ///
    /// # Errors
    /// The metadata entry is not a scaler, or an impossible one.
    pub fn of(graph: &Graph) -> Result<Option<Self>> {
        let Some(found) = metadata::read::<StandardScaler>(graph, KEY)? else {
            return Ok(None);
        };
        let fail = |problem: String| metadata::fail(KEY, problem);
        let StandardScaler { dims, mean, std } = &found;
        let size = dims
            .iter()
            .try_fold(1usize, |size, dim| size.checked_mul(*dim));
        if dims.is_empty() || size.is_none_or(|size| size == 0) {
            return Err(fail(format!("has the impossible shape {dims:?}")));
        }
        if mean.len() != dims[0] || std.len() != dims[0] {
            return Err(fail(format!(
                "has {} means and {} stds for {} channels",
                mean.len(),
                std.len(),
                dims[0]
            )));
        }
        if !metadata::usable(mean, std) {
            return Err(fail("has a mean or std that cannot be used".into()));
        }
        Ok(Some(found))
    }

    /// Stores this scaler in the metadata of the model.
    pub fn store(&self, graph: &mut Graph) {
        metadata::store(graph, KEY, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaler() -> StandardScaler {
        StandardScaler {
            dims: vec![2, 3],
            mean: vec![1.0, 0.1],
            std: vec![2.0, 1e-3],
        }
    }

    #[test]
    fn comes_back_from_the_model() {
        let mut graph = Graph::new("g", 17);
        assert_eq!(StandardScaler::of(&graph).unwrap(), None);
        scaler().store(&mut graph);
        assert_eq!(StandardScaler::of(&graph).unwrap(), Some(scaler()));
    }

    #[test]
    fn every_channel_of_every_sample_is_scaled_by_its_own() {
        let scaler = StandardScaler {
            std: vec![2.0, 4.0],
            mean: vec![1.0, 10.0],
            ..scaler()
        };
        let mut values: Vec<f32> = [[1.0, 3.0, 5.0], [10.0, 14.0, 2.0]].concat().repeat(2);
        scaler.apply(&mut values);
        let expected = [0.0, 1.0, 2.0, 0.0, 1.0, -2.0].repeat(2);
        assert_eq!(values, expected);
    }

    #[test]
    fn impossible_ones_are_refused() {
        let good = serde_json::json!(scaler());
        for (field, bad) in [
            ("dims", serde_json::json!([])),
            ("dims", serde_json::json!([2, 0])),
            ("dims", serde_json::json!([2, u64::MAX])),
            ("dims", serde_json::json!([3, 3])),
            ("mean", serde_json::json!([1.0])),
            ("mean", serde_json::json!([1.0, 1e300])),
            ("std", serde_json::json!([1.0, 0.0])),
            ("typo", serde_json::json!(1)),
        ] {
            let mut json = good.clone();
            json[field] = bad;
            let mut graph = Graph::new("g", 17);
            graph.metadata.insert(KEY.into(), json.to_string());
            assert!(StandardScaler::of(&graph).is_err(), "{json}");
        }
    }
}
