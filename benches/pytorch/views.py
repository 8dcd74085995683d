"""Compares a few cached views of each image with live augmentation, on many splits.

    python benches/pytorch/views.py SPLITS

One test image of Tux Paint is 2 points of accuracy, so five splits cannot tell recipes apart. Here the
features of all photographs are made once, clean and in 20 augmented views, and heads alone are trained
on SPLITS splits: with a view never seen before in every epoch, as the usual loop does, and with a few
views in turn, as edgefit does (`Cached` in crates/edgefit-train/src/prepare/source.rs).
"""

import math
import statistics
import sys

import torch
from torch.nn.functional import cross_entropy

import compare
import loop

DATA, SIDE, EPOCHS = "tux-paint-photographs", 128, 20


def features(recipe):
    """Views x images x features, the first view clean, and the labels."""
    root = compare.CACHE / DATA
    classes = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    samples = sorted(str(path.relative_to(root)) for path in root.rglob("*.png"))
    augmented, clean = loop.transforms(SIDE, recipe["augmentation"])
    data = loop.Photographs(root, samples, classes, lambda image: image)
    images = [data[index][0] for index in range(len(data))]
    net = loop.lite0(compare.WEIGHTS).eval()
    views = []
    with torch.no_grad():
        for view in range(1 + EPOCHS):
            inputs = torch.stack([(augmented if view else clean)(image) for image in images])
            made = [net.forward_head(net.forward_features(part), pre_logits=True) for part in inputs.split(16)]
            views.append(torch.cat(made))
    return torch.stack(views), data.labels()


def divided(labels, seed):
    """60 % of each class to train on, 20 % to validate and to test."""
    chance = torch.Generator().manual_seed(seed)
    parts = [[], [], []]
    for label in labels.unique():
        rows = (labels == label).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=chance)]
        fifth = round(len(rows) * 0.2)
        for part, some in zip(parts, (rows[2 * fifth :], rows[:fifth], rows[fifth : 2 * fifth])):
            part.append(some)
    return [torch.cat(part) for part in parts]


def fit(views, labels, seed, how, cached):
    """Test accuracy of a head; `cached` is the number of views that are seen in turn, 0 for live ones."""
    train, val, test = divided(labels, seed)
    classes = int(labels.max()) + 1
    torch.manual_seed(seed)
    head = torch.nn.Linear(views.shape[2], classes)
    if cached:
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    counts = torch.bincount(labels[train], minlength=classes)
    weight = counts.sum() / (classes * counts)
    settings = [
        {"params": [head.weight], "weight_decay": how["weight_decay"]},
        {"params": [head.bias], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(settings)
    steps, step = math.ceil(len(train) / how["batch"]) * EPOCHS, 0
    best, best_epoch, accuracy = math.inf, 0, 0.0
    for epoch in range(1, EPOCHS + 1):
        for batch in torch.randperm(len(train)).split(how["batch"]):
            view = (epoch - 1 + batch) % cached if cached else torch.full_like(batch, epoch)
            for group in optimizer.param_groups:
                group["lr"] = loop.rate(how, step, steps)
            logits, wanted = head(views[view, train[batch]]), labels[train[batch]]
            loss = cross_entropy(logits, wanted, weight, label_smoothing=how["label_smoothing"])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), how["clip"])
            optimizer.step()
            step += 1
        with torch.no_grad():
            loss = cross_entropy(head(views[0, val]), labels[val], weight).item()
            if loss < best:
                best, best_epoch = loss, epoch
                accuracy = (head(views[0, test]).argmax(1) == labels[test]).float().mean().item()
        if epoch - best_epoch >= how["patience"]:
            break
    return accuracy


def main():
    splits = int(sys.argv[1])
    recipe = compare.recipe(EPOCHS)
    views, labels = features(recipe)
    live = [fit(views, labels, seed, recipe["probe"], 0) for seed in range(splits)]
    print("| views | mean accuracy | over live augmentation | standard error |\n|---|---|---|---|")
    print(f"| live | {statistics.mean(live):.4f} | | |")
    for cached in (1, 2, 3, 4, 8):
        found = [fit(views, labels, seed, recipe["probe"], cached) for seed in range(splits)]
        over = [ours - theirs for ours, theirs in zip(found, live)]
        error = statistics.stdev(over) / math.sqrt(splits)
        print(f"| {cached} | {statistics.mean(found):.4f} | {statistics.mean(over):+.4f} | {error:.4f} |", flush=True)


if __name__ == "__main__":
    main()
