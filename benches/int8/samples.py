"""Images as the model's own preprocessing asks for them, in folders named by class."""

import json
import pathlib

import numpy
import onnx
from PIL import Image


def preparation(model):
    """What the metadata of a model that edgefit wrote says, its labels, and the name of its input."""
    loaded = onnx.load(model, load_external_data=False)
    told = {entry.key: entry.value for entry in loaded.metadata_props}
    labels = json.loads(told["edgefit.labels"])
    return json.loads(told["edgefit.preprocessing"]), labels, loaded.graph.input[0].name


def prepared(path, how):
    """One image: the largest centred box, resized by Pillow, and scaled."""
    image = Image.open(path).convert("RGB")
    size = (how["width"], how["height"])
    share = how["fit"]["crop"]["fraction"] * min(image.width / size[0], image.height / size[1])
    box = [(whole - share * part) / 2 for whole, part in zip(image.size, size)]
    box += [(whole + share * part) / 2 for whole, part in zip(image.size, size)]
    pixels = numpy.asarray(image.resize(size, Image.BICUBIC, box), numpy.float32)
    scaled = (pixels - numpy.float32(how["mean"])) / numpy.float32(how["std"])
    return scaled.transpose(2, 0, 1)


def drawn(folder, count, how, labels, seed=0):
    """`count` images of `folder`, drawn at random, and their classes."""
    paths = sorted(pathlib.Path(folder).glob("*/*.png"))
    order = numpy.random.RandomState(seed).permutation(len(paths))[:count]
    images = numpy.stack([prepared(paths[index], how) for index in order])
    return images, numpy.array([labels.index(paths[index].parent.name) for index in order])
