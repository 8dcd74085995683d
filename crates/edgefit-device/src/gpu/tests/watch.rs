//! Samples of a GPU through stand-in libraries.

use super::super::{Reading, Sample, Watch};
use super::stand_in::StandIn;

#[test]
fn a_gpu_and_the_memory_of_a_process_are_sampled() {
    let stand_in = StandIn::build(&[]);
    let library = stand_in.path();
    let watch = Watch::open(Some(&library), "0,1").unwrap();
    let first = watch.now(4242);
    assert_eq!(first.power_milliwatts, Reading::Value(123_456));
    assert_eq!(first.graphics_clock_hz, Reading::Value(1_410_000_000));
    assert_eq!(first.process_memory_bytes, Reading::Value(700_000_000));
    let second = watch.now(1);
    let energy = |sample: &Sample| *sample.energy_millijoules.value().unwrap();
    assert_eq!(energy(&second) - energy(&first), 500);
    let missing = serde_json::to_string(&second.process_memory_bytes).unwrap();
    assert!(
        missing.contains("NVML does not list process 1"),
        "{missing}"
    );
}

#[test]
fn a_gpu_that_cannot_be_watched_says_why() {
    let lost = StandIn::build(&["FAIL_IN=\"nvmlDeviceGet\"", "FAIL_WITH=15"]);
    let watch = Watch::open(Some(&lost.path()), "").unwrap();
    let sample = watch.now(4242);
    for reading in [sample.power_milliwatts, sample.process_memory_bytes] {
        let text = serde_json::to_string(&reading).unwrap();
        assert!(text.contains("dmesg"), "{text}");
    }
    let none = Watch::open(Some(&StandIn::folder().path()), "")
        .err()
        .unwrap();
    assert!(none.contains("there is no such file"), "{none}");
}
