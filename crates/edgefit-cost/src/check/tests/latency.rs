//! Times, and limits on them.

use super::*;

#[test]
fn a_time_within_the_interval_is_neither_yes_nor_no() {
    let (graph, shapes) = large();
    let profile = device("raspberry-pi-4b");
    let mut request = Request::new(&profile);
    let figure = check(&graph, &shapes, &request).unwrap().latency.unwrap();
    let (likely, high) = (figure.ns.unwrap(), figure.high_ns.unwrap());
    assert!(figure.low_ns < likely && likely < high);
    assert_eq!((figure.basis, figure.threads), (NeedBasis::Estimate, 4));
    // 600,144 B at 5.56 GB/s take longer than 360,000 MACs at 28.8 GMAC/s.
    assert!(figure.low_ns.abs_diff(107_940) < 5, "{figure:?}");
    assert!(high.abs_diff(1_079_400) < 50, "{figure:?}");
    for (limit, holds) in [
        (high, Some(true)),
        (high - 1, None),
        (figure.low_ns, None),
        (figure.low_ns - 1, Some(false)),
    ] {
        request.limits.latency_ns = Some(limit);
        let checked = check(&graph, &shapes, &request).unwrap();
        assert_eq!(checked.budgets.last().unwrap().holds, holds, "{limit}");
        assert_eq!(checked.latency.as_ref(), Some(&figure));
    }
}

#[test]
fn measured_rates_come_before_peaks() {
    use edgefit_device::calibration::Calibration;
    use edgefit_device::rates::{OpClass, OpSize, Point, Rate};
    let (graph, shapes) = large();
    let mut profile = device("n100-mini-pc");
    let rate = |class| Rate {
        engine: EngineId::Tract,
        element_type: ElementType::F32,
        threads: 2,
        class,
        channel_block: 1,
        points: vec![Point {
            size: OpSize::ONE,
            ns: 10,
        }],
    };
    profile.rates = vec![rate(OpClass::Pointwise)];
    profile.calibrations = vec![Calibration {
        engine: EngineId::Tract,
        element_type: ElementType::F32,
        threads: 2,
        models: 9,
        error_p90: 0.25,
    }];
    let mut request = Request::new(&profile);
    assert_eq!(request.threads, 2, "as many as were measured");
    request.threads = 4;
    let roofline = check(&graph, &shapes, &request).unwrap().latency.unwrap();
    assert_eq!(
        roofline.basis,
        NeedBasis::Estimate,
        "4 threads were not measured"
    );
    request.threads = 2;
    let checked = check(&graph, &shapes, &request).unwrap();
    let figure = checked.latency.unwrap();
    assert_eq!(figure.basis, NeedBasis::Calibrated);
    let likely = figure.ns.unwrap();
    assert!(figure.low_ns.abs_diff(likely * 4 / 5) <= 1);
    assert!(figure.high_ns.unwrap().abs_diff(likely * 4 / 3) <= 1);
    // 6 W for that long.
    let expected = 6000.0 * likely as f64 / 1e9;
    assert!((checked.energy.unwrap().energy_mj - expected).abs() < 1e-9);
    assert_eq!(checked.layers.len(), 1);
}

#[test]
fn a_change_whose_time_is_not_known_does_not_end_the_list() {
    let (graph, shapes) = conv(12, 150);
    let mut profile = device("raspberry-pi-4b");
    profile.peak.cpu_int8_macs_per_second = None;
    let mut request = Request::new(&profile);
    request.limits.latency_ns = Some(500_000);
    let checked = check(&graph, &shapes, &request).unwrap();
    assert_eq!(checked.suggestions[0].change.to_string(), "int8");
    assert_eq!(checked.suggestions[0].latency_ns, None);
    assert_eq!(checked.suggestions[0].verdict, Verdict::Unknown);
    assert!(checked.suggestions.len() > 1);
}

#[test]
fn without_a_bandwidth_the_interval_has_no_upper_end() {
    let (graph, shapes) = large();
    let mut profile = device("raspberry-pi-4b");
    profile.memory = edgefit_device::profile::Memory::default();
    let mut request = Request::new(&profile);
    let figure = check(&graph, &shapes, &request).unwrap().latency.unwrap();
    assert_eq!((figure.ns, figure.high_ns), (None, None));
    // 360,000 MACs at 28.8 GMAC/s.
    assert_eq!(figure.low_ns, 12_500);
    for (limit, holds) in [(u64::MAX >> 8, None), (12_500, None), (12_499, Some(false))] {
        request.limits.latency_ns = Some(limit);
        let checked = check(&graph, &shapes, &request).unwrap();
        let budget = checked.budgets.last().unwrap();
        assert_eq!(budget.holds, holds, "{limit}");
        assert!(
            budget.explanation.contains("0.013 ms at least"),
            "{budget:?}"
        );
    }
}

#[test]
fn a_slower_board_is_never_predicted_to_be_faster() {
    let (graph, shapes) = large();
    let figure = |name: &str| {
        let profile = device(name);
        let checked = check(&graph, &shapes, &Request::new(&profile)).unwrap();
        checked.latency.unwrap()
    };
    let boards = [
        "raspberry-pi-zero-2w",
        "raspberry-pi-3b-plus",
        "raspberry-pi-4b",
    ];
    let times = boards.map(|name| figure(name).ns.unwrap());
    assert!(times.is_sorted_by(|slow, fast| slow >= fast), "{times:?}");
    assert!(figure("raspberry-pi-3b-plus").low_ns > figure("raspberry-pi-4b").low_ns);
}

#[test]
fn every_kernel_of_a_gpu_takes_its_time() {
    let (mut graph, shapes) = large();
    let request_time = |graph: &Graph| {
        let profile = device("h200");
        let checked = check(graph, &shapes, &Request::new(&profile)).unwrap();
        let figure = checked.latency.unwrap();
        (figure.low_ns, figure.high_ns.unwrap())
    };
    assert_eq!(request_time(&graph), (3_400, 34_000));
    // Runs in the convolution at best, and is a kernel of its own at worst.
    graph.nodes.push(Node::new("Relu", "relu", &["y"], &["z"]));
    graph.outputs[0].name = "z".into();
    assert_eq!(request_time(&graph), (3_400, 68_000));
    // A second reader keeps it from that.
    graph
        .nodes
        .push(Node::new("Sigmoid", "gate", &["z"], &["g"]));
    graph
        .nodes
        .push(Node::new("Mul", "mul", &["z", "g"], &["m"]));
    graph.outputs[0].name = "m".into();
    let (low, high) = request_time(&graph);
    assert!(low >= 2 * 3_400 && high >= 3 * 34_000, "{low} {high}");
    // Nothing is known of how an accelerator starts its kernels: no upper end.
    let mut profile = device("h200");
    profile.accelerator.as_mut().unwrap().kernel_ns = None;
    let checked = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    assert_eq!(checked.latency.unwrap().high_ns, None);
}
