"""Compares edgefit with the usual PyTorch loop: the same weights, images, split, epochs and recipe.

    cargo build --release
    target/release/edgefit demo                           # fetches the weights and the photographs
    cargo test -p edgefit --lib fashion_mnist   # and this Fashion-MNIST
    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 pillow onnx
    python benches/pytorch/compare.py accuracy
    python benches/pytorch/compare.py speed
    cargo bench --profile release --bench training_step --no-run   # and for the next one
    python benches/pytorch/compare.py steps

Only EfficientNet-Lite0 has pretrained weights here. `speed` starts the other networks at random weights, the same
for both sides: a step takes as long. The guards EF05, EF08 and EF19, which refuse what such weights do, are allowed
there.

Accuracies are kept in runs/pytorch/DATA.json as soon as they are measured, and not measured again;
the tables are in benches/pytorch/README.md.
"""

import argparse
import functools
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import tomllib

import onnx
import torch

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
# Each stage is timed so often by both, in turns, if not said otherwise; the table has the medians.
PAIRS = 3
# What the speed of each network is measured on: data, side of the input, epochs of each stage.
SPEED = ("tux-paint-photographs", steps.SIDE, {"probe": 20, "top": 10, "full": 10})
# The network of the accuracies.
LITE0 = "efficientnet-lite0"


def edgefit(*arguments, cache=CACHE):
    environment = os.environ | {"EDGEFIT_CACHE": str(cache), "RAYON_NUM_THREADS": str(loop.THREADS)}
    done = subprocess.run([EDGEFIT, *map(str, arguments)], env=environment, capture_output=True, text=True)
    # 1 is a negative verdict; where there is a report, the model was trained all the same.
    if done.returncode == 2 or '"refused"' in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def backbone(net, side):
    """The network for square inputs of `side` pixels as an ONNX model: imported, or with random weights."""
    RUNS.mkdir(parents=True, exist_ok=True)
    if net != LITE0:
        return steps.exported(net, RUNS)
    path = RUNS / f"backbone-{side}.onnx"
    if not path.exists():
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


def network(net):
    """The same in PyTorch."""
    if net == LITE0:
        return loop.lite0(WEIGHTS)
    # It sets the seed of its weights; the loop keeps its own.
    with torch.random.fork_rng():
        return steps.network(net)


def boundary(path, name):
    """How many layers an ONNX model has up to the node `name`, and how many in all."""
    graph = onnx.load(path).graph
    stored = {tensor.name for tensor in graph.initializer}
    places = [
        place
        for place, node in enumerate(graph.node)
        if node.op_type in ("Conv", "Gemm", "LayerNormalization")
        or (node.op_type == "MatMul" and node.input[1] in stored)
    ]
    last = [node.name for node in graph.node].index(name)
    return sum(place <= last for place in places), len(places)


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


def by_edgefit(data, side, stage, epochs, seed, net=LITE0, folder=RUNS, named="default", cache=CACHE):
    """Test accuracy, seconds of features and stage, and where the run and its split lie."""
    run = folder / f"{data}-{side}-{stage}-{epochs}-{seed}"
    model = backbone(net, side)
    # The guards that would end a run because weights are random.
    given = [] if net == LITE0 else ["--preprocessing", "lite", "--allow", "EF05,EF08,EF19"]
    began = time.perf_counter()
    report = json.loads(
        edgefit(
            *("train", CACHE / data, "--backbone", model, "--device", "host", "--force", "-o", run, "--json"),
            *("--stages", stage, "--epochs", epochs, "--seed", seed, "--threads", loop.THREADS, "--recipe", named),
            *given,
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


def by_pytorch(data, side, stage, epochs, seed, ours, net=LITE0, **changes):
    """The same with the split of edgefit's run."""
    split = json.loads((pathlib.Path(ours["run"]) / "splits.json").read_text())
    split = {part: split[part] for part in ("train", "val", "test")}
    classes = sorted({path.split("/")[-2] for path in split["train"]})
    how = recipe(epochs)
    how[stage] |= changes
    place = boundary(backbone(net, side), ours["frozen_to"]) if stage == "top" else None
    start = functools.partial(network, net)
    accuracy, seconds, ran = loop.fit(CACHE / data, split, classes, start, side, stage, how, seed, place)
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


def speed(only, count, epochs_given):
    heads = ["network", "stage", "PyTorch", "edgefit", "of it features", "ratio", "of each pair"]
    heads.append("whole edgefit command")
    for row in [heads, ["---"] * len(heads)]:
        print(f"| {' | '.join(row)} |", flush=True)
    data, side, stages = SPEED
    RUNS.mkdir(parents=True, exist_ok=True)
    patient = RUNS / "all-epochs.toml"
    patient.write_text("".join(f"[{stage}]\npatience = 0\n" for stage in stages))
    for net, (stage, epochs) in itertools.product(steps.NETS, stages.items()):
        if only and not {net, stage, f"{net}/{stage}"} & set(only):
            continue
        epochs = epochs_given or epochs
        pairs = []
        for _ in range(count):
            with tempfile.TemporaryDirectory() as empty:
                ours = by_edgefit(
                    *(data, side, stage, epochs, 0),
                    **{"net": net, "folder": RUNS / net, "named": patient, "cache": library(empty)},
                )
            theirs = by_pytorch(data, side, stage, epochs, 0, ours, net=net, patience=0)
            if (ours["epochs"], theirs["epochs"]) != (epochs, epochs):
                raise RuntimeError(f"{net}, {stage}: {ours['epochs']} and {theirs['epochs']} epochs, not {epochs}")
            mine = ours["features_s"] + ours["stage_s"]
            pairs.append((theirs["seconds"] / mine, theirs["seconds"], mine, ours["features_s"], ours["command_s"]))
        ratio, seconds, mine, features, command = map(statistics.median, zip(*pairs))
        each = " ".join(f"{pair[0]:.2f}" for pair in pairs)
        print(
            f"| {net} | {stage}, {epochs} epochs | {seconds:.1f} s | {mine:.2f} s | {features:.2f} s | {ratio:.2f} × "
            f"| {each} | {command:.1f} s |",
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
    global EDGEFIT
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["accuracy", "speed", "steps"])
    parser.add_argument(
        "--only",
        action="append",
        help="of accuracy, such as fashion-mnist/64/full; of speed, a net, a stage or both, such as resnet18/full; "
        "of steps, a net; can be given again; all, if not given",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5), help="of accuracy; 0 to 4, if not given")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"runs of both for speed; {PAIRS}, if not given")
    parser.add_argument("--epochs", type=int, help="of each stage of speed; 20 (probe) and 10, if not given")
    parser.add_argument("--edgefit", type=pathlib.Path, default=EDGEFIT, help="its program; that of the release build")
    parser.add_argument("--device", default=loop.DEVICE, help="of PyTorch's accuracies, such as cuda; cpu, if not given")
    parser.add_argument("--threads", type=int, default=loop.THREADS, help="of both, 2 if not given")
    given = parser.parse_args()
    loop.THREADS = given.threads
    EDGEFIT = given.edgefit
    if given.what == "speed":
        speed(given.only, given.pairs, given.epochs)
    elif given.what == "steps":
        whole_net_steps(given.only)
    else:
        loop.DEVICE = given.device
        accuracy(given.only, given.seeds)


if __name__ == "__main__":
    main()
