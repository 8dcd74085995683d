//! Random programs on emulated cores, equal to the reference to the byte.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod random_program;

use edgefit_micro::ArenaPlan;
use edgefit_micro::c::{Name, Parts};
use edgefit_micro::target::{Core, emulate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn equal(core: Core, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let program = random_program::draw(&mut random);
        let plan = ArenaPlan::in_one(&program);
        let bytes = program.input.dims.iter().product();
        let inputs: Vec<Vec<i8>> = (0..3)
            .map(|_| (0..bytes).map(|_| random.random()).collect())
            .collect();
        let parts = Parts {
            program: &program,
            plan: &plan,
            name: &Name::default(),
            library: None,
        };
        let emulated = emulate(parts, core, &inputs).unwrap();
        let wanted: Vec<Vec<i8>> = inputs.iter().map(|input| program.run(input)).collect();
        assert_eq!(emulated.outputs, wanted, "seed {seed}");
        assert!(emulated.instructions.iter().all(|&count| count > 0));
    }
}

#[test]
fn random_programs_on_emulated_cores() {
    equal(Core::CortexM4, 0..3);
    equal(Core::CortexM7, 3..9);
    equal(Core::CortexM33, 9..12);
    equal(Core::Rv32Imc, 12..15);
    equal(Core::Rv32Imac, 15..17);
}

#[test]
#[ignore = "takes 3 minutes"]
fn many_random_programs_on_an_emulated_core() {
    equal(Core::CortexM7, 100..400);
}
