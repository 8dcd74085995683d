"""Compares edgefit with the usual PyTorch loop: the same weights, images, split, epochs and recipe.

    cargo build --release
    target/release/edgefit demo                           # fetches the weights and the photographs
    cargo test -p edgefit --lib fashion_mnist   # and this Fashion-MNIST
    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 pillow onnx
    python benches/pytorch/compare.py accuracy
    python benches/pytorch/compare.py speed
    cargo bench --profile release --bench training_step --no-run   # and for the next one
    python benches/pytorch/compare.py steps

Accuracies are kept in runs/pytorch/DATA.json as soon as they are measured, and not measured again;
the tables are in benches/pytorch/README.md.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import tomllib

import onnx

import loop
import steps

ROOT = pathlib.Path(__file__).parents[2]
EDGEFIT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/edgefit"
CACHE = pathlib.Path(os.environ.get("EDGEFIT_CACHE", "~/.cache/edgefit")).expanduser()
RUNS = ROOT / "runs/pytorch"
WEIGHTS = CACHE / "efficientnet-lite0/efficientnet-lite0-57934424.pth"

# Name, folder in the cache, side of the input, epochs of each stage.
DATA = [
    ("Tux Paint", "tux-paint-photographs", 224, {"probe": 20}),
    ("Tux Paint", "tux-paint-photographs", 128, {"probe": 20, "full": 6}),
    ("Fashion-MNIST", "fashion-mnist", 64, {"probe": 5, "full": 2}),
]
# Each stage is timed so often by both, in turns; the table has the medians.
PAIRS = 3
# What the speed is measured on: data, side of the input, epochs of each stage.
SPEED = ("tux-paint-photographs", 224, {"probe": 20, "top": 10, "full": 2})


def edgefit(*arguments, cache=CACHE):
    environment = os.environ | {"EDGEFIT_CACHE": str(cache), "RAYON_NUM_THREADS": str(loop.THREADS)}
    done = subprocess.run([EDGEFIT, *map(str, arguments)], env=environment, capture_output=True, text=True)
    # 1 is a negative verdict; where there is a report, the model was trained all the same.
    if done.returncode == 2 or '"refused"' in done.stdout:
        raise RuntimeError(done.stderr)
    return done.stdout


def backbone(side):
    """The imported network for square inputs of `side` pixels."""
    path = RUNS / f"backbone-{side}.onnx"
    if not path.exists():
        RUNS.mkdir(parents=True, exist_ok=True)
        edgefit("import", WEIGHTS, "--arch", "efficientnet-lite0", "-o", path, "--json")
        model = onnx.load(path)
        # All paddings of this network are the same for every side that five halvings keep whole.
        for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
            dim.dim_value = side
        del model.graph.value_info[:]
        for entry in model.metadata_props:
            if entry.key == "edgefit.preprocessing":
                entry.value = json.dumps(json.loads(entry.value) | {"width": side, "height": side})
        onnx.save(model, path)
    return path


def recipe(epochs):
    made = tomllib.loads(edgefit("recipe", "show", "default"))
    for stage in ("probe", "top", "full"):
        made[stage]["epochs"] = epochs
    return made


class Measured:
    """What was measured, by name; kept in a file."""

    def __init__(self, path):
        self.path = path
        self.all = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name, measure):
        if name not in self.all:
            self.all[name] = measure()
            beside = self.path.with_suffix(".part")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(self.all, indent=1))
            beside.replace(self.path)
            print(name, self.all[name], flush=True)
        return self.all[name]


def by_edgefit(data, side, stage, epochs, seed, named="default", cache=CACHE):
    """Test accuracy, seconds of features and stage, and where the run and its split lie."""
    run = RUNS / f"{data}-{side}-{stage}-{epochs}-{seed}"
    began = time.perf_counter()
    report = json.loads(
        edgefit(
            *("train", CACHE / data, "--backbone", backbone(side), "--device", "host", "--force", "-o", run, "--json"),
            *("--stages", stage, "--epochs", epochs, "--seed", seed, "--threads", loop.THREADS, "--recipe", named),
            cache=cache,
        )
    )
    command = time.perf_counter() - began
    done = report["stages"][0]
    return {
        "accuracy": report["test"]["accuracy"],
        "epochs": len(done["epochs"]),
        "features_s": report["timing"]["features_ns"] / 1e9,
        "stage_s": done["duration_ns"] / 1e9,
        "command_s": command,
        "frozen_to": done["frozen_to"],
        "raised": [guard["code"] for guard in report["guards"] if guard["status"] in ("warning", "failed")],
        "run": str(run),
    }


def by_pytorch(data, side, stage, epochs, seed, ours, **changes):
    """The same with the split of edgefit's run."""
    split = json.loads((pathlib.Path(ours["run"]) / "splits.json").read_text())
    split = {part: split[part] for part in ("train", "val", "test")}
    classes = sorted({path.split("/")[-2] for path in split["train"]})
    how = recipe(epochs)
    how[stage] |= changes
    frozen = 0
    if stage == "top":
        frozen = 1 + int(ours["frozen_to"].split("_blocks.")[1].split(".")[0])
    accuracy, seconds, ran = loop.fit(CACHE / data, split, classes, WEIGHTS, side, stage, how, seed, frozen)
    return {"accuracy": accuracy, "epochs": ran, "seconds": seconds}


def accuracy(only, seeds):
    rows = []
    for name, data, side, stages in DATA:
        measured = Measured(RUNS / f"{data}.json")
        for stage, epochs in stages.items():
            if only and f"{data}/{side}/{stage}" not in only:
                continue
            found = {}
            for seed in seeds:
                what = f"{data}/{side}/{stage}/{epochs}/{seed}"
                ours = measured.get(f"{what}/edgefit", lambda: by_edgefit(data, side, stage, epochs, seed))
                found.setdefault("edgefit", []).append(ours["accuracy"])
                variants = {"PyTorch": {}}
                if stage == "full":
                    variants["PyTorch, batch statistics"] = {"normalization": "batch"}
                for variant, changes in variants.items():
                    theirs = measured.get(
                        f"{what}/{variant}", lambda: by_pytorch(data, side, stage, epochs, seed, ours, **changes)
                    )
                    found.setdefault(variant, []).append(theirs["accuracy"])
                print_table(rows + summary(name, side, stage, epochs, found))
            rows += summary(name, side, stage, epochs, found)


def summary(name, side, stage, epochs, found):
    """A row of the table for each who trained, and how far edgefit is above."""
    rows = []
    for variant, figures in found.items():
        over = [ours - theirs for ours, theirs in zip(found["edgefit"], figures)]
        spread = statistics.stdev(over) / len(over) ** 0.5 if len(over) > 1 else float("nan")
        gap = "" if variant == "edgefit" else f"{statistics.mean(over):+.4f} ± {spread:.4f}"
        each = " ".join(f"{figure:.3f}" for figure in figures)
        mean = f"{statistics.mean(figures):.4f}"
        rows.append((f"{name}, {side} × {side}", f"{stage}, {epochs} epochs", variant, mean, gap, each))
    return rows


def print_table(rows):
    heads = ["data", "stage", "by", "mean", "edgefit over it, ± standard error", "seeds"]
    for row in [heads, ["---"] * len(heads), *rows]:
        print(f"| {' | '.join(row)} |", flush=True)


def speed(only):
    heads = ["stage", "PyTorch", "edgefit", "of it features", "ratio", "of each pair", "whole edgefit command"]
    for row in [heads, ["---"] * len(heads)]:
        print(f"| {' | '.join(row)} |", flush=True)
    data, side, stages = SPEED
    RUNS.mkdir(parents=True, exist_ok=True)
    patient = RUNS / "all-epochs.toml"
    patient.write_text("".join(f"[{stage}]\npatience = 0\n" for stage in stages))
    for stage, epochs in stages.items():
        if only and f"{data}/{side}/{stage}" not in only:
            continue
        pairs = []
        for _ in range(PAIRS):
            with tempfile.TemporaryDirectory() as empty:
                ours = by_edgefit(data, side, stage, epochs, 0, named=patient, cache=library(empty))
            theirs = by_pytorch(data, side, stage, epochs, 0, ours, patience=0)
            mine = ours["features_s"] + ours["stage_s"]
            pairs.append((theirs["seconds"] / mine, theirs["seconds"], mine, ours["features_s"], ours["command_s"]))
        ratio, seconds, mine, features, command = map(statistics.median, zip(*pairs))
        each = " ".join(f"{pair[0]:.1f}" for pair in pairs)
        print(
            f"| {stage}, {epochs} epochs | {seconds:.1f} s | {mine:.2f} s | {features:.2f} s | {ratio:.1f} × | {each} "
            f"| {command:.1f} s |",
            flush=True,
        )


def library(folder):
    """An empty cache in `folder`, but for ONNX Runtime."""
    for entry in CACHE.glob("onnxruntime*"):
        (pathlib.Path(folder) / entry.name).symlink_to(entry)
    return folder


def whole_net_steps(only):
    programs = [path for path in (EDGEFIT.parent / "deps").glob("training_step-*") if not path.suffix]
    program = max(programs, key=lambda path: path.stat().st_mtime)
    photos = CACHE / "tux-paint-photographs"
    steps.compare(program, photos, RUNS / "steps", loop.THREADS, nets=only or steps.NETS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["accuracy", "speed", "steps"])
    parser.add_argument("--only", action="append", help="such as fashion-mnist/64/full, or a net of steps; all, if not given")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5), help="0 to 4, if not given")
    parser.add_argument("--device", default=loop.DEVICE, help="of PyTorch's accuracies, such as cuda; cpu, if not given")
    parser.add_argument("--threads", type=int, default=loop.THREADS, help="of both, 2 if not given")
    given = parser.parse_args()
    loop.THREADS = given.threads
    if given.what == "speed":
        speed(given.only)
    elif given.what == "steps":
        whole_net_steps(given.only)
    else:
        loop.DEVICE = given.device
        accuracy(given.only, given.seeds)


if __name__ == "__main__":
    main()
