"""Steps of training of whole nets by edgefit and by PyTorch, in turns: `compare.py steps` runs this.

Each side is a process that does one step for each line that it is sent, so that the other one waits meanwhile.
Both get the same photographs and start at the same weights; normalisation stays in eval mode and is not trained,
the optimizer is AdamW. The exported models have their normalisation folded into the convolutions, as
`torch.onnx.export` does it unless told otherwise.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy
import onnx
import timm
import torch
import torchvision
from PIL import Image

NETS = ["efficientnet-lite0", "mobilenet-v2", "mobilenet-v3-large", "resnet18", "vit-tiny"]
CLASSES, SIDE = 3, 224
TICK = os.sysconf("SC_CLK_TCK")


def network(name):
    torch.manual_seed(0)
    match name:
        case "efficientnet-lite0":
            return timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES)
        case "mobilenet-v2":
            return torchvision.models.mobilenet_v2(num_classes=CLASSES, dropout=0.0)
        case "mobilenet-v3-large":
            return torchvision.models.mobilenet_v3_large(num_classes=CLASSES, dropout=0.0)
        case "resnet18":
            return torchvision.models.resnet18(num_classes=CLASSES)
        case "vit-tiny":
            return timm.create_model("vit_tiny_patch16_224", num_classes=CLASSES)


def exported(name, folder):
    path = folder / f"{name}.onnx"
    if not path.exists():
        axes = {"x": {0: "batch"}, "y": {0: "batch"}}
        torch.onnx.export(
            *(network(name).eval(), torch.zeros(1, 3, SIDE, SIDE), path),
            **{"dynamo": False, "opset_version": 17, "input_names": ["x"], "output_names": ["y"], "dynamic_axes": axes},
        )
        # The exporter makes one tensor of all weights that start alike, which would then be trained as one.
        model = onnx.load(path)
        stored = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in [node for node in model.graph.node if node.op_type == "Identity"]:
            if node.input[0] in stored:
                copy = model.graph.initializer.add()
                copy.CopyFrom(stored[node.input[0]])
                copy.name = node.output[0]
                model.graph.node.remove(node)
        onnx.save(model, path)
    return path


def photographs(root, count, path):
    """The values of `count` photographs, prepared alike for all nets."""
    files = sorted(file for file in root.rglob("*") if file.suffix in (".jpg", ".png", ".jpeg"))
    files = files[:: max(len(files) // count, 1)][:count]
    images = [numpy.asarray(Image.open(file).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC)) for file in files]
    values = numpy.stack(images).transpose(0, 3, 1, 2).astype("<f4") / 127.5 - 1
    values.tofile(path)
    return path


def pytorch(name, images, batch, threads):
    """The side of PyTorch."""
    torch.set_num_threads(threads)
    net = network(name).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval().requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 1e-4, weight_decay=1e-4)
    images = torch.from_numpy(numpy.fromfile(images, "<f4").reshape(batch, 3, SIDE, SIDE))
    labels = torch.arange(batch) % CLASSES
    for _ in sys.stdin:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        print(loss.item(), flush=True)


class Side:
    """One of the two processes."""

    def __init__(self, command, threads):
        environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
        self.process = subprocess.Popen(list(map(str, command)), **pipes)
        self.losses = []

    def processor(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def steps(self, count):
        """Seconds of a step by the clock and of the processors."""
        began, used = time.perf_counter(), self.processor()
        for _ in range(count):
            self.process.stdin.write("step\n")
            self.process.stdin.flush()
            self.losses.append(float(self.process.stdout.readline()))
        return (time.perf_counter() - began) / count, (self.processor() - used) / count

    def peak(self):
        """Largest resident set, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def compare(program, photos, folder, threads, batches=(8, 32), nets=NETS, pairs=7):
    """Prints a row for each net and batch: medians, and the median of the ratios of pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = ["net", "batch", "PyTorch", "edgefit", "ratio", "processor: PyTorch", "edgefit", "ratio"]
    heads += ["peak: PyTorch", "edgefit", "losses after a step: PyTorch", "edgefit"]
    for row in [heads, ["---"] * len(heads)]:
        print(f"| {' | '.join(row)} |", flush=True)
    for name in nets:
        for batch in batches:
            images = photographs(photos, batch, folder / f"images-{batch}.f32")
            theirs = Side([sys.executable, __file__, name, images, batch, threads], threads)
            ours = Side([program, exported(name, folder), images, batch], threads)
            count = max(1, 16 // batch)
            for side in (theirs, ours):
                side.steps(2)
            timed = [(theirs.steps(count), ours.steps(count)) for _ in range(pairs)]
            median = lambda of: statistics.median(of(*pair) for pair in timed)
            print(
                f"| {name} | {batch} | {median(lambda a, _: a[0]):.3f} s | {median(lambda _, b: b[0]):.3f} s "
                f"| {median(lambda a, b: a[0] / b[0]):.2f} | {median(lambda a, _: a[1]):.2f} s "
                f"| {median(lambda _, b: b[1]):.2f} s | {median(lambda a, b: a[1] / b[1]):.2f} "
                f"| {theirs.peak():.0f} MiB | {ours.peak():.0f} MiB "
                f"| {theirs.losses[0]:.4f} {theirs.losses[1]:.4f} | {ours.losses[0]:.4f} {ours.losses[1]:.4f} |",
                flush=True,
            )
            for side in (theirs, ours):
                side.end()


if __name__ == "__main__":
    given_name, given_images, given_batch, given_threads = sys.argv[1:]
    pytorch(given_name, given_images, int(given_batch), int(given_threads))
