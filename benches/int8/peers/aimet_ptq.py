"""aimet-onnx: FLOAT.onnx CALIBRATION.npz OUT.onnx, weights per channel, 8 bits, ranges by minimum and maximum."""

import sys

import aimet_onnx
import numpy
import onnx
from aimet_onnx.quantsim import QuantizationSimModel

source, calibration, target = sys.argv[1:4]
arrays = numpy.load(calibration)
samples = [{name: arrays[name][at : at + 1] for name in arrays.files} for at in range(100)]
simulated = QuantizationSimModel(
    onnx.load(source),
    param_type=aimet_onnx.int8,
    activation_type=aimet_onnx.int8,
    quant_scheme="min_max",
    config_file="default",
)
simulated.compute_encodings(samples)
onnx.save(simulated.to_onnx_qdq(), target)
