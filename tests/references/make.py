"""Writes the reference outputs that tests/architectures.rs holds `edgefit import` to.

    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 numpy
    python tests/references/make.py

Each network of torchvision or timm gets weights and an input from a formula that the test knows,
too, and is run in PyTorch in eval mode. A file holds the keys and shapes of the checkpoint and the
logits; no weights.
"""

import json
import math
import pathlib

import numpy
import timm
import torch
import torchvision

CLASSES = 10
# Layouts that are variants of one architecture: the same keys, and other padding and epsilon.
TWINS = ("timm", "tf")
# (architecture in edgefit, layout, side of the input, network)
NETWORKS = [
    ("efficientnet-lite0", "tf", 224, lambda: timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES)),
    ("efficientnet-lite0", "timm", 224, lambda: timm.create_model("efficientnet_lite0", num_classes=CLASSES)),
    ("efficientnet-lite3", "tf", 280, lambda: timm.create_model("tf_efficientnet_lite3", num_classes=CLASSES)),
    ("mobilenet-v2", "torchvision", 224, lambda: torchvision.models.mobilenet_v2(num_classes=CLASSES)),
    ("mobilenet-v2", "timm", 224, lambda: timm.create_model("mobilenetv2_100", num_classes=CLASSES)),
    ("mobilenet-v3-small", "torchvision", 224, lambda: torchvision.models.mobilenet_v3_small(num_classes=CLASSES)),
    ("mobilenet-v3-small", "timm", 224, lambda: timm.create_model("mobilenetv3_small_100", num_classes=CLASSES)),
    ("mobilenet-v3-small", "tf", 224, lambda: timm.create_model("tf_mobilenetv3_small_100", num_classes=CLASSES)),
    ("mobilenet-v3-large", "torchvision", 224, lambda: torchvision.models.mobilenet_v3_large(num_classes=CLASSES)),
    ("mobilenet-v3-large", "timm", 224, lambda: timm.create_model("mobilenetv3_large_100", num_classes=CLASSES)),
    ("mobilenet-v3-large", "tf", 224, lambda: timm.create_model("tf_mobilenetv3_large_100", num_classes=CLASSES)),
    ("resnet18", "torchvision", 224, lambda: torchvision.models.resnet18(num_classes=CLASSES)),
    ("resnet50", "timm", 224, lambda: timm.create_model("resnet50", num_classes=CLASSES)),
    ("squeezenet1-1", "torchvision", 224, lambda: torchvision.models.squeezenet1_1(num_classes=CLASSES)),
]
WITH_TWINS = {architecture for architecture, layout, _, _ in NETWORKS if layout == "tf"}


def noise(name, count):
    """Numbers in -1/2 ... 1/2 from the name: FNV-1a of it, then a linear congruence."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    index = numpy.arange(count, dtype=numpy.uint64)
    mixed = (index * 2654435761 + seed) % 2**32
    mixed = (mixed ^ (mixed >> 15)) * 2246822519 % 2**32
    mixed = (mixed ^ (mixed >> 13)) * 3266489917 % 2**32
    return mixed.astype(numpy.float64) / 2**32 - 0.5


def values(key, shape):
    """The tensor `key` of a checkpoint."""
    count = math.prod(shape)
    raw = noise(key, count)
    if len(shape) > 1:
        raw = raw * math.sqrt(24 / math.prod(shape[1:]))
    elif key.endswith("running_var") or key.endswith("weight"):
        raw = raw * 0.4 + 1
    else:
        raw = raw * 0.4
    return raw.astype(numpy.float32).reshape(shape)


def main():
    folder = pathlib.Path(__file__).parent
    for architecture, layout, side, network in NETWORKS:
        network = network().eval()
        state = network.state_dict()
        keys = {key: list(tensor.shape) for key, tensor in state.items() if tensor.dtype.is_floating_point}
        for key, shape in keys.items():
            state[key] = torch.from_numpy(values(key, shape))
        network.load_state_dict(state)
        pixels = noise("input", 3 * side * side).astype(numpy.float32).reshape(1, 3, side, side)
        with torch.no_grad():
            logits = network(torch.from_numpy(4 * pixels))[0]
        reference = {
            "architecture": architecture,
            **({"variant": layout} if layout in TWINS and architecture in WITH_TWINS else {}),
            "side": side,
            "made_with": f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}",
            "keys": keys,
            "logits": [float(value) for value in logits],
        }
        path = folder / f"{architecture}-{layout}.json"
        path.write_text(json.dumps(reference, separators=(",", ":")) + "\n")
        print(path.name, [round(value, 3) for value in reference["logits"][:4]])


if __name__ == "__main__":
    main()
