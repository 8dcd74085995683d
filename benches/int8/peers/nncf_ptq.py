"""nncf: FLOAT.onnx CALIBRATION.npz OUT.onnx, its ONNX backend with the preset `mixed` for a CPU."""

import sys

import nncf
import numpy
import onnx

source, calibration, target = sys.argv[1:4]
arrays = numpy.load(calibration)
loaded = {name: arrays[name] for name in arrays.files}
samples = [{name: values[at : at + 1] for name, values in loaded.items()} for at in range(100)]
made = nncf.quantize(
    onnx.load(source),
    nncf.Dataset(samples),
    preset=nncf.QuantizationPreset.MIXED,
    subset_size=len(samples),
)
onnx.save(made, target)
