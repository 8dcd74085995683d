//! Where profiles are found, and what one extends.

use std::fs;

use super::*;
use crate::profile::{Bank, Content};

/// A board of one's own on top of `base`.
fn board(name: &str, base: &str, more: &str) -> String {
    format!("version = 2\nname = \"{name}\"\nextends = \"{base}\"\n{more}")
}

/// A folder with these profile files, and the search in it.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Search) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let folders = vec![folder.path().to_path_buf()];
    (folder, Search { folders })
}

/// The error for `device` among `files`.
fn error(files: &[(&str, &str)], device: &str) -> String {
    let (_folder, search) = folder(files);
    search.find(device).unwrap_err().to_string()
}

fn bank<'p>(profile: &'p Profile, name: &str) -> &'p Bank {
    let mut banks = profile.banks.iter();
    banks.find(|bank| bank.name == name).unwrap()
}

#[test]
fn built_in_profiles_are_sound_and_named_after_their_files() {
    let search = Search { folders: vec![] };
    for name in built_in_names() {
        assert_eq!(search.find(name).unwrap().name, name);
    }
    assert_eq!(search.list().len(), 1 + built_in_names().count());
}

#[test]
fn a_misspelt_device_is_recognised() {
    let error = |device| find(device).unwrap_err().to_string();
    let misspelt = error("raspbery-pi-4b");
    assert!(
        misspelt.contains("did you mean 'raspberry-pi-4b'"),
        "{misspelt}"
    );
    for path in ["no/such/file", "no-such-file.toml"] {
        assert!(error(path).contains("cannot read"), "{path}");
    }
    // A folder where the tests run.
    assert!(error("src").contains("'src' is not known"));
}

#[test]
fn a_device_has_the_names_that_people_have_for_it() {
    for (called, name) in [
        ("rpi4", "raspberry-pi-4b"),
        ("Pi 4", "raspberry-pi-4b"),
        ("raspberry_pi_4B", "raspberry-pi-4b"),
        ("pi3b+", "raspberry-pi-3b-plus"),
        ("esp32s3", "esp32-s3"),
        ("ESP32-S3", "esp32-s3"),
        ("pico", "rp2040"),
        ("STM32H743ZI", "stm32h743"),
        ("rtx4060", "rtx-4060"),
    ] {
        assert_eq!(find(called).unwrap().name, name, "{called}");
    }
    let error = find("rpi3").unwrap_err().to_string();
    assert!(error.contains("did you mean 'raspberry-pi-"), "{error}");
    assert!(find("").is_err());
}

#[test]
fn no_two_devices_share_a_name() {
    let search = Search { folders: vec![] };
    let mut names = search.other_names();
    names
        .iter_mut()
        .for_each(|(other, _)| *other = letters(other));
    names.sort();
    names.dedup();
    for pair in names.windows(2) {
        assert_ne!(pair[0].0, pair[1].0, "{pair:?}");
    }
}

#[test]
fn aliases_are_each_profiles_own() {
    let own = board(
        "mine",
        "raspberry-pi-4b",
        "aliases = [\"our camera\", \"rpi4\"]",
    );
    let (_folder, search) = folder(&[("mine.toml", &own)]);
    assert_eq!(search.find("OurCamera").unwrap().name, "mine");
    // Those of the user's folders come first.
    assert_eq!(search.find("rpi4").unwrap().name, "mine");
    let heir = board("heir", "raspberry-pi-4b", "");
    let (_folder, search) = folder(&[("heir.toml", &heir)]);
    assert_eq!(search.find("rpi4").unwrap().name, "raspberry-pi-4b");
    assert!(search.find("heir").unwrap().aliases.is_empty());
}

#[test]
fn what_stands_in_the_place_of_a_profile_is_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n";
    let error = error(&[("mine.toml", pointer)], "mine");
    assert!(
        error.contains("mine.toml") && error.contains("git lfs pull"),
        "{error}"
    );
}

#[test]
fn a_users_profile_comes_first() {
    let own = board("raspberry-pi-4b", "stm32h743", "title = \"mine\"");
    let (_folder, search) = folder(&[("raspberry-pi-4b.toml", &own)]);
    assert_eq!(search.find("raspberry-pi-4b").unwrap().title, "mine");
    let listed: Vec<Profile> = search.list().into_iter().map(Result::unwrap).collect();
    let same = listed
        .iter()
        .filter(|profile| profile.name == "raspberry-pi-4b");
    assert_eq!(
        same.map(|profile| profile.title.as_str())
            .collect::<Vec<_>>(),
        ["mine"]
    );
}

#[test]
fn a_file_and_its_profile_have_one_name() {
    let error = error(&[("mine.toml", &board("yours", "stm32h743", ""))], "mine");
    assert!(
        error.contains("mine.toml: the profile is called 'yours'"),
        "{error}"
    );
    assert!(
        error.contains("call it 'mine', or the file 'yours.toml'"),
        "{error}"
    );
}

#[test]
fn a_broken_profile_hides_no_other() {
    let (_folder, mut search) = folder(&[
        ("broken.toml", "version = 2\nname = 7"),
        ("host.toml", &board("host", "stm32h743", "")),
        ("mine.toml", &board("mine", "stm32h743", "")),
        ("notes.txt", "no profile"),
    ]);
    search.folders.push("no/such/folder".into());
    let (good, broken): (Vec<_>, Vec<_>) = search.list().into_iter().partition(Result::is_ok);
    assert!(good.iter().flatten().any(|profile| profile.name == "mine"));
    assert!(
        good.iter()
            .flatten()
            .any(|profile| profile.name == "stm32h743")
    );
    let broken: Vec<String> = broken
        .into_iter()
        .map(|error| error.unwrap_err().to_string())
        .collect();
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(broken[0].contains("broken.toml: line 2: "), "{broken:?}");
    assert!(broken[1].contains("'host' is this machine"), "{broken:?}");
    assert!(broken[2].contains("fix EDGEFIT_PROFILES"), "{broken:?}");
    search.find("raspberry-pi-4b").unwrap();
}

#[test]
fn what_a_profile_extends_is_overridden_key_by_key() {
    let own = board(
        "mine",
        "stm32h743",
        r#"
        [cpu]
        clock_hz = { value = "400 MHz", kind = "measured", source = "the board" }
        [[bank]]
        name = "SRAM4"
        reserved_bytes = { value = "1 KiB", kind = "measured", source = "the linker's map" }
        [[bank]]
        name = "SDRAM"
        start = 0xC000_0000
        bytes = { value = "8 MiB", kind = "data sheet", source = "the board" }
        holds = ["arena"]
        [[engine]]
        name = "stm32cube-ai"
        runtime_bytes = { value = "30.14 KiB", kind = "measured", source = "the tool" }
        "#,
    );
    let (_folder, search) = folder(&[("mine.toml", &own)]);
    let (mine, base) = (
        search.find("mine").unwrap(),
        search.find("stm32h743").unwrap(),
    );
    assert_eq!(mine.title, base.title);
    assert_eq!(mine.cpu.model, base.cpu.model);
    assert_eq!(mine.cpu.clock_hz.as_ref().unwrap().value, 400_000_000);
    assert_eq!(mine.banks.len(), base.banks.len() + 1);
    assert_eq!(bank(&mine, "SRAM4").free_bytes(), (64 << 10) - (1 << 10));
    assert_eq!(bank(&mine, "SRAM4").holds, bank(&base, "SRAM4").holds);
    assert_eq!(bank(&mine, "SDRAM").holds, [Content::Arena]);
    // The engine that the profile itself names is the one to assume.
    let engines = mine.engines.iter().map(|engine| engine.name.as_str());
    assert_eq!(
        engines.collect::<Vec<_>>(),
        ["stm32cube-ai", "c", "tflite-micro", "tinyengine"]
    );
    assert_eq!(
        mine.engines[0].runtime_bytes.as_ref().unwrap().value,
        30_863
    );
}

#[test]
fn this_machine_can_be_extended() {
    let power =
        "[power]\nidle_milliwatts = { value = \"8 W\", kind = \"measured\", source = \"a meter\" }";
    let (_folder, search) = folder(&[("desk.toml", &board("desk", "host", power))]);
    let desk = search.find("desk").unwrap();
    assert_eq!(desk.power.idle_milliwatts.unwrap().value, 8_000);
}

#[test]
fn a_mistake_is_placed_in_the_file_that_has_it() {
    let base = GOOD_BASE.replace("1 GiB", "1 Gib");
    let files = [
        ("base.toml", base.as_str()),
        ("mine.toml", &board("mine", "base", "titel = \"\"")),
    ];
    let broken = error(&files, "mine");
    assert!(
        broken.contains("base.toml: line 11: 'Gib' is not a unit"),
        "{broken}"
    );
    let files = [("base.toml", GOOD_BASE), files[1]];
    let broken = error(&files, "mine");
    assert!(
        broken.contains("mine.toml: line 4: there is no key 'titel' here; did you mean 'title'?"),
        "{broken}"
    );
    // A figure is replaced whole, source and all.
    let figure = board("mine", "base", "cpu = { cores = { value = 2 } }");
    let broken = error(&[files[0], ("mine.toml", &figure)], "mine");
    assert!(
        broken.contains("mine.toml: line 4: 'kind' is missing; add it"),
        "{broken}"
    );
}

const GOOD_BASE: &str = r#"version = 2
name = "base"
title = "Base"
class = "computer"
weights_in = "ram"
[cpu]
model = "Some CPU"
cores = { value = 4, kind = "estimate", source = "guess" }
[[bank]]
name = "RAM"
bytes = { value = "1 GiB", kind = "estimate", source = "guess" }
holds = ["weights", "arena"]
"#;

#[test]
fn extends_that_cannot_be_is_named() {
    let itself = error(&[("a.toml", &board("a", "a", ""))], "a");
    assert!(
        itself.contains("a.toml: line 3: 'extends' goes in a circle"),
        "{itself}"
    );
    let circle = [
        ("a.toml", board("a", "b", "")),
        ("b.toml", board("b", "c.toml", "")),
        ("c.toml", board("c", "a", "")),
    ];
    let circle = circle.each_ref().map(|(file, text)| (*file, text.as_str()));
    let circle = error(&circle, "a");
    assert!(circle.contains("c.toml → "), "{circle}");
    let unknown = error(&[("a.toml", &board("a", "stm32h734", ""))], "a");
    assert!(
        unknown.contains(
            "line 3: 'extends' names 'stm32h734', which is not known; did you mean 'stm32h743'?"
        ),
        "{unknown}"
    );
    let number = error(&[("a.toml", "version = 2\nextends = 7")], "a");
    assert!(
        number.contains("line 2: 'extends' is not a text"),
        "{number}"
    );
    let nameless = error(&[("a.toml", "version = 2\nextends = \"stm32h743\"")], "a");
    assert!(
        nameless.contains("a.toml: 'name' is missing; add it"),
        "{nameless}"
    );
    let old = error(
        &[
            ("old.toml", "version = 1"),
            ("a.toml", &board("a", "old", "")),
        ],
        "a",
    );
    assert!(old.contains("old.toml: line 1: version 1"), "{old}");
}

#[test]
fn extends_stops_somewhere() {
    let names: Vec<String> = (0..18).map(|index| format!("p{index}")).collect();
    let texts: Vec<(String, String)> = names
        .iter()
        .zip(names.iter().skip(1).chain([&"stm32h743".to_owned()]))
        .map(|(name, base)| (format!("{name}.toml"), board(name, base, "")))
        .collect();
    let files: Vec<(&str, &str)> = texts
        .iter()
        .map(|(file, text)| (file.as_str(), text.as_str()))
        .collect();
    let deep = error(&files, "p0");
    assert!(
        deep.contains("p15.toml: line 3: more than 16 profiles"),
        "{deep}"
    );
    let (_folder, search) = folder(&files);
    search.find("p3").unwrap();
}

#[test]
fn a_file_reaches_no_file_outside_its_folder() {
    let files = [
        ("inner/up.toml", board("up", "../base.toml", "")),
        ("inner/down.toml", board("down", "deeper/base.toml", "")),
        ("inner/deeper/base.toml", GOOD_BASE.to_owned()),
        ("base.toml", GOOD_BASE.to_owned()),
    ];
    let files = files.each_ref().map(|(file, text)| (*file, text.as_str()));
    let (folder, search) = folder(&files);
    let inner = |name: &str| folder.path().join("inner").join(name).display().to_string();
    search.find(&inner("down.toml")).unwrap();
    let up = search.find(&inner("up.toml")).unwrap_err().to_string();
    assert!(
        up.contains("line 3: 'extends': cannot read") && up.contains("outside the folder"),
        "{up}"
    );
    let absolute = board(
        "up",
        &folder.path().join("base.toml").display().to_string(),
        "",
    );
    fs::write(inner("up.toml"), absolute).unwrap();
    let absolute = search.find(&inner("up.toml")).unwrap_err().to_string();
    assert!(absolute.contains("outside the folder"), "{absolute}");
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_no_file_outside_the_folder() {
    let (folder, search) = folder(&[
        ("base.toml", GOOD_BASE),
        ("inner/mine.toml", &board("mine", "link.toml", "")),
    ]);
    let inner = folder.path().join("inner");
    std::os::unix::fs::symlink(folder.path().join("base.toml"), inner.join("link.toml")).unwrap();
    let path = inner.join("mine.toml").display().to_string();
    let error = search.find(&path).unwrap_err().to_string();
    assert!(error.contains("outside the folder"), "{error}");
}

#[test]
fn a_large_file_is_refused() {
    let (_folder, search) = folder(&[("big.toml", &"#".repeat((1 << 20) + 1))]);
    assert!(
        search
            .find("big")
            .unwrap_err()
            .to_string()
            .contains("larger than 1 MiB")
    );
}

#[test]
fn the_examples_of_the_readme_are_profiles() {
    let readme = BUILT_IN.get_file("README.md").unwrap();
    let blocks = readme.contents_utf8().unwrap().split("```toml\n").skip(1);
    let examples: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        Profile::parse(example, "README.md").unwrap();
    }
}
