//! Verdicts on small networks and built-in devices.

use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

use super::*;
use crate::basis::NeedBasis;

mod execution;
mod latency;
mod microcontrollers;

/// One convolution from 3 to `channels` channels, 1×1, on a `side` × `side` image.
fn conv(channels: usize, side: usize) -> (Graph, InputShapes) {
    let mut graph = Graph::new("conv", 17);
    let dims = [1, 3, side, side].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weight = vec![0f32; channels * 3];
    graph.initializers.insert(
        "w".into(),
        Tensor::from_values(vec![channels, 3, 1, 1], &weight),
    );
    graph
        .nodes
        .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    (graph, shapes)
}

fn device(name: &str) -> edgefit_device::Profile {
    edgefit_device::find(name).unwrap()
}

/// 3 + 12 channels of 100 × 100 floats: 600,000 B, more than the largest bank of an STM32H743.
fn large() -> (Graph, InputShapes) {
    conv(12, 100)
}

/// Need and have of a budget of bytes.
fn bytes(budget: &Budget) -> (Option<u64>, u64) {
    budget.amounts.both()
}

#[test]
fn one_bank_has_to_hold_the_arena() {
    let profile = device("stm32h743");
    let (graph, shapes) = large();
    let check = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    assert_eq!(check.verdict, Verdict::DoesNotFit);
    assert_eq!(check.engine, Some(EngineId::TfliteMicro));
    let ram = &check.budgets[1];
    assert_eq!(ram.place, "AXI SRAM");
    // Three tensors of 12 B each go to another bank.
    assert_eq!(bytes(ram), (Some(600_000), 524_288));
    assert_eq!(ram.margin, Some(524_288 - 600_000));
    assert_eq!(ram.holds, Some(false));
    let words = "6 banks hold 1015808 B together, but no one of them holds it";
    assert!(ram.explanation.contains(words), "{}", ram.explanation);
    assert_eq!(check.budgets[0].holds, Some(true));
    assert_eq!(bytes(&check.budgets[0]).0, Some(144 + (16 << 10)));
}

#[test]
fn several_banks_hold_it_together_and_the_first_that_fits_ends_the_list() {
    let profile = device("stm32h743");
    let (graph, shapes) = large();
    let plain = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    // The engine with several banks is the gentlest change that helps.
    assert_eq!(plain.suggestions.len(), 1);
    assert_eq!(
        plain.suggestions[0].change.to_string(),
        "--engine stm32cube-ai"
    );
    assert_eq!(plain.suggestions[0].verdict, Verdict::Unknown);
    assert_eq!(plain.suggestions[0].fits_if.len(), 2, "code and RAM");
    assert_eq!(plain.suggestions[0].ram_bytes, Some(600_000));

    let request = Request::new(&profile).with_engine("stm32cube-ai").unwrap();
    let spread = check(&graph, &shapes, &request).unwrap();
    let ram = &spread.budgets[1];
    assert_eq!(ram.place, "AXI SRAM, SRAM1");
    assert!(ram.margin.unwrap() >= 0);
    assert_eq!(spread.verdict, Verdict::Unknown, "its own RAM is not known");
    assert!(spread.suggestions.is_empty());

    // The same chip with an engine of which all is known.
    let profile = device("stm32h747");
    let request = Request::new(&profile).with_engine("stm32cube-ai").unwrap();
    let known = check(&graph, &shapes, &request).unwrap();
    assert_eq!(known.verdict, Verdict::Fits, "{known:?}");
    let need = bytes(&known.budgets[1]).0.unwrap();
    assert_eq!(need, 600_000 + 30_863, "the engine's 30.14 KiB are counted");
}

#[test]
fn no_search_is_proposed_for_what_it_would_refuse() {
    let profile = device("stm32h743");
    let proposed = |graph: &Graph, shapes: &InputShapes| {
        let mut request = Request::new(&profile);
        request.search = Some("edgefit fit".into());
        let check = judge(graph, shapes, &request).unwrap();
        assert_eq!(check.verdict, Verdict::DoesNotFit);
        check.search.is_some()
    };
    let (mut graph, shapes) = conv(12, 400);
    assert!(proposed(&graph, &shapes));
    graph.nodes[0].inputs[1] = "wf".into();
    let one = Tensor::from_values(vec![], &[1f32]);
    graph.initializers.insert("s".into(), one);
    let zero = Tensor::from_values(vec![], &[0i8]);
    graph.initializers.insert("z".into(), zero);
    let weight = Tensor::from_values(vec![12, 3, 1, 1], &[1i8; 36]);
    graph.initializers.insert("w".into(), weight);
    let dequantize = Node::new("DequantizeLinear", "dq", &["w", "s", "z"], &["wf"]);
    graph.nodes.insert(0, dequantize);
    assert!(!proposed(&graph, &shapes));
}

#[test]
fn a_suggestion_reaches_what_it_says() {
    let profile = device("rp2040");
    let (graph, shapes) = conv(12, 150);
    let said = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    let words: Vec<String> = said
        .suggestions
        .iter()
        .map(|tried| tried.change.to_string())
        .collect();
    let expected = [
        "int8 with c",
        "at 128×128",
        "at 96×96",
        "int8 at 128×128 with c",
    ];
    assert_eq!(words, expected);
    let (last, before) = said.suggestions.split_last().unwrap();
    assert!(
        before
            .iter()
            .all(|tried| tried.verdict == Verdict::DoesNotFit)
    );
    assert_eq!(last.verdict, Verdict::Fits);
    // 15 channels of 128 × 128 bytes, no scratch for a 1×1 convolution, and the stack.
    assert_eq!(last.ram_bytes, Some(15 * 128 * 128 + 2064));
}

#[test]
fn smaller_backbones_are_built_only_when_nothing_else_helps() {
    let profile = device("nrf52832");
    let (graph, shapes) = conv(200, 96);
    let mut request = Request::new(&profile);
    request.backbones = vec![
        Backbone {
            name: "larger",
            build: Box::new(|classes| conv(classes + 1, 300).0),
        },
        Backbone {
            name: "tiny",
            build: Box::new(|_| conv(1, 20).0),
        },
        Backbone {
            name: "never",
            build: Box::new(|_| panic!("built though another fits")),
        },
    ];
    let said = check(&graph, &shapes, &request).unwrap();
    let last = said.suggestions.last().unwrap();
    assert_eq!(last.change.to_string(), "tiny int8 with c");
    assert_eq!(last.ram_bytes, Some(4 * 400 + 2064));

    let (small, shapes) = conv(1, 10);
    assert!(
        check(&small, &shapes, &request)
            .unwrap()
            .suggestions
            .is_empty()
    );
}

#[test]
fn what_cannot_be_worked_out_is_unknown() {
    let profile = device("stm32h743");
    let (mut graph, shapes) = conv(1, 10);
    graph
        .nodes
        .push(Node::new("Frobnicate", "odd", &["y"], &["z"]));
    let check = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    assert_eq!(check.verdict, Verdict::Unknown);
    assert_eq!(bytes(&check.budgets[1]).0, None);
    assert_eq!(check.latency, None);
}

#[test]
fn an_engine_of_unknown_size_leaves_a_small_model_open_on_a_microcontroller_only() {
    let (graph, shapes) = conv(1, 10);
    let profile = device("stm32h747");
    let open = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    assert_eq!(open.verdict, Verdict::Unknown);
    assert_eq!(open.budgets[1].holds, None);
    let words = "tflite-micro's own RAM is not known, `--engine stm32cube-ai` has figures";
    assert!(open.budgets[1].explanation.contains(words));

    let profile = device("raspberry-pi-4b");
    let fits = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    assert_eq!(fits.verdict, Verdict::Fits);
    // 3 × 12 B of weights, 4 planes of 100 floats, 128 MiB.
    assert_eq!(bytes(&fits.budgets[0]).0, Some(36 + 1600 + (128 << 20)));

    let mut split = device("raspberry-pi-4b");
    let mut weights = split.banks[0].clone();
    weights.name = "weights".into();
    weights
        .holds
        .retain(|content| *content == edgefit_device::Content::Weights);
    split.banks[0]
        .holds
        .retain(|content| *content != edgefit_device::Content::Weights);
    split.banks.push(weights);
    let fits = check(&graph, &shapes, &Request::new(&split)).unwrap();
    assert_eq!(fits.verdict, Verdict::Fits);
    let need = bytes(&fits.budgets[1]).0;
    assert_eq!(need, Some(36 + 1600 + (128 << 20)));

    let mut request = Request::new(&profile);
    request.limits.ram_bytes = Some(64 << 20);
    let tight = check(&graph, &shapes, &request).unwrap();
    assert_eq!(tight.verdict, Verdict::Unknown);
    assert_eq!(bytes(&tight.budgets[0]), (Some(12 + 1600), 64 << 20));
    request.limits.ram_bytes = Some(1000);
    let short = check(&graph, &shapes, &request).unwrap();
    assert_eq!(short.verdict, Verdict::DoesNotFit);
    assert_eq!(short.budgets[0].place, "limit");
}

#[test]
fn limits_by_hand_replace_those_of_the_device() {
    let (graph, shapes) = large();
    let profile = device("raspberry-pi-4b");
    let mut request = Request::new(&profile);
    request.limits.flash_bytes = Some(143);
    let on_disk = check(&graph, &shapes, &request).unwrap();
    let flash = &on_disk.budgets[0];
    assert_eq!(
        (flash.resource, flash.holds),
        (Resource::Flash, Some(false))
    );
    assert_eq!(bytes(flash), (Some(144), 143));

    let profile = device("stm32h747");
    let mut request = Request::new(&profile).with_engine("stm32cube-ai").unwrap();
    request.limits.flash_bytes = Some(64 << 10);
    request.limits.ram_bytes = Some(1 << 20);
    let by_hand = check(&graph, &shapes, &request).unwrap();
    let held: Vec<Option<bool>> = by_hand.budgets.iter().map(|budget| budget.holds).collect();
    assert_eq!(
        held,
        [Some(false), Some(true)],
        "108 KiB of code, 1 MiB of RAM"
    );
    let refused = Request::new(&profile).with_engine("tract").err().unwrap();
    let words =
        "device 'stm32h747' has no engine 'tract'; use one of c, tflite-micro, stm32cube-ai";
    assert_eq!(refused.to_string(), words);
}

/// A convolution from 3 to 8 channels of 10 × 10 in the QDQ format.
fn quantised() -> (Graph, InputShapes) {
    let mut graph = Graph::new("quantised", 17);
    let dims = [1, 3, 10, 10].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    let weight = Tensor::from_values(vec![8, 3, 1, 1], &[1i8; 24]);
    graph.initializers.insert("w".into(), weight);
    let bias = Tensor::from_values(vec![8], &[0i32; 8]);
    graph.initializers.insert("b".into(), bias);
    let scale = Tensor::from_values(vec![], &[0.1f32]);
    graph.initializers.insert("s".into(), scale);
    let zero = Tensor::from_values(vec![], &[0i8]);
    graph.initializers.insert("z".into(), zero);
    graph.nodes = vec![
        Node::new("QuantizeLinear", "q", &["x", "s", "z"], &["xq"]),
        Node::new("DequantizeLinear", "dx", &["xq", "s", "z"], &["xd"]),
        Node::new("DequantizeLinear", "dw", &["w", "s", "z"], &["wd"]),
        Node::new("DequantizeLinear", "db", &["b", "s"], &["bd"]),
        Node::new("Conv", "conv", &["xd", "wd", "bd"], &["c"]),
        Node::new("QuantizeLinear", "qy", &["c", "s", "z"], &["yq"]),
        Node::new("DequantizeLinear", "dy", &["yq", "s", "z"], &["y"]),
    ];
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    (graph, shapes)
}

#[test]
fn a_quantised_model_is_not_narrowed_again() {
    let (graph, shapes) = quantised();
    let profile = device("stm32h743");
    let checked = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    assert_eq!(checked.element_type, ElementType::Int8);
    let weights = 24 + 32 + 4 + 1;
    assert_eq!(bytes(&checked.budgets[0]).0, Some(weights + (16 << 10)));
    // Planes of 3 and 8 channels, a byte each, and the stack.
    assert_eq!(bytes(&checked.budgets[1]).0, Some(300 + 800 + 2064));
    // Everything is known of the engine that is assumed for integers.
    assert_eq!(
        (checked.engine, checked.verdict),
        (Some(EngineId::C), Verdict::Fits)
    );
}

#[test]
fn what_was_measured_replaces_what_was_predicted() {
    let profile = device("raspberry-pi-4b");
    let (graph, shapes) = large();
    let mut request = Request::new(&profile);
    request.limits.latency_ns = Some(10);
    request.measured = Some(Measured {
        by: "a process".into(),
        peak_rss_bytes: Some(5 << 20),
        run_ns: Some([9, 8, 11]),
    });
    let check = check(&graph, &shapes, &request).unwrap();
    let [ram, time] = check.budgets.as_slice() else {
        panic!("{:?}", check.budgets)
    };
    assert_eq!(bytes(ram).0, Some(5 << 20));
    assert_eq!((ram.basis, ram.holds), (NeedBasis::Measured, Some(true)));
    // The limit lies within the interval.
    assert_eq!((time.basis, time.holds), (NeedBasis::Measured, None));
    assert_eq!(check.latency.unwrap().ns, Some(9));
    // Changes to the model are predicted.
    assert!(
        check
            .suggestions
            .iter()
            .all(|tried| tried.latency_ns != Some(9))
    );
}
