//! What pages about runs show, and what they never do.

use std::fs;

use super::*;
use crate::{MOST_BYTES, sample_run};

fn page(folder: &Path) -> Page {
    let advice = |code: &str| {
        Some(Advice {
            title: format!("about {code}"),
            fix: "Train less.".into(),
        })
    };
    training_page(folder, &advice).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Holds that a page needs nothing else, runs nothing and is not too large.
fn assert_whole(html: &str) {
    assert!(html.len() <= MOST_BYTES, "{} bytes", html.len());
    let lower = html.to_lowercase();
    for forbidden in [
        "<script",
        "javascript:",
        "<link",
        "<iframe",
        "@import",
        "url(",
        "<object",
    ] {
        assert!(!lower.contains(forbidden), "{forbidden}");
    }
    for (attribute, allowed) in [(" src=\"", "data:image/"), (" href=\"", "#")] {
        for part in html.split(attribute).skip(1) {
            assert!(part.starts_with(allowed), "{}", &part[..part.len().min(60)]);
        }
    }
    for tag in ["section", "table", "figure", "details", "svg", "ul", "bdi"] {
        let opened =
            html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn names_from_strangers_stay_text() {
    let folder = tempfile::tempdir().unwrap();
    let strange = [
        "<script>alert(1)</script>",
        "\"quotes' & <b>",
        "🐦 מלך \u{202e}gnp",
        "raw\u{fffd}\u{0}\u{1b}[31m",
    ];
    let wrong = strange.map(|name| format!("{name}/<img src=x onerror=alert(2)>.png"));
    sample_run::classes(folder.path(), &names(&strange), &wrong);
    let html = page(folder.path()).html;
    assert_whole(&html);
    assert!(!html.contains("<img src=x") && !html.contains("<b>"));
    assert!(!html.contains('\u{0}') && !html.contains('\u{1b}'));
    // Text of either direction is kept apart from what is around it.
    assert!(html.contains("<bdi>🐦 מלך \u{202e}gnp</bdi>"));
}

#[test]
fn pictures_that_have_moved_are_named_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    sample_run::classes(
        folder.path(),
        &names(&["a", "b"]),
        &names(&["a/1.png", "b/2.png"]),
    );
    let page = page(folder.path());
    assert_whole(&page.html);
    let told = page.remarks.join("; ");
    assert!(told.contains("2 pictures are not shown: a/1.png"), "{told}");
    assert!(page.html.contains("b/2.png") && page.html.contains("id=\"learning\""));
    assert!(page.html.contains("it overfits") && page.html.contains("Train less."));
    assert!(page.html.contains("broken.png") && page.html.contains("is empty"));
}

#[test]
fn a_run_that_a_guard_ended_shows_why() {
    let folder = tempfile::tempdir().unwrap();
    sample_run::stopped(folder.path());
    let html = page(folder.path()).html;
    assert_whole(&html);
    let verdict = "The run was ended by EF08: worse than &#60;b&#62;raw&#60;/b&#62;";
    assert!(html.contains(verdict), "{html}");
    assert!(html.contains("about EF08") && html.contains("Train less."));
    assert!(html.contains("id=\"learning\"") && html.contains("id=\"origin\""));
    let told = crate::comparison_page(&[folder.path().to_path_buf()]);
    let told = told.unwrap_err().to_string();
    assert!(told.contains("has no model: ended by EF08"), "{told}");
}

#[test]
fn a_picture_lies_inside_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("a")).unwrap();
    let picture = edgefit_data::RgbImage::from_pixel(300, 100, image::Rgb([200, 30, 30]));
    fs::write(data.join("a/1.png"), edgefit_data::png(&picture).unwrap()).unwrap();
    let mut report = sample_run::classes(folder.path(), &names(&["a", "b"]), &names(&["a/1.png"]));
    report["data"] = data.to_str().unwrap().into();
    sample_run::write(folder.path(), &report);
    let html = page(folder.path()).html;
    assert_whole(&html);
    assert!(html.contains("width=\"144\" height=\"48\" alt=\"a/1.png\">"));

    // A tiny picture is enlarged by a whole number.
    let picture = edgefit_data::RgbImage::from_pixel(28, 20, image::Rgb([200, 30, 30]));
    fs::write(data.join("a/1.png"), edgefit_data::png(&picture).unwrap()).unwrap();
    let html = page(folder.path()).html;
    assert!(html.contains("width=\"140\" height=\"100\" alt=\"a/1.png\" class=\"enlarged\">"));
}

#[test]
fn what_integers_change_is_shown_with_both_answers() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = names(&["cat/1.png"]);
    let mut report = sample_run::classes(folder.path(), &names(&["cat", "dog"]), &wrong);
    let answer = |name: &str, p: f64| serde_json::json!({"predicted": name, "probability": p});
    report["int8"] = serde_json::json!({
        "scheme": "tflite", "kept": "training",
        "exported": {"path": "runs/a/model-int8.onnx", "sha256": "00"},
        "test": {
            "samples": 3, "sqnr_db": 30.0, "cosine": 0.99, "agreement": 0.5,
            "accuracy": {"float": 0.6, "quantized": 0.6, "samples": 3, "only_float": 1, "only_quantized": 1},
        },
        "flips": [
            {"sample": "cat/1.png", "truth": "cat", "float": answer("dog", 0.9), "quantized": answer("cat", 0.6)},
            {"sample": "dog/2.png", "truth": "dog", "float": answer("dog", 0.6), "quantized": answer("cat", 0.7)},
        ],
    });
    sample_run::write(folder.path(), &report);
    let shown = page(folder.path());
    assert_whole(&shown.html);
    for words in [
        "Of 2 of 3 test samples",
        "floats: <strong class=\"bad\"><bdi>dog</bdi></strong> (90.0 %)",
        "integers: <strong class=\"good\"><bdi>cat</bdi></strong> (60.0 %)",
        "href=\"#flips\"",
    ] {
        assert!(shown.html.contains(words), "{words}: {}", shown.html);
    }
    // A sample that is in two lists is named once.
    let told = shown.remarks.join("; ");
    assert!(told.contains("2 pictures are not shown"), "{told}");

    report["int8"]["flips"] = serde_json::json!([]);
    sample_run::write(folder.path(), &report);
    assert!(
        page(folder.path())
            .html
            .contains("says of all 3 test samples")
    );
}

#[test]
fn a_thousand_classes_and_many_mistakes_stay_within_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let classes: Vec<String> = (0..1000)
        .map(|at| format!("class number {at} of many"))
        .collect();
    let wrong: Vec<String> = (0..20_000)
        .map(|at| format!("some/where/{at}.png"))
        .collect();
    sample_run::classes(folder.path(), &classes, &wrong);
    let html = page(folder.path()).html;
    assert_whole(&html);
    assert!(html.contains("20000 of 21000 test samples"));
    assert!(html.contains("are left out here"));
    assert!(html.contains("What is taken for what most often"));
}

#[test]
fn each_mistake_that_has_a_card_has_its_likeliest_classes() {
    let folder = tempfile::tempdir().unwrap();
    let wrong: Vec<String> = (0..100).map(|at| format!("{at}.png")).collect();
    let mut report = sample_run::classes(folder.path(), &names(&["a", "b"]), &wrong);
    // The surest lie last in the list of predictions.
    report["mistakes"].as_array_mut().unwrap().reverse();
    sample_run::write(folder.path(), &report);
    let html = page(folder.path()).html;
    let listed = html.matches("aria-label=\"Likeliest classes\"").count();
    assert_eq!(listed, Allowance::MOST_PICTURES);
}

#[test]
fn regression_and_labels_have_pictures_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    sample_run::regression(folder.path(), 5000);
    let html = page(folder.path()).html;
    assert_whole(&html);
    assert!(html.contains("depth &#60;m&#62;") && html.contains("of 5000 samples, evenly"));
    assert!(!html.contains("id=\"mistakes\"") && !html.contains("id=\"classes\""));

    sample_run::labels(folder.path());
    let html = page(folder.path()).html;
    assert_whole(&html);
    assert!(html.contains("specificity") && html.contains("red; round"));
    assert!(html.contains("id=\"calibration\""));
}

#[test]
fn what_is_no_run_or_of_another_version_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    let refused = || {
        training_page(folder.path(), &|_| None)
            .unwrap_err()
            .to_string()
    };
    assert!(refused().contains("holds no run"));
    fs::write(folder.path().join("job.json"), "{}").unwrap();
    assert!(refused().contains("--resume"));
    for (text, words) in [
        (r#"{"schema": "edgefit.train/9"}"#, "'edgefit.train/9'"),
        (r#"{"schema": "edgefit.train/1"}"#, "another version"),
        ("{", "damaged"),
    ] {
        fs::write(folder.path().join("report.json"), text).unwrap();
        let refused = refused();
        assert!(
            refused.contains(words) && refused.lines().count() == 1,
            "{refused}"
        );
    }
}

#[test]
fn a_search_that_names_itself_as_its_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let report = sample_run::classes(folder.path(), &names(&["a", "b"]), &[]);
    fs::remove_file(folder.path().join("report.json")).unwrap();
    let search = serde_json::json!({
        "schema": "edgefit.fit/1", "run": "runs/fit", "training": {"run": "runs/fit"}, "device": "raspberry-pi-4b",
        "chosen": {"backbone": "b.onnx", "width": 1.0, "element_type": "float32", "fits": true, "samples": 0},
        "candidates": [], "front": [], "baselines": [], "finalists": [], "remarks": [], "interrupted": false,
        "test": report["test"], "exported": report["exported"], "check": report["check"],
        "timing": {"survey_ns": 0, "finalists_ns": 0, "total_ns": 0},
    });
    fs::write(folder.path().join("fit.json"), search.to_string()).unwrap();
    let refused = training_page(folder.path(), &|_| None).unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("fit.json: names") && refused.lines().count() == 1,
        "{refused}"
    );
}
