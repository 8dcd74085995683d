"""The usual PyTorch loop: every epoch decodes, augments and runs every image through the whole net."""

import contextlib
import math
import time

import timm
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

THREADS = 2
DEVICE = "cpu"
# As edgefit prepares for EfficientNet-Lite0: (x - 127) / 128 of a centre crop of 0.875 of the shorter side.
MEAN, STD, CROP = 127 / 255, 128 / 255, 0.875
# Layers by which a place in a net is counted.
LAYERS = (torch.nn.Conv2d, torch.nn.Linear, torch.nn.LayerNorm)


class Photographs(Dataset):
    def __init__(self, root, samples, classes, transform):
        self.samples = [(root / path, classes.index(path.split("/")[-2])) for path in samples]
        self.transform = transform

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        image = Image.open(path).convert("RGBA")
        on_white = Image.new("RGBA", image.size, "white")
        on_white.alpha_composite(image)
        return self.transform(on_white.convert("RGB")), label

    def labels(self):
        return torch.tensor([label for _, label in self.samples])


def transforms(side, augmentation):
    """Of training images and of all others."""
    bicubic = v2.InterpolationMode.BICUBIC
    numbers = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([MEAN] * 3, [STD] * 3)]
    jitter = augmentation["color_jitter"]
    train = [
        v2.RandomResizedCrop(side, augmentation["crop_scale"], augmentation["crop_ratio"], bicubic),
        v2.RandomHorizontalFlip(augmentation["flip"]),
        v2.ColorJitter(jitter, jitter, jitter),
    ]
    clean = [v2.Resize(round(side / CROP), bicubic), v2.CenterCrop(side)]
    return v2.Compose(train + numbers), v2.Compose(clean + numbers)


def lite0(weights):
    """EfficientNet-Lite0 with the weights of the package's checkpoint."""
    net = timm.create_model("tf_efficientnet_lite0")
    given = torch.load(weights, map_location="cpu", weights_only=True)
    # Both list the same tensors in the same order under names of their own.
    given = [value for name, value in given.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in net.state_dict() if not name.endswith("num_batches_tracked")]
    net.load_state_dict(dict(zip(names, given, strict=True)), strict=False)
    return net


def with_new_head(net, classes):
    """What is in front of the last linear layer of `net`, and a new one behind it."""
    name, head = [layer for layer in net.named_modules() if isinstance(layer[1], torch.nn.Linear)][-1]
    net.set_submodule(name, torch.nn.Identity())
    return torch.nn.Sequential(net, torch.nn.Linear(head.in_features, classes))


def parameters_behind(net, side, front, total):
    """Parameters of what runs behind the first `front` of the `total` layers."""
    ran = []
    note = lambda module, _: ran.append(module)
    hooks = [module.register_forward_pre_hook(note) for module in net.modules()]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 3, side, side, device=DEVICE))
    for hook in hooks:
        hook.remove()
    parameters, layers = [], 0
    for module in ran:
        layers += isinstance(module, LAYERS)
        if layers > front:
            parameters += module.parameters(recurse=False)
    if layers != total:
        raise ValueError(f"{layers} layers run, and the ONNX model has {total}")
    return parameters


def groups(net, stage, recipe, behind):
    """Parameters that the stage trains, in groups for the optimizer; all others are frozen.

    Of the backbone, stage top trains those in `behind`. Learning rates and decay are those of the recipe: the
    multiplier of the head is 1, that of deeper layers less, and biases and normalisation no decay.
    """
    backbone = list(net[0].named_parameters())
    frozen = set()
    if stage == "probe":
        frozen = {name for name, _ in backbone}
    if stage == "top":
        inside = {id(p) for p in behind}
        frozen = {name for name, parameter in backbone if id(parameter) not in inside}
    if recipe["normalization"] == "frozen":
        norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        inside = {id(p) for norm in norms for p in norm.parameters()}
        frozen |= {name for name, parameter in backbone if id(parameter) in inside}
    made = []
    trained = [(name, parameter) for name, parameter in backbone if name not in frozen]
    for index, (name, parameter) in enumerate(trained):
        depth = 1 - index / max(len(trained) - 1, 1)
        share = recipe["backbone_multiplier"] * recipe["depth_decay"] ** depth
        decay = recipe["weight_decay"] if parameter.ndim > 1 else 0.0
        made.append({"params": [parameter], "share": share, "weight_decay": decay})
    for parameter in net[1].parameters():
        decay = recipe["weight_decay"] if parameter.ndim > 1 else 0.0
        made.append({"params": [parameter], "share": 1.0, "weight_decay": decay})
    for name, parameter in backbone:
        parameter.requires_grad_(name not in frozen)
    return made


def rate(recipe, step, steps):
    """Linear warm-up, then half a cosine to 0."""
    warmup = math.ceil(recipe["warmup"] * steps)
    if step < warmup:
        return recipe["learning_rate"] * (step + 1) / warmup
    done = (step - warmup) / max(steps - warmup, 1)
    return recipe["learning_rate"] * (1 + math.cos(math.pi * done)) / 2


def evaluate(net, loader, weight):
    """Weighted loss and accuracy."""
    net.eval()
    logits, labels = [], []
    with torch.no_grad():
        for images, wanted in loader:
            logits.append(net(images.to(DEVICE)))
            labels.append(wanted.to(DEVICE))
    logits, labels = torch.cat(logits), torch.cat(labels)
    accuracy = (logits.argmax(1) == labels).float().mean().item()
    return cross_entropy(logits, labels, weight).item(), accuracy


def fit(root, split, classes, network, side, stage, recipe, seed, boundary=None):
    """Trains one stage from the weights of the net that `network` makes.

    Stage top trains what is behind `boundary`: the number of layers in front of it, and that of all layers.
    Returns the test accuracy of the epoch with the lowest validation loss, the seconds that the
    epochs with their validation took, and the number of epochs.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    how = recipe[stage]
    augmented, clean = transforms(side, recipe["augmentation"])
    parts = {
        part: Photographs(root, split[part], classes, augmented if part == "train" else clean) for part in split
    }
    # Two workers beside two threads were faster than none; with one thread there is nothing to gain.
    workers = THREADS if THREADS > 1 else 0
    settings = {"batch_size": how["batch"], "num_workers": workers, "persistent_workers": workers > 0}
    train = DataLoader(parts["train"], shuffle=True, **settings)
    val = DataLoader(parts["val"], **settings)
    counts = torch.bincount(parts["train"].labels(), minlength=len(classes))
    weight = (counts.sum() / (len(classes) * counts)).to(DEVICE)

    net = with_new_head(network(), len(classes)).to(DEVICE)
    behind = parameters_behind(net, side, *boundary) if stage == "top" else []
    optimizer = torch.optim.AdamW(groups(net, stage, how, behind))
    trained = [p for p in net.parameters() if p.requires_grad]
    steps = how["epochs"] * len(train)
    step, best, kept, best_epoch = 0, math.inf, None, 0
    began = time.perf_counter()
    for epoch in range(1, how["epochs"] + 1):
        # The frozen part of a net, and all of its normalisation if the recipe says so, stays in eval mode.
        net.train(stage == "full" and how["normalization"] == "batch")
        for images, labels in train:
            images, labels = images.to(DEVICE), labels.to(DEVICE)
            for group in optimizer.param_groups:
                group["lr"] = group["share"] * rate(how, step, steps)
            with torch.no_grad() if stage == "probe" else contextlib.nullcontext():
                features = net[0](images)
            logits = net[1](features)
            loss = cross_entropy(logits, labels, weight, label_smoothing=how["label_smoothing"])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, how["clip"])
            optimizer.step()
            step += 1
        loss, _ = evaluate(net, val, weight)
        if loss < best:
            best, best_epoch = loss, epoch
            kept = {name: value.clone() for name, value in net.state_dict().items()}
        if how["patience"] and epoch - best_epoch >= how["patience"]:
            break
    seconds = time.perf_counter() - began
    net.load_state_dict(kept)
    _, accuracy = evaluate(net, DataLoader(parts["test"], **settings), weight)
    return accuracy, seconds, epoch
