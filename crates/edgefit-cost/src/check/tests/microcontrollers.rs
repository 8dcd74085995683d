//! Verdicts on boards whose engines nobody has measured.

use edgefit_device::{ArenaLayout, Basis, Content, Figure, Profile};

use super::*;

fn on(device_name: &str, side: usize) -> Check {
    let (graph, shapes) = conv(1, side);
    let profile = device(device_name);
    check(&graph, &shapes, &Request::new(&profile)).unwrap()
}

#[test]
fn a_small_model_fits_if_the_engine_is_small_enough() {
    let mut asked = 0;
    for profile in edgefit_device::list() {
        let profile = profile.unwrap();
        if profile.class != edgefit_device::Class::Microcontroller {
            continue;
        }
        asked += 1;
        let (graph, shapes) = conv(1, 10);
        let checked = check(&graph, &shapes, &Request::new(&profile)).unwrap();
        assert_eq!(checked.verdict, Verdict::Unknown, "{}", profile.name);
        // Of some engines, the code is not known either.
        let open = checked.fits_if.last();
        let missing = format!("{}'s own RAM", checked.engine.unwrap());
        assert_eq!(open.map(|open| &open.missing), Some(&missing));
        assert_eq!(checked.budgets[1].holds_if.as_ref(), open);
    }
    assert!(asked >= 17);
}

#[test]
fn of_integers_in_c_nothing_is_unknown() {
    let known = |(graph, shapes): &(Graph, InputShapes)| {
        for profile in edgefit_device::list() {
            let profile = profile.unwrap();
            if profile.class != edgefit_device::Class::Microcontroller {
                continue;
            }
            let checked = check(graph, shapes, &Request::new(&profile)).unwrap();
            assert_eq!(checked.engine, Some(EngineId::C), "{}", profile.name);
            assert_ne!(checked.verdict, Verdict::Unknown, "{}", profile.name);
            assert!(checked.fits_if.is_empty());
            for other in &profile.engines {
                let named = Request::new(&profile).with_engine(other.name.as_str());
                let checked = check(graph, shapes, &named.unwrap()).unwrap();
                assert_eq!(checked.engine.as_ref(), Some(&other.name));
            }
        }
    };
    let (mut graph, shapes) = quantised();
    known(&(graph.clone(), shapes.clone()));
    let odd = Node::new("Frobnicate", "odd", &["y"], &["z"]);
    graph.nodes.push(odd);
    known(&(graph.clone(), shapes.clone()));
    let profile = device("stm32h743");
    let checked = check(&graph, &shapes, &Request::new(&profile)).unwrap();
    let runs = checked.runs.unwrap();
    assert_eq!(
        (runs.holds, runs.node.as_deref()),
        (Some(false), Some("odd"))
    );
}

#[test]
fn the_room_is_what_the_arena_leaves_in_the_roomiest_bank() {
    // 4 planes of 10 × 10 floats; three tensors of 12 B, a node of 32 B and a channel of 8 B.
    let open = on("rp2040", 10).fits_if;
    assert_eq!(open[0].bytes, (264 << 10) - 1600 - 76);
    // The arena takes most of one bank, and the engine may have another.
    let open = on("stm32h743", 180).fits_if;
    assert_eq!(open[0].bytes, (128 << 10) - 76);
    let none = on("rp2040", 200);
    assert_eq!((none.verdict, none.fits_if.len()), (Verdict::DoesNotFit, 0));
}

#[test]
fn an_engine_beside_the_activations_is_part_of_the_need() {
    let need = |device: &str, side| bytes(&on(device, side).budgets[1]).0;
    assert_eq!(need("rp2040", 10), Some(1600 + 76));
    // The activations leave less of their bank than there is in another.
    assert_eq!(need("stm32h743", 180), Some(518_400));
}

#[test]
fn the_room_for_an_engine_is_in_the_banks_that_take_it() {
    let (graph, shapes) = conv(1, 10);
    let mut profile = device("stm32h743");
    let largest = profile.banks.iter_mut().max_by_key(|bank| bank.bytes.value);
    largest.unwrap().holds = vec![Content::Arena];
    let request = Request::new(&profile).with_engine("stm32cube-ai").unwrap();
    let open = check(&graph, &shapes, &request).unwrap().fits_if;
    let ram = open.iter().find(|open| open.resource == Resource::Ram);
    assert_eq!(ram.map(|open| open.bytes), Some(128 << 10), "{open:?}");
}

#[test]
fn an_arena_that_leaves_nothing_for_the_engine_does_not_fit() {
    let (graph, shapes) = conv(1, 10);
    let profile = device("rp2040");
    let mut request = Request::new(&profile);
    // The activations and what is known of the engine, to the byte.
    request.limits.ram_bytes = Some(1676);
    let full = check(&graph, &shapes, &request).unwrap();
    assert_eq!(full.verdict, Verdict::DoesNotFit);
    let words = "nothing is left for tflite-micro's own RAM";
    assert!(full.budgets[1].explanation.contains(words), "{full:?}");
    request.limits.ram_bytes = Some(1677);
    let one = check(&graph, &shapes, &request).unwrap();
    assert_eq!(one.fits_if[0].bytes, 1);
}

#[test]
fn an_engine_lies_where_the_profile_says_that_it_may() {
    let (graph, shapes) = conv(1, 10);
    for layout in [ArenaLayout::OneBank, ArenaLayout::SeveralBanks] {
        let mut profile = device("stm32h743");
        profile.engines.truncate(1);
        profile.engines[0].arena = layout;
        let kib = |kib: u64| Figure {
            value: kib << 10,
            kind: Basis::Measured,
            source: "made up".into(),
        };
        profile.engines[0].runtime_bytes = Some(kib(200));
        let short = |profile: &Profile| {
            let checked = check(&graph, &shapes, &Request::new(profile)).unwrap();
            let mut budgets = checked.budgets.iter();
            budgets.any(|budget| budget.resource == Resource::Ram && budget.holds == Some(false))
        };
        assert!(!short(&profile), "{layout:?}");
        // The largest bank has room for both, but takes activations alone.
        let largest = profile.banks.iter_mut().max_by_key(|bank| bank.bytes.value);
        largest.unwrap().holds = vec![Content::Arena];
        for bank in profile
            .banks
            .iter_mut()
            .filter(|bank| bank.holds.contains(&Content::Runtime))
        {
            bank.bytes = kib(128);
        }
        assert!(short(&profile), "{layout:?}");
    }
}

#[test]
fn an_esp32_gives_less_than_its_banks() {
    // 4 planes of 101 × 101 floats: 163,220 B with their alignment, within the static limit.
    let placed = on("esp32", 101);
    assert_eq!(bytes(&placed.budgets[1]), (Some(163_220), 186_008));
    assert!(!placed.budgets[1].explanation.contains("statically"));
    assert_eq!(placed.fits_if.len(), 1);
    // 173,056 B: on the heap alone.
    let heap = on("esp32", 104);
    let words = "placed statically at most 163840 B";
    assert!(heap.budgets[1].explanation.contains(words), "{heap:?}");
    assert_eq!(heap.budgets[1].holds, None);
    assert_eq!(heap.note, None);
    // 190,096 B: less than the bank of 200 KiB, more than its largest block.
    let none = on("esp32", 109);
    assert_eq!(none.budgets[1].holds, Some(false));
    assert!(none.note.unwrap().contains("no PSRAM"));
}

#[test]
fn what_computes_more_takes_longer_and_may_not_keep_its_limit() {
    let (graph, shapes) = conv(1, 10);
    let profile = device("raspberry-pi-4b");
    let mut request = Request::new(&profile);
    let time = check(&graph, &shapes, &request).unwrap().latency.unwrap();
    request.limits.latency_ns = Some(time.high_ns.unwrap());
    let mut checked = check(&graph, &shapes, &request).unwrap();
    let holds = |checked: &Check| {
        let mut budgets = checked.budgets.iter();
        let time = budgets.find(|budget| budget.resource == Resource::Latency);
        time.unwrap().holds
    };
    assert_eq!(holds(&checked), Some(true));
    checked.take_longer(1.5);
    assert_eq!(checked.verdict, Verdict::Unknown);
    let longer = checked.latency.as_ref().unwrap();
    assert_eq!(
        longer.ns.unwrap(),
        (time.ns.unwrap() as f64 * 1.5).round() as u64
    );
    assert_eq!(longer.low_ns, (time.low_ns as f64 * 1.5).round() as u64);
    assert_eq!(holds(&checked), None);
    checked.take_longer(1000.0);
    assert_eq!(
        (holds(&checked), checked.verdict),
        (Some(false), Verdict::DoesNotFit)
    );
}
