//! What a check for engine `c` says of flash: that of the program, not of the file.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

#[allow(dead_code, reason = "other tests use it")]
mod qdq;

use edgefit_cost::{Check, Request, Resource, Verdict, judge};
use edgefit_device::{Engine, Profile, WeightsIn};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_micro::target::{Core, data_bytes, flash_bytes, uncertain_bytes};
use edgefit_micro::{judge_lowered, lower};
use qdq::{Qdq, conv};

fn network() -> Graph {
    let mut made = Qdq::new(&[3, 8, 8]);
    conv(&mut made, "x_q", "a", &[24, 3, 3, 3]);
    conv(&mut made, "a_q", "b", &[32, 24, 1, 1]);
    made.graph("b_q")
}

/// What is planned of `device`, and what is said once its program is known.
fn checks(profile: &Profile, engine: &str) -> [Check; 2] {
    let graph = network();
    let shapes = InputShapes::bind(&graph, 1, None).unwrap();
    let request = Request::new(profile).with_engine(engine).unwrap();
    let planned = judge(&graph, &shapes, &request).unwrap();
    let mut lowered = planned.clone();
    judge_lowered(&mut lowered, (&graph, &shapes), &request);
    [planned, lowered]
}

fn flash(check: &Check) -> Option<u64> {
    let mut budgets = check.budgets.iter();
    let budget = budgets.find(|budget| budget.resource == Resource::Flash)?;
    budget.amounts.need_bytes()
}

#[test]
fn flash_is_that_of_the_program_for_its_core() {
    let program = lower(&network()).unwrap();
    for (device, core) in [
        ("stm32h743", Core::CortexM7),
        ("stm32f411", Core::CortexM4),
        ("rp2040", Core::CortexM0Plus),
        ("esp32-c3", Core::Rv32Imc),
    ] {
        let profile = edgefit_device::find(device).unwrap();
        let [planned, lowered] = checks(&profile, "c");
        let need = flash_bytes(&program, core) + uncertain_bytes(&program);
        assert_eq!(flash(&lowered), Some(need), "{device}");
        assert!(flash(&planned).unwrap() > need, "{device}");
    }
}

#[test]
fn code_for_a_core_without_a_compiler_is_what_its_profile_says() {
    let profile = edgefit_device::find("esp32-s3").unwrap();
    let [_, lowered] = checks(&profile, "c");
    let is_c = |engine: &&Engine| engine.name.as_str() == "c";
    let code = profile.engines.iter().find(is_c).unwrap();
    let code = code.code_bytes.as_ref().unwrap().value;
    let program = lower(&network()).unwrap();
    assert_eq!(flash(&lowered), Some(data_bytes(&program) + code));
}

#[test]
fn a_no_of_the_plan_alone_is_taken_back() {
    let program = lower(&network()).unwrap();
    let need = flash_bytes(&program, Core::CortexM4) + uncertain_bytes(&program);
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    let bank = profile.flash.as_mut().unwrap();
    bank.reserved_bytes = None;
    for (bytes, verdict) in [(need, Verdict::Fits), (need - 1, Verdict::DoesNotFit)] {
        profile.flash.as_mut().unwrap().bytes.value = bytes;
        let [planned, lowered] = checks(&profile, "c");
        assert_eq!(
            (planned.verdict, lowered.verdict),
            (Verdict::DoesNotFit, verdict)
        );
    }
}

#[test]
fn what_is_not_its_program_is_left_as_it_was_planned() {
    let mut profile = edgefit_device::find("stm32f411").unwrap();
    let [planned, lowered] = checks(&profile, "tflite-micro");
    assert_eq!(flash(&planned), flash(&lowered));
    profile.weights_in = WeightsIn::Ram;
    let [planned, lowered] = checks(&profile, "c");
    assert_eq!(flash(&planned), flash(&lowered));
}
