//! The picture of a plan.

mod common;

use common::guillotine;
use edgefit_cost::memory_plan::{
    BankPlacement, Goal, Lifetime, Panel, SearchLimits, draw_inline_svg, draw_svg, place,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn drawn(buffers: usize, name: impl Fn(usize) -> String) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut lifetimes = guillotine(&mut rng, buffers / 2 + 2, 1 << 21, buffers);
    for (index, life) in lifetimes.iter_mut().enumerate() {
        life.name = name(index);
    }
    draw(&lifetimes)
}

fn draw(lifetimes: &[Lifetime]) -> String {
    let plan = place(lifetimes, 16, Goal::Smallest, SearchLimits::QUICK);
    let placements: Vec<BankPlacement> = (plan.offsets.iter())
        .map(|&offset| BankPlacement { bank: 0, offset })
        .collect();
    let panel = Panel {
        name: "arena".to_owned(),
        bytes: plan.peak_bytes,
        lower_bound_bytes: Some(plan.lower_bound_bytes),
        limit_bytes: None,
    };
    let steps: Vec<String> = (0..40)
        .map(|step| format!("/features/conv.{step}"))
        .collect();
    draw_svg(lifetimes, &placements, &[panel], &steps)
}

#[test]
fn every_buffer_is_drawn_and_named() {
    for buffers in [60, 300] {
        let svg = drawn(buffers, |index| format!("/blocks.{index}/conv_output"));
        // One for each buffer, and the background.
        assert_eq!(svg.matches("<rect").count(), buffers + 1);
        assert_eq!(svg.matches("<title").count(), buffers);
        assert!(svg.contains("peak") && svg.contains("MiB"));
    }
}

#[test]
fn names_cannot_break_the_picture() {
    let svg = drawn(4, |_| "\"><script>alert('&')</script>\u{0}\u{7}".to_owned());
    assert!(!svg.contains("<script"), "{svg}");
    assert!(!svg.contains('\u{0}') && !svg.contains('\u{7}'));
    assert!(svg.contains("&amp;") || svg.contains("&#38;"), "{svg}");
}

#[test]
fn nothing_and_absurd_sizes_are_drawn() {
    assert!(draw(&[]).contains("</svg>"));
    let huge = common::life(0, 3, u64::MAX);
    assert!(!draw(&[huge.clone(), huge]).contains("NaN"));
}

#[test]
fn each_bank_has_a_panel() {
    let lifetimes = [common::life(0, 2, 300), common::life(1, 3, 100)];
    let placements = [0, 1].map(|bank| BankPlacement { bank, offset: 0 });
    let panels = [("DTCM", 512), ("AXI SRAM", 128)].map(|(name, bytes)| Panel {
        name: name.to_owned(),
        bytes,
        lower_bound_bytes: None,
        limit_bytes: None,
    });
    let svg = draw_svg(&lifetimes, &placements, &panels, &[]);
    assert!(svg.contains("DTCM") && svg.contains("AXI SRAM"));
    assert!(svg.contains("peak: 300 B") && svg.contains("peak: 100 B"));
}

#[test]
fn a_limit_is_a_line_or_told_where_it_is_off_the_picture() {
    let lifetimes = [common::life(0, 2, 300)];
    let placements = [BankPlacement { bank: 0, offset: 0 }];
    let drawn = |limit: u64, bytes: u64| {
        let panel = Panel {
            name: "SRAM".to_owned(),
            bytes,
            lower_bound_bytes: None,
            limit_bytes: Some(limit),
        };
        draw_inline_svg(&lifetimes, &placements, &[panel], &[])
    };
    let near = drawn(400, 400);
    assert!(near.contains("limit: 400 B") && near.contains("class=\"limit\""));
    // Its place in the page says how wide it is.
    assert!(!near.contains(" width=\"960\" xmlns"));
    let far = drawn(1 << 30, 300);
    assert!(far.contains("SRAM, limit 1 GiB (above)") && !far.contains("class=\"limit\""));
}
