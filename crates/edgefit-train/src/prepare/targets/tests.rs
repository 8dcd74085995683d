//! Targets and losses by hand.

use super::*;

fn loss(targets: &Targets, outputs: Vec<f32>) -> f64 {
    let device = Device::flex();
    let outputs = Value::new(outputs, &[targets.len(), targets.outputs], &device).unwrap();
    let loss = targets.loss(outputs.try_into().unwrap(), &device).unwrap();
    f64::from(loss.into_scalar::<f32>()) / targets.mass()
}

#[test]
fn losses_of_the_samples_add_up_to_that_of_all() {
    let targets = Targets::of_classes(&[0, 1, 1], &[3.0, 0.5]);
    let outputs = vec![1.0, 0.0, 0.3, 0.2, -1.0, 2.0];
    let each = targets.losses(&outputs).unwrap();
    let all = loss(&targets, outputs) * targets.mass();
    assert!((f64::from(each.iter().sum::<f32>()) - all).abs() < 1e-5);
    assert!((each[1] - 0.5 * (1.0 + 0.1f32.exp()).ln()).abs() < 1e-6);
}

#[test]
fn losses_are_those_of_the_textbook() {
    let classes = Targets::of_classes(&[0, 1], &[3.0, 1.0]);
    // −log softmax: ln 2 for the first, ln(1 + e) for the second, weighted 3 : 1.
    let expected = (3.0 * 2f64.ln() + (1.0 + 1f64.exp()).ln()) / 4.0;
    assert!((loss(&classes, vec![0.0, 0.0, 1.0, 0.0]) - expected).abs() < 1e-6);

    let labels = Targets {
        task: Task::MultiLabel,
        outputs: 2,
        values: vec![1.0, 0.0],
        weights: vec![1.0],
    };
    let expected = (2f64.ln() + (1.0 + 1f64.exp()).ln()) / 2.0;
    assert!((loss(&labels, vec![0.0, 1.0]) - expected).abs() < 1e-6);
    assert_eq!(labels.accuracy(&[1.0, -1.0]), Some(1.0));
    assert_eq!(labels.accuracy(&[1.0, 1.0]), Some(0.0));

    let numbers = Targets {
        task: Task::Regression,
        outputs: 1,
        values: vec![1.0, 2.0],
        weights: vec![1.0, 1.0],
    };
    assert!((loss(&numbers, vec![2.0, 4.0]) - 1.25).abs() < 1e-6);
    assert_eq!(numbers.accuracy(&[1.0, 2.0]), None);
}

#[test]
fn smoothing_and_mixing_keep_the_mass_of_a_row() {
    let targets = Targets::of_classes(&[0, 2], &[1.0, 1.0, 4.0]);
    let smoothed = targets.clone().smoothed(0.3);
    assert!((smoothed.values[0] - 0.8).abs() < 1e-6);
    assert!((smoothed.values[1] - 0.1).abs() < 1e-6);
    let mixed = targets.mixed(&[1, 0], 0.75);
    let mut sums = mixed.values.chunks(3).map(|row| row.iter().sum::<f32>());
    assert!(sums.all(|sum| (sum - 1.0).abs() < 1e-6));
    assert_eq!(mixed.weights, [1.75, 3.25]);
    assert_eq!(targets.accuracy(&[2.0, 1.0, 0.0, 0.0, 1.0, 0.0]), Some(0.5));
}

#[test]
fn the_loss_of_a_mixture_is_the_mixture_of_the_weighted_losses() {
    let targets = Targets::of_classes(&[0, 2], &[1.0, 1.0, 4.0]);
    let outputs = [1.0, 0.0, -1.0, 0.5, 0.2, 0.1];
    let mixed = targets.mixed(&[1, 0], 0.75);
    let [own, other] = [[0, 1], [1, 0]].map(|rows| targets.rows(&rows).losses(&outputs).unwrap());
    for (at, made) in mixed.losses(&outputs).unwrap().into_iter().enumerate() {
        let expected = 0.75 * own[at] + 0.25 * other[at];
        assert!((made - expected).abs() < 1e-5, "{made}, not {expected}");
    }
    let unseen = Targets::of_classes(&[0, 1], &[0.0; 2]);
    assert_eq!(unseen.mixed(&[1, 0], 0.75).values, [0.75, 0.25, 0.25, 0.75]);
}

#[test]
fn a_teacher_answers_as_its_outputs_say() {
    let classes = Targets::of_classes(&[0], &[1.0; 2]);
    let taught = classes.taught(&[0.0, 3f32.ln()], 0.8);
    let expected = [0.2 + 0.8 * 0.25, 0.8 * 0.75];
    for (made, wanted) in taught.values.iter().zip(expected) {
        assert!((made - wanted).abs() < 1e-6, "{taught:?}");
    }
    let mut others = Targets {
        task: Task::MultiLabel,
        outputs: 1,
        values: vec![1.0],
        weights: vec![1.0],
    };
    assert_eq!(others.clone().taught(&[0.0], 0.5).values, [0.75]);
    others.task = Task::Regression;
    assert_eq!(others.taught(&[3.0], 0.5).values, [2.0]);
}

#[test]
fn the_prior_is_that_of_what_an_epoch_draws() {
    let labels = [0, 0, 0, 1];
    let weights = class_weights(&labels, 2);
    for (weights, sampling, expected) in [
        (&[1.0, 1.0][..], Sampling::Shuffled, 0.75),
        (&weights, Sampling::Shuffled, 0.5),
        (&[1.0, 1.0], Sampling::Balanced, 0.5),
    ] {
        let targets = Targets::of_classes(&labels, weights).as_sampled(sampling);
        let prior = targets.priors()[0][0];
        assert!((prior - expected).abs() < 1e-6, "{sampling:?}: {prior}");
    }
    let unweighted = Targets::of_classes(&labels, &[3.0, 1.0]).unweighted();
    assert_eq!(unweighted.priors(), [[0.75, 0.25]]);
}

#[test]
fn recalls_are_of_each_class_that_has_samples() {
    let targets = Targets::of_classes(&[0, 0, 2], &[1.0; 3]);
    let outputs = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let expected = [Proportion::new(0.5, 2), Proportion::new(1.0, 1)];
    assert_eq!(targets.recalls(&outputs).0, expected);
}

#[test]
fn weights_make_classes_count_the_same() {
    assert_eq!(class_weights(&[0, 1, 1, 1], 3), [2.0, 2.0 / 3.0, 0.0]);
}
