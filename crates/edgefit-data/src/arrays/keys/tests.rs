//! Names of arrays: what they say, what is assumed, and what is refused.

use super::*;

fn of(names: &[&str]) -> Result<Keys, String> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    keys(&names)
}

#[test]
fn names_of_any_custom_are_understood() {
    for (names, sets) in [
        (&["x", "y"][..], &[(None, "x", "y")][..]),
        (&["X", "y"], &[(None, "X", "y")]),
        (&["data", "labels"], &[(None, "data", "labels")]),
        // What is called x is x, whatever else there is.
        (&["X", "data", "labels", "y"], &[(None, "X", "y")]),
        (
            &["X_test", "X_train", "y_test", "y_train"],
            &[
                (Some(Split::Train), "X_train", "y_train"),
                (Some(Split::Test), "X_test", "y_test"),
            ],
        ),
        (
            &["train_images", "train_labels", "val_images", "val_labels"],
            &[
                (Some(Split::Train), "train_images", "train_labels"),
                (Some(Split::Val), "val_images", "val_labels"),
            ],
        ),
        (
            &["xtrain", "ytrain"],
            &[(Some(Split::Train), "xtrain", "ytrain")],
        ),
    ] {
        let keys = of(names).unwrap();
        let read = keys.sets.iter();
        let read: Vec<_> = read
            .map(|set| (set.split, set.x.as_str(), set.y.as_str()))
            .collect();
        assert_eq!(read, sets, "{names:?}");
    }
}

#[test]
fn what_is_assumed_or_not_read_is_said() {
    assert_eq!(
        of(&["X", "Groups", "classes", "y"]).unwrap().remarks,
        [""; 0]
    );
    let remarks = of(&["data", "labels"]).unwrap().remarks;
    assert_eq!(remarks, ["reads 'data' as x, 'labels' as y"]);
    let remarks = of(&["clases", "fs", "x", "y"]).unwrap().remarks;
    assert!(
        remarks[0].contains("'clases', 'fs'") && remarks[0].contains("'classes'?"),
        "{remarks:?}"
    );
    for (names, words) in [
        (&["X", "x", "y"][..], "both 'X' and 'x'"),
        (
            &["x_test", "x_train", "y_train"],
            "both 'x_test' and 'y_test'",
        ),
        (&["arr_0", "arr_1"], "holds 'arr_0', 'arr_1'"),
        (&[], "unpack it"),
    ] {
        let error = of(names).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn groups_belong_to_their_part() {
    let keys = of(&["groups", "x", "y"]).unwrap();
    assert_eq!(keys.sets[0].groups.as_deref(), Some("groups"));
    let keys = of(&["groups_train", "x_test", "x_train", "y_test", "y_train"]).unwrap();
    assert_eq!(keys.sets[0].groups.as_deref(), Some("groups_train"));
    assert_eq!(keys.sets[1].groups, None);
    assert_eq!(keys.remarks, [""; 0]);
    // Val is taken from train, so that those are its groups.
    let test = ["groups", "x_test", "x_train", "y_test", "y_train"];
    let keys = of(&test).unwrap();
    assert_eq!(keys.sets[0].groups.as_deref(), Some("groups"));
    assert_eq!(keys.sets[1].groups, None);
    assert_eq!(keys.remarks, ["reads 'groups' as groups_train"]);
    let whole = [&test[..], &["x_val", "y_val"]].concat();
    for (names, words) in [
        (&["groups_train", "x", "y"][..], "'groups_train' is of no"),
        (
            &["groups", "groups_train", "x_train", "y_train"],
            "'groups'",
        ),
        (&["groups_val", "x_train", "y_train"], "'groups_val'"),
        (&whole[..], "_train, _val or _test"),
    ] {
        let error = of(names).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn samples_need_no_targets() {
    let of = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        samples(&names).unwrap()
    };
    let pair = |x: &str, y: Option<&str>| -> Pair { (x.to_owned(), Ok(y.map(str::to_owned))) };
    assert_eq!(of(&["X", "classes"]), [pair("X", None)]);
    let parts = of(&["x_test", "x_train", "y_train"]);
    assert_eq!(
        parts,
        [pair("x_train", Some("y_train")), pair("x_test", None)]
    );
    assert!(of(&["arr_0"]).is_empty());
    let pairs = of(&["group", "groups", "label", "labels", "x"]);
    let [(x, y)] = pairs.as_slice() else {
        panic!("one array of samples");
    };
    let words = "it holds both 'label' and 'labels'; keep one";
    assert_eq!((x.as_str(), y), ("x", &Err(words.to_owned())));
}
