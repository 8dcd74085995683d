//! A search for a device that is so short of RAM that only patches make a network fit.

use std::fs;

use super::{found, need};
use crate::common::{command, onnxruntime, run, small_backbone, some_photographs};

#[test]
fn patches_are_found_and_come_out_as_they_were_planned() {
    onnxruntime();
    let data = some_photographs(&["bird", "vehicle"], 6);
    let out = tempfile::tempdir().unwrap();
    let device = out.path().join("small.toml");
    // 40 KiB are left: no depth holds its first images whole.
    let text = "version = 2\nname = \"small\"\ntitle = \"A board\"\nextends = \"stm32f411\"\n\n[[bank]]\nname = \
                \"SRAM\"\nreserved_bytes = { value = 90112, kind = \"estimate\", source = \"a test\" }\n";
    fs::write(&device, text).unwrap();
    let folder = out.path().join("run");
    let mut search = command();
    search.arg("fit").arg(data.path()).arg("--backbone");
    search.arg(small_backbone()).arg("--device").arg(&device);
    search.args(["--stages", "probe", "--epochs", "2", "--export", "c"]);
    search.arg("--json").arg("-o").arg(&folder);
    let told = found(&run(&mut search));
    let chosen = &told["chosen"];
    let patches = &chosen["patches"];
    assert!(patches["macs"].as_u64() > patches["whole_macs"].as_u64());
    assert!(patches["whole_arena_bytes"].as_u64() > Some(40 << 10));
    // The model that was made takes what was planned before it was trained.
    let ram = need(&told["check"], "ram");
    assert_eq!(ram, chosen["ram_bytes"]);
    assert_eq!(&told["firmware"]["patches"], patches);
    let arena = told["firmware"]["arena_bytes"].as_u64().unwrap();
    assert_eq!(arena + 2064, ram.as_u64().unwrap());
    let ask = |more: &[&str]| {
        let mut check = command();
        check.arg("check").arg(folder.join("model-int8.onnx"));
        check.arg("--device").arg(&device).arg("--json").args(more);
        let ran = run(&mut check);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json("edgefit.check/1")
    };
    assert_eq!(need(&ask(&[]), "ram"), ram);
    let linked = ask(&["--link"]);
    assert_eq!(&linked["patches"], patches);
    assert_eq!(linked["budgets"][1]["difference"], 0, "{linked}");

    // A limit on a larger device is laid out as one on a device of that size.
    let mut limited = command();
    limited
        .arg("export")
        .arg(folder.join("model-int8.onnx"))
        .args(["--to", "c", "--device", "stm32f411", "--ram", "40KiB"])
        .arg("-o")
        .arg(out.path().join("limited"))
        .arg("--json");
    let exported = run(&mut limited).json("edgefit.export/1");
    assert_eq!(&exported["patches"], patches);
}
