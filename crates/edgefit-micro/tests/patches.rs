//! Programs in memory and in patches: values never share bytes, every byte stays, the arena shrinks, and what overlaps
//! is counted.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

#[allow(dead_code, reason = "other tests use it")]
mod qdq;

use edgefit_cost::{Request, Resource, TrialOutcome, Verdict, judge};
use edgefit_device::Content;
use edgefit_device::profile::Profile;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::{Attribute, Graph, Node};
use edgefit_micro::ops::Op;
use edgefit_micro::patch::{Layout, Patching, Placed, RESERVE_BYTES};
use edgefit_micro::{ArenaPlan, InputBy, Program, Source, judge_lowered, lower, lowering_tried};
use qdq::{Qdq, conv, ints};

/// A convolution of `from` with a kernel of 3 and the stride `stride`, its padding before and after.
fn conv3(
    made: &mut Qdq,
    [from, name]: [&str; 2],
    weight: &[usize],
    [stride, before, after]: [i64; 3],
) {
    let w = format!("{name}_w");
    made.weight(&w, weight);
    let node = Node::new("Conv", name, &[from, &w], &[name]);
    let groups = if weight[1] == 1 { weight[0] as i64 } else { 1 };
    made.node(
        node.with("pads", ints(&[before, before, after, after]))
            .with("strides", ints(&[stride, stride]))
            .with("group", Attribute::Int(groups)),
    );
}

/// Large images in front, a residual among them, small ones behind.
fn network(side: usize) -> Program {
    lower(&graph(side)).unwrap()
}

/// The same as a graph.
fn graph(side: usize) -> Graph {
    let mut made = Qdq::new(&[3, side, side]);
    conv3(&mut made, ["x_q", "a"], &[16, 3, 3, 3], [2, 0, 1]);
    conv3(&mut made, ["a_q", "b"], &[16, 1, 3, 3], [1, 1, 1]);
    made.weight("c_w", &[16, 16, 1, 1]);
    made.node(Node::new("Conv", "c", &["b_q", "c_w"], &["c"]));
    made.node(Node::new("Add", "sum", &["a_q", "c_q"], &["sum"]));
    made.node(Node::new("Sigmoid", "f", &["sum_q"], &["f"]));
    conv3(&mut made, ["f_q", "d"], &[12, 16, 3, 3], [2, 1, 1]);
    made.node(
        Node::new("MaxPool", "e", &["d_q"], &["e"])
            .with("kernel_shape", ints(&[2, 2]))
            .with("strides", ints(&[2, 2])),
    );
    conv3(&mut made, ["e_q", "g"], &[6, 12, 3, 3], [1, 1, 1]);
    made.node(Node::new("GlobalAveragePool", "p", &["g_q"], &["p"]));
    made.graph("p_q")
}

fn noise(count: usize, seed: u32) -> Vec<i8> {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as i8
    };
    (0..count).map(next).collect()
}

#[test]
fn bytes_stay_and_the_arena_shrinks() {
    for side in [37, 64, 65] {
        let program = network(side);
        let placed = Placed::smallest(&program, InputBy::Whole).unwrap();
        let patches = placed.patches.unwrap();
        assert!(
            patches.arena_bytes < patches.whole_arena_bytes,
            "{patches:?}"
        );
        assert_eq!(patches.arena_bytes, placed.plan.bytes());
        assert!(patches.macs * 5 <= patches.whole_macs * 6, "{patches:?}");
        for seed in 0..5 {
            let input = noise(3 * side * side, seed);
            assert_eq!(placed.program.run(&input), program.run(&input), "{side}");
        }
        // Parts share their weights.
        let more = placed.program.constant_bytes() - program.constant_bytes();
        assert!(more < 100 * placed.program.steps.len() as u64, "{more}");
    }
}

#[test]
fn a_device_gets_patches_only_where_it_is_short() {
    let program = network(64);
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    let whole = Placed::over(&program, &profile, (RESERVE_BYTES, InputBy::Whole)).unwrap();
    assert_eq!(whole.patches, None);
    let most = Placed::smallest(&program, InputBy::Whole)
        .unwrap()
        .plan
        .bytes();
    profile.banks[0].bytes.value = most + RESERVE_BYTES;
    let short = Placed::over(&program, &profile, (RESERVE_BYTES, InputBy::Whole)).unwrap();
    let patches = short.patches.unwrap();
    assert!(patches.arena_bytes <= most + RESERVE_BYTES, "{patches:?}");
    let copies = short.program.steps.iter();
    assert!(
        copies
            .filter(|step| matches!(step.op, Op::CopyRows(_)))
            .count()
            > 1
    );
    profile.banks[0].bytes.value = 4096;
    let words = Placed::over(&program, &profile, (RESERVE_BYTES, InputBy::Whole))
        .unwrap_err()
        .to_string();
    assert!(words.contains("4096 B"), "{words}");
}

#[test]
fn the_smallest_arena_has_a_place_in_the_device_or_is_refused() {
    let program = network(64);
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    let placed = |profile: &Profile| {
        let layout = Layout {
            device: Some(profile),
            patching: Patching::Smallest,
            input_by: InputBy::Whole,
        };
        Placed::new(program.clone(), layout)
    };
    let least = Placed::smallest(&program, InputBy::Whole).unwrap();
    let there = placed(&profile).unwrap();
    assert_eq!(there.patches, least.patches);
    assert_eq!(there.plan.bytes(), least.plan.bytes());
    assert_eq!(
        there.plan.banks[0].name.as_ref(),
        Some(&profile.banks[0].name)
    );
    // The bank has no room beside it.
    profile.banks[0].bytes.value = least.plan.bytes() + RESERVE_BYTES / 2;
    let tight = placed(&profile).unwrap();
    assert_eq!(tight.plan.bytes(), least.plan.bytes());
    profile.banks[0].bytes.value = 4096;
    let refused = placed(&profile).unwrap_err().to_string();
    assert!(refused.contains("no placement in the banks"), "{refused}");
}

#[test]
fn what_no_microcontroller_holds_is_refused() {
    let layout = Layout {
        device: None,
        patching: Patching::Never,
        input_by: InputBy::Whole,
    };
    let refused = Placed::new(network(5000), layout).unwrap_err().to_string();
    assert!(refused.contains("no microcontroller has more"), "{refused}");
}

#[test]
fn what_lies_behind_the_image_alone_has_no_part_of_it() {
    let mut made = Qdq::new(&[3, 64, 64]);
    // Its last windows begin where the image ends.
    conv3(&mut made, ["x_q", "a"], &[16, 3, 3, 3], [2, 0, 4]);
    conv3(&mut made, ["a_q", "b"], &[16, 1, 3, 3], [1, 1, 1]);
    conv3(&mut made, ["b_q", "c"], &[12, 16, 3, 3], [2, 1, 1]);
    conv3(&mut made, ["c_q", "d"], &[6, 12, 3, 3], [2, 1, 1]);
    made.node(Node::new("GlobalAveragePool", "p", &["d_q"], &["p"]));
    let program = lower(&made.graph("p_q")).unwrap();
    let placed = Placed::smallest(&program, InputBy::Whole).unwrap();
    assert_eq!(placed.patches, None);
    let input = noise(3 * 64 * 64, 3);
    assert_eq!(placed.program.run(&input), program.run(&input));
}

#[test]
fn an_input_that_is_asked_for_takes_no_ram_and_changes_no_byte() {
    let program = network(65);
    let whole = Placed::smallest(&program, InputBy::Whole).unwrap();
    let placed = Placed::smallest(&program, InputBy::Parts).unwrap();
    let input = 3 * 65 * 65;
    assert!(placed.plan.bytes() + input / 2 < whole.plan.bytes());
    let reads =
        |step: &&edgefit_micro::Step| step.inputs == [Source::Value(placed.program.input.value)];
    let mut reading = placed.program.steps.iter().filter(reads);
    assert!(reading.all(|step| matches!(step.op, Op::CopyRows(_))));
    let input = noise(input as usize, 7);
    assert_eq!(placed.program.run(&input), program.run(&input));
}

#[test]
fn a_result_over_its_input_comes_before_patches() {
    let program = network(64);
    let overlapping = ArenaPlan::overlapping(&program);
    assert!(overlapping.overlaps > 0);
    assert!(overlapping.bytes() < ArenaPlan::in_one(&program).bytes());
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    profile.banks[0].bytes.value = overlapping.bytes() + RESERVE_BYTES;
    let placed = Placed::over(&program, &profile, (RESERVE_BYTES, InputBy::Whole)).unwrap();
    assert_eq!(placed.patches, None);
    assert_eq!(placed.plan.bytes(), overlapping.bytes());
    assert!(placed.plan.overlaps > 0);
}

#[test]
fn a_check_takes_what_patches_make_fit_and_the_time_that_they_cost() {
    let graph = graph(64);
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    let program = lower(&graph).unwrap();
    let least = Placed::smallest(&program, InputBy::Whole).unwrap();
    let least = least.plan.bytes() + RESERVE_BYTES;
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    profile.banks[0].bytes.value = least;
    let request = Request::new(&profile);
    let mut check = judge(&graph, &shapes, &request).unwrap();
    assert_eq!(check.verdict, Verdict::DoesNotFit);
    let before = check.latency.clone().unwrap();
    let patches = judge_lowered(&mut check, (&graph, &shapes), &request).unwrap();
    assert_eq!(check.verdict, Verdict::Fits);
    let mut budgets = check.budgets.iter();
    let ram = budgets.find(|budget| budget.resource == Resource::Ram);
    let need = ram.unwrap().amounts.need_bytes();
    assert_eq!(need, Some(patches.arena_bytes + RESERVE_BYTES));
    let longer = check.latency.unwrap().low_ns as f64 / before.low_ns as f64;
    assert!((longer - patches.factor()).abs() < 0.01, "{longer}");
    assert!(patches.factor() > 1.0);
    // A device with enough of it is left as it was.
    let profile = edgefit_device::find("stm32f411").unwrap();
    let request = Request::new(&profile);
    let mut check = judge(&graph, &shapes, &request).unwrap();
    let whole = check.budgets.len();
    assert_eq!(judge_lowered(&mut check, (&graph, &shapes), &request), None);
    assert_eq!((check.verdict, check.budgets.len()), (Verdict::Fits, whole));
}

#[test]
fn a_limit_of_ram_is_a_bank_for_patches() {
    let graph = graph(64);
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    let program = lower(&graph).unwrap();
    let least = Placed::smallest(&program, InputBy::Whole).unwrap();
    let limit = least.plan.bytes() + RESERVE_BYTES;
    let profile = edgefit_device::find("stm32f411").unwrap();
    let mut request = Request::new(&profile);
    for (limit, verdict) in [
        (limit, Verdict::Fits),
        (RESERVE_BYTES / 2, Verdict::DoesNotFit),
    ] {
        request.limits.ram_bytes = Some(limit);
        let mut check = judge(&graph, &shapes, &request).unwrap();
        assert_eq!(check.verdict, Verdict::DoesNotFit);
        let patches = judge_lowered(&mut check, (&graph, &shapes), &request);
        assert_eq!(
            (patches.is_some(), check.verdict),
            (verdict == Verdict::Fits, verdict)
        );
        let mut budgets = check.budgets.iter();
        let ram = budgets.find(|budget| budget.resource == Resource::Ram);
        assert_eq!(ram.unwrap().place, "limit");
    }
}

#[test]
fn a_check_of_several_samples_is_not_that_of_one() {
    let graph = graph(64);
    let shapes = InputShapes::bind(&graph, 8, None).unwrap();
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    profile.banks[0].bytes.value = 64 << 10;
    let request = Request::new(&profile).with_engine("c").unwrap();
    let tried = lowering_tried(&graph, &shapes, &request).unwrap();
    let TrialOutcome::Refused { words, .. } = tried.outcome else {
        panic!("{tried:?}");
    };
    assert!(words.contains("is of 8 samples"), "{words}");
    let mut check = judge(&graph, &shapes, &request).unwrap();
    assert_eq!(judge_lowered(&mut check, (&graph, &shapes), &request), None);
    assert_eq!(check.verdict, Verdict::DoesNotFit);
}

#[test]
fn a_check_counts_the_bank_that_has_data_and_stack() {
    let graph = graph(64);
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    let program = lower(&graph).unwrap();
    let least = Placed::smallest(&program, InputBy::Whole).unwrap();
    let mut profile = edgefit_device::find("stm32f407").unwrap();
    profile.banks[0].holds = vec![Content::Arena];
    profile.banks[0].bytes.value = least.plan.bytes() + RESERVE_BYTES / 4;
    profile.banks[1].holds = vec![Content::Runtime];
    profile.banks[1].bytes.value = 2 * RESERVE_BYTES;
    let request = Request::new(&profile);
    let mut check = judge(&graph, &shapes, &request).unwrap();
    judge_lowered(&mut check, (&graph, &shapes), &request).unwrap();
    assert_eq!(check.verdict, Verdict::Fits);
    let mut budgets = check.budgets.iter();
    let ram = budgets.find(|budget| budget.resource == Resource::Ram);
    assert_eq!(ram.unwrap().place, "SRAM, CCM");
}

#[test]
fn values_that_are_alive_together_never_share_memory() {
    let mut made = Qdq::new(&[4, 6, 6]);
    conv(&mut made, "x_q", "a", &[4, 4, 2, 2]);
    made.node(Node::new("Add", "", &["x_q", "a_q"], &["b"]));
    conv(&mut made, "b_q", "c", &[8, 4, 2, 2]);
    let concat = Node::new("Concat", "", &["a_q", "c_q"], &["d"]);
    made.node(concat.with("axis", Attribute::Int(1)));
    let program = lower(&made.graph("d_q")).unwrap();
    let plan = ArenaPlan::in_one(&program);
    run_in_memory(&program, &plan);
    // Two banks, neither of which is enough.
    let mut profile = edgefit_device::find("stm32h743").unwrap();
    profile.banks.truncate(2);
    for bank in &mut profile.banks {
        bank.bytes.value = plan.bytes() * 5 / 8;
    }
    let plan = ArenaPlan::over(&program, &profile).unwrap();
    let names: Vec<&str> = plan
        .banks
        .iter()
        .filter_map(|bank| bank.name.as_deref())
        .collect();
    assert_eq!(names, ["AXI SRAM", "SRAM1"]);
    run_in_memory(&program, &plan);
    profile.banks.truncate(1);
    let error = ArenaPlan::over(&program, &profile).unwrap_err().to_string();
    assert!(error.contains("B there; give a smaller"), "{error}");
}

/// Runs the program as its C does, values that are not needed any more overwritten.
fn run_in_memory(program: &Program, plan: &ArenaPlan) {
    let most = plan.banks.iter().map(|bank| bank.bytes).max().unwrap();
    let most = usize::try_from(most).unwrap();
    let mut memory = vec![0i8; most * plan.banks.len()];
    let range = |value: usize| {
        let at = plan.placements[value];
        let start = at.bank * most + usize::try_from(at.offset).unwrap();
        start..start + program.values[value]
    };
    let input: Vec<i8> = (0..144).map(|at| (at * 7) as u8 as i8).collect();
    memory[range(program.input.value)].copy_from_slice(&input);
    for step in &program.steps {
        let inputs: Vec<Vec<i8>> = step
            .inputs
            .iter()
            .map(|source| match source {
                Source::Value(value) => memory[range(*value)].to_vec(),
                Source::Constant(bytes) => bytes.clone(),
            })
            .collect();
        let inputs: Vec<&[i8]> = inputs.iter().map(Vec::as_slice).collect();
        step.op.run(&inputs, &mut memory[range(step.output)]);
    }
    assert_eq!(memory[range(program.output.value)], program.run(&input));
}
