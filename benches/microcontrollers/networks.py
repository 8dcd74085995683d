"""Writes three networks of MLPerf Tiny and three small ones of other ops, with seeded weights, and 200 samples of noise
for each, into a folder.

    python networks.py FOLDER
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
FOLDER = sys.argv[1]


def block(inputs, outputs, kernel=3, stride=1, groups=1, act=True):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    layers = [conv, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU()) if act else nn.Sequential(*layers)


class ResNet8(nn.Module):
    """Image classification: 3 × 32 × 32, ten classes."""

    def __init__(self):
        super().__init__()
        self.a = block(3, 16)
        self.b1, self.b2 = block(16, 16), block(16, 16, act=False)
        self.c1, self.c2, self.cs = block(16, 32, stride=2), block(32, 32, act=False), nn.Conv2d(16, 32, 1, 2)
        self.d1, self.d2, self.ds = block(32, 64, stride=2), block(64, 64, act=False), nn.Conv2d(32, 64, 1, 2)
        self.pool, self.fc, self.relu = nn.AdaptiveAvgPool2d(1), nn.Linear(64, 10), nn.ReLU()

    def forward(self, x):
        x = self.a(x)
        x = self.relu(self.b2(self.b1(x)) + x)
        x = self.relu(self.c2(self.c1(x)) + self.cs(x))
        x = self.relu(self.d2(self.d1(x)) + self.ds(x))
        return torch.softmax(self.fc(self.pool(x).flatten(1)), 1)


def visual_wake_words(width=0.25):
    """MobileNetV1, 3 × 96 × 96, two classes."""
    layers, inputs = [block(3, int(32 * width), stride=2)], int(32 * width)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    for outputs, stride in plan:
        outputs = int(outputs * width)
        layers += [block(inputs, inputs, stride=stride, groups=inputs), block(inputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 2))


def keywords():
    """DS-CNN, 1 × 49 × 10, twelve classes."""
    layers = [nn.Conv2d(1, 64, (10, 4), 2, (5, 1)), nn.ReLU()]
    for _ in range(4):
        layers += [block(64, 64, groups=64), block(64, 64, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 12))


class Pools(nn.Module):
    """Both pools, a depthwise convolution, softmax: 1 × 28 × 28, ten classes."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(1, 8, 3, 1, 1), nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Conv2d(8, 16, 1)
        self.fc = nn.Linear(16 * 7 * 7, 10)

    def forward(self, x):
        x = F.relu(self.b(F.max_pool2d(F.relu(self.a(x)), 2)))
        return torch.softmax(self.fc(F.avg_pool2d(F.relu(self.c(x)), 2).flatten(1)), 1)


class Moves(nn.Module):
    """Sum, concatenation, resizing, product, tables: 3 × 16 × 16, four classes."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 8, 3, 1, 1), nn.Conv2d(16, 8, 1)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = F.relu(self.a(x))
        x = torch.sigmoid(self.c(torch.cat([F.relu(self.b(x)) + x, x], 1)))
        x = F.interpolate(F.max_pool2d(x, 2), scale_factor=2, mode="nearest")
        return self.fc((x * torch.sigmoid(x)).mean((2, 3)))


def write(name, model, shape):
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.7, 1.3)
            layer.bias.data.normal_(0, 0.2)
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    options = {"dynamo": False, "opset_version": 17, "dynamic_axes": axes}
    names = {"input_names": ["x"], "output_names": ["y"]}
    torch.onnx.export(model.eval(), torch.randn(1, *shape), f"{FOLDER}/{name}.onnx", **names, **options)
    np.savez(f"{FOLDER}/{name}.npz", x=np.random.RandomState(0).randn(200, *shape).astype(np.float32))


for name, model, shape in [
    ("resnet8", ResNet8(), (3, 32, 32)),
    ("vww", visual_wake_words(), (3, 96, 96)),
    ("kws", keywords(), (1, 49, 10)),
]:
    write(name, model, shape)
perceptron = nn.Sequential(nn.Linear(40, 32), nn.ReLU(), nn.Linear(32, 5))
for name, model, shape in [
    ("pools", Pools(), (1, 28, 28)),
    ("moves", Moves(), (3, 16, 16)),
    ("perceptron", perceptron, (40,)),
]:
    write(name, model, shape)
