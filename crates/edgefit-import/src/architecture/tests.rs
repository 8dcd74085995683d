//! What is imported from checkpoints as training scripts leave them, and what is refused.

use edgefit_graph::Attribute;

use super::*;

/// Keys and shapes of a checkpoint.
type Keys = Vec<(String, Vec<usize>)>;

fn arch(name: &str) -> &'static Architecture {
    Architecture::named(name).unwrap()
}

/// What a checkpoint of 7 classes holds.
fn keys(name: &str, layout: Layout) -> Keys {
    let wanted = arch(name).wanted(layout);
    let last = wanted.len() - 2;
    let keys = wanted.into_iter().enumerate().map(|(index, mut wanted)| {
        if index >= last {
            wanted.dims[0] = 7;
        }
        (wanted.key, wanted.dims)
    });
    keys.collect()
}

fn squeezenet() -> Keys {
    keys("squeezenet1-1", Layout::Other)
}

/// The same below `prefix`.
fn under(prefix: &str, keys: Keys) -> Keys {
    let keys = keys.into_iter();
    keys.map(|(key, dims)| (format!("{prefix}{key}"), dims))
        .collect()
}

/// Imports a checkpoint whose weights are all `value`, as the architecture `name`.
fn import(name: &str, keys: &Keys, choices: &Choices) -> Result<Imported> {
    let largest = keys.iter().map(|(_, dims)| dims.iter().product::<usize>());
    let bytes = vec![0; 4 * largest.max().unwrap()];
    let views = keys.iter().map(|(key, dims)| {
        let bytes = &bytes[..4 * dims.iter().product::<usize>()];
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, dims.clone(), bytes);
        (key, view.unwrap())
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    safetensors::serialize_to_file(views, None, &path).unwrap();
    arch(name).import(&Checkpoint::open(&path).unwrap(), choices)
}

fn refused(name: &str, keys: &Keys, choices: &Choices) -> String {
    let error = import(name, keys, choices)
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(error.contains("w.safetensors: "), "{error}");
    error
}

fn choices(weights: &str) -> Choices {
    Choices {
        variant: None,
        weights: Some(weights.parse().unwrap()),
    }
}

#[test]
fn weights_are_found_under_any_prefix() {
    for prefix in [
        "",
        "_orig_mod.",
        "module._orig_mod.",
        "net.",
        "state_dict.model.net.",
        "a.b.c.",
    ] {
        let mut keys = under(prefix, squeezenet());
        keys.push(("optimizer.state.0.exp_avg".into(), vec![2]));
        keys.push(("state_dict.criterion.weight".into(), vec![7]));
        let imported = import("squeezenet1-1", &keys, &Choices::default()).unwrap();
        assert_eq!(imported.prefix, prefix);
        assert_eq!(
            imported.unused_keys,
            ["state_dict.criterion.weight"],
            "{prefix}"
        );
        assert!(
            imported
                .graph
                .initializers
                .contains_key("features.0.weight")
        );
    }
}

#[test]
fn wrappers_around_parts_of_a_network_are_left_off() {
    let wrapped = squeezenet().into_iter().map(|(key, dims)| {
        let key = key.replace("features.", "features._fsdp_wrapped_module.");
        (
            format!("net.{}", key.replace(".squeeze", ".squeeze._orig_mod")),
            dims,
        )
    });
    let imported = import("squeezenet1-1", &wrapped.collect(), &Choices::default()).unwrap();
    assert_eq!(
        (imported.prefix.as_str(), imported.unused_keys),
        ("net.", vec![])
    );
    assert_eq!(imported.wrappers, ["_orig_mod", "_fsdp_wrapped_module"]);
}

#[test]
fn of_several_sets_of_weights_the_one_that_was_asked_for_is_taken() {
    let both = [
        under("ema.module.", squeezenet()),
        under("model.", squeezenet()),
    ]
    .concat();
    let taken = |choices: &Choices| import("squeezenet1-1", &both, choices).unwrap();
    let raw = taken(&Choices::default());
    assert_eq!(
        (raw.prefix.as_str(), raw.other_prefixes),
        ("model.", vec!["ema.module.".into()])
    );
    assert_eq!(raw.unused_keys, Vec::<String>::new());
    assert_eq!(taken(&choices("raw")).prefix, "model.");
    assert_eq!(taken(&choices("ema")).prefix, "ema.module.");
    assert_eq!(taken(&choices("ema.module")).prefix, "ema.module.");

    let only = under("ema.", squeezenet());
    let imported = import("squeezenet1-1", &only, &Choices::default()).unwrap();
    assert_eq!(imported.prefix, "ema.");
    let error = refused("squeezenet1-1", &only, &choices("raw"));
    assert!(
        error.contains("no raw weights, only under 'ema'"),
        "{error}"
    );

    let twins = [
        under("student.", squeezenet()),
        under("teacher.", squeezenet()),
    ]
    .concat();
    let error = refused("squeezenet1-1", &twins, &Choices::default());
    assert!(
        error.contains("'student', 'teacher'") && error.contains("--weights"),
        "{error}"
    );
    let error = refused("squeezenet1-1", &twins, &choices("ema"));
    assert!(error.contains("no EMA weights"), "{error}");
    let student = import("squeezenet1-1", &twins, &choices("student")).unwrap();
    assert_eq!(student.prefix, "student.");
}

#[test]
fn a_head_whose_layers_are_numbered_otherwise_is_taken() {
    let renamed = |from: &str, to: &str, keys: Keys| -> Keys {
        let keys = keys.into_iter();
        keys.map(|(key, dims)| (key.replace(from, to), dims))
            .collect()
    };
    let one = renamed("classifier.1.", "classifier.2.", squeezenet());
    let imported = import("squeezenet1-1", &one, &Choices::default()).unwrap();
    assert_eq!(
        imported.renamed["classifier.1.weight"],
        "classifier.2.weight"
    );
    assert_eq!(imported.unused_keys, Vec::<String>::new());

    let small = keys("mobilenet-v3-small", Layout::Other);
    let two = renamed("classifier.0.", "classifier.9.", small.clone());
    let two = renamed("classifier.3.", "classifier.10.", two);
    let imported = import("mobilenet-v3-small", &two, &Choices::default()).unwrap();
    assert_eq!(
        imported.renamed["classifier.0.weight"],
        "classifier.9.weight"
    );
    assert_eq!(imported.renamed["classifier.3.bias"], "classifier.10.bias");

    // One layer more, of another shape, or none at all.
    let mut more = renamed("classifier.3.", "classifier.6.", small.clone());
    more.push(("classifier.4.weight".into(), vec![20, 1024]));
    more.push(("classifier.4.bias".into(), vec![20]));
    let mut other = small.clone();
    other.retain(|(key, _)| !key.starts_with("classifier.3"));
    let none = Keys::from_iter(
        small
            .into_iter()
            .filter(|(key, _)| !key.starts_with("classifier")),
    );
    for keys in [more, other, none] {
        let error = refused("mobilenet-v3-small", &keys, &Choices::default());
        assert!(
            error.contains("head") && error.contains("'classifier.3.weight'"),
            "{error}"
        );
    }
}

#[test]
fn of_two_networks_with_the_same_keys_one_has_to_be_named() {
    let timm = keys("efficientnet-lite0", Layout::Timm);
    let error = refused("efficientnet-lite0", &timm, &Choices::default());
    assert!(
        error.contains("--variant timm") && error.contains("--variant tf"),
        "{error}"
    );
    let as_variant = |variant: Variant| {
        let choices = Choices {
            variant: Some(variant),
            weights: None,
        };
        let imported = import("efficientnet-lite0", &timm, &choices).unwrap();
        let graph = imported.graph;
        let stem = graph.nodes[0].attributes["pads"].clone();
        let epsilon = graph.nodes[1].attributes["epsilon"].clone();
        (
            stem,
            epsilon,
            Preprocessing::of(&graph).unwrap().unwrap().mean[0],
        )
    };
    let (pads, epsilon, mean) = as_variant(Variant::Timm);
    assert_eq!(pads, Attribute::Ints(vec![1, 1, 1, 1]));
    assert_eq!(epsilon, Attribute::Float(1e-5));
    assert!((mean - 123.675).abs() < 1e-3, "{mean}");
    let (pads, epsilon, mean) = as_variant(Variant::Tf);
    assert_eq!(pads, Attribute::Ints(vec![0, 0, 1, 1]));
    assert_eq!(epsilon, Attribute::Float(1e-3));
    assert_eq!(mean, 127.5);

    let tf = Choices {
        variant: Some(Variant::Tf),
        weights: None,
    };
    for (name, layout) in [
        ("efficientnet-lite0", Layout::Other),
        ("squeezenet1-1", Layout::Other),
    ] {
        let error = refused(name, &keys(name, layout), &tf);
        // The name of --arch may be what says it, as mobilenetv3_small_100 does.
        let fix = format!("give --arch {name} and leave --variant out");
        assert!(error.contains(&fix), "{error}");
    }
}

#[test]
fn weights_of_another_network_are_called_so() {
    let squeezenet = under("model.", squeezenet());
    let error = refused("resnet18", &squeezenet, &Choices::default());
    assert!(
        error.contains("those of squeezenet1-1; give --arch squeezenet1-1"),
        "{error}"
    );
    // All of efficientnet-lite0 is in efficientnet-lite1.
    let larger = keys("efficientnet-lite1", Layout::Timm);
    let timm = Choices {
        variant: Some(Variant::Timm),
        weights: None,
    };
    let error = refused("efficientnet-lite0", &larger, &timm);
    assert!(error.contains("give --arch efficientnet-lite1"), "{error}");
    let mut unknown = squeezenet;
    unknown.push((
        "model.features.13.squeeze.weight".into(),
        vec![8, 512, 1, 1],
    ));
    let error = refused("squeezenet1-1", &unknown, &Choices::default());
    let more = "more than squeezenet1-1 has, such as 'features.13";
    assert!(error.contains(more), "{error}");
    // Beside a set that has no prefix, too.
    let average = unknown
        .into_iter()
        .map(|(key, dims)| (key.replacen("model.", "ema.", 1), dims));
    let both = [self::squeezenet(), average.collect()].concat();
    let error = refused("squeezenet1-1", &both, &choices("ema"));
    assert!(error.contains(more), "{error}");
    import("squeezenet1-1", &both, &choices("raw")).unwrap();
    // A profiler leaves counters behind, which are no weights.
    let mut counted = self::squeezenet();
    counted.push(("features.0.total_ops".into(), vec![1]));
    import("squeezenet1-1", &counted, &Choices::default()).unwrap();
}

#[test]
fn the_state_of_an_optimiser_is_no_network() {
    let state = vec![
        ("state.0.exp_avg".to_owned(), vec![4]),
        ("state.0.step".to_owned(), vec![1]),
    ];
    let error = refused("squeezenet1-1", &state, &Choices::default());
    assert!(error.contains("an optimiser and no weights"), "{error}");
}
