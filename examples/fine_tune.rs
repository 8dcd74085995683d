//! The whole job as a library: fine-tune a backbone on a folder of images for a board.
//!
//! ```sh
//! cargo run --release --example fine_tune -- IMAGES BACKBONE.onnx RUN
//! ```

use edgefit::train::evaluate::metrics::Metrics;
use edgefit::train::{Job, Observer, train};

/// Prints what is going on, a line a part.
struct Lines;

impl Observer for Lines {
    fn begin(&mut self, what: &str, total: u64) {
        println!("{what}: {total}");
    }

    fn progress(&mut self, _done: u64, _how: &str) {}

    fn end(&mut self) {}

    fn warn(&mut self, message: &str) {
        eprintln!("warning: {message}");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, backbone, run] = arguments.as_slice() else {
        return Err("usage: fine_tune IMAGES BACKBONE.onnx RUN".into());
    };
    let device = edgefit::device::find("raspberry-pi-4b")?;
    let job = Job::new(data.as_ref(), backbone.as_ref(), device, run.as_ref());
    let report = train(&job, &mut Lines)?;
    if let Metrics::Classification(test) = &report.test {
        let [low, high] = test.accuracy_interval;
        println!("test accuracy {:.3} ({low:.3} – {high:.3})", test.accuracy);
    }
    for found in report
        .guards
        .iter()
        .filter(|found| found.status.is_raised())
    {
        println!("{}: {}", found.code, found.message);
    }
    println!("{}", report.exported.path.display());
    Ok(())
}
