//! The profile that ONNX Runtime writes, and the times of the nodes in it.

use std::path::Path;

use serde::Deserialize;

use crate::node_times::{NodeTime, Recorder};

/// An entry of the profile that ONNX Runtime writes, in the Chrome trace format.
#[derive(Deserialize)]
struct Event {
    name: String,
    /// Microseconds.
    #[serde(default)]
    dur: u64,
    #[serde(default)]
    args: EventArgs,
}

#[derive(Default, Deserialize)]
struct EventArgs {
    op_name: Option<String>,
}

/// The median time of each node in the profile at `path`.
pub(super) fn node_times(path: &Path) -> Result<Vec<NodeTime>, String> {
    let text = std::fs::read(path).map_err(|error| error.to_string())?;
    let events: Vec<Event> = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let mut recorder = Recorder::default();
    for event in events {
        if let (Some(node), Some(op)) =
            (event.name.strip_suffix("_kernel_time"), event.args.op_name)
        {
            recorder.record(node, &op, event.dur * 1000);
        }
    }
    Ok(recorder.medians())
}
