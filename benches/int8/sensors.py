"""Small 1-D networks on three data sets of aeon, trained here, in floats and on integers.

    python benches/int8/sensors.py --edgefit target/release/edgefit --scheme tflite

README.md has the figures.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import tempfile

import numpy
import torch
from aeon.datasets import load_basic_motions, load_italy_power_demand, load_japanese_vowels

SETS = {
    "ItalyPowerDemand": load_italy_power_demand,
    "JapaneseVowels": load_japanese_vowels,
    "BasicMotions": load_basic_motions,
}
EPOCHS = 60


def recordings(load):
    """Training and test recordings, padded with zeros to one length and standardised, and their classes."""
    parts = [load(split=split) for split in ("train", "test")]
    length = max(recording.shape[1] for values, _ in parts for recording in values)
    classes = sorted(set(parts[0][1]))
    padded = [
        numpy.stack([numpy.pad(one, ((0, 0), (0, length - one.shape[1]))) for one in values])
        for values, _ in parts
    ]
    mean, std = padded[0].mean((0, 2), keepdims=True), padded[0].std((0, 2), keepdims=True)
    values = [((part - mean) / std).astype(numpy.float32) for part in padded]
    return values, [numpy.array([classes.index(name) for name in names]) for _, names in parts]


def network(channels, classes):
    layers = []
    for inputs, outputs, kernel in ((channels, 32, 7), (32, 64, 5), (64, 64, 3)):
        layers += [torch.nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)]
        layers += [torch.nn.BatchNorm1d(outputs), torch.nn.ReLU()]
    layers += [torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(64, classes)]
    return torch.nn.Sequential(*layers)


def trained(values, classes, seed):
    torch.manual_seed(seed)
    net = network(values.shape[1], classes.max() + 1)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    values, classes = torch.from_numpy(values), torch.from_numpy(classes)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(values)).split(16):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(values[batch]), classes[batch]).backward()
            optimizer.step()
    return net.eval()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--edgefit", default="target/release/edgefit")
    parser.add_argument("--scheme", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    schemes = given.scheme or ["tflite"]
    folder = pathlib.Path(tempfile.mkdtemp())
    print("| recordings | scheme | compared | accuracy | lost, points | right only in floats : on integers, p | SQNR, dB |")
    print("|---|---|---|---|---|---|---|")
    for title, load in SETS.items():
        (train, test), (train_classes, test_classes) = recordings(load)
        arrays, model = folder / "test.npz", folder / "model.onnx"
        numpy.savez(arrays, x=test, y=test_classes)
        found = {scheme: [] for scheme in schemes}
        for seed in range(given.seeds):
            net = trained(train, train_classes, seed)
            torch.onnx.export(
                net,
                torch.from_numpy(test[:1]),
                model,
                input_names=["x"],
                output_names=["logits"],
                dynamic_axes={"x": {0: "n"}, "logits": {0: "n"}},
                dynamo=False,
            )
            for scheme in schemes:
                command = [given.edgefit, "quantize", model, "--inputs", arrays, "--scheme", scheme]
                command += ["--all-int8", "--json", "-o", folder / "int8.onnx"]
                ran = subprocess.run(command, capture_output=True, text=True)
                if ran.returncode not in (0, 1):
                    raise SystemExit(ran.stderr)
                found[scheme].append(json.loads(ran.stdout)["comparison"])
        for scheme, comparisons in found.items():
            row(title, scheme, comparisons)


def row(title, scheme, comparisons):
    accuracies = [each["accuracy"] for each in comparisons]
    floats, integers = (sum(each[key] for each in accuracies) for key in ("only_float", "only_quantized"))
    both = floats + integers
    # McNemar's exact test, two-sided.
    tail = sum(math.comb(both, count) for count in range(min(floats, integers) + 1)) / 2**both
    accuracy = statistics.mean(each["float"] for each in accuracies)
    drop = statistics.mean(each["drop"] for each in accuracies)
    sqnr = statistics.mean(each["sqnr_db"] for each in comparisons)
    compared = sum(each["samples"] for each in comparisons)
    print(
        f"| {title} | {scheme} | {compared} | {100 * accuracy:.1f} % | {drop:.2f} "
        f"| {floats} : {integers}, {min(1, 2 * tail):.2f} | {sqnr:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
