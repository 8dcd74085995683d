"""onnxruntime.quantization: FLOAT.onnx CALIBRATION.npz OUT.onnx

QDQ, weights per channel, u8 activations, ranges by minimum and maximum; the range of weights is halved,
as its documentation asks for on processors without VNNI.
"""

import sys
import tempfile

import numpy
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

source, calibration, target = sys.argv[1:4]
arrays = numpy.load(calibration)


class Reader(CalibrationDataReader):
    def __init__(self):
        self.samples = ({name: arrays[name][at : at + 1] for name in arrays.files} for at in range(100))

    def get_next(self):
        return next(self.samples, None)


with tempfile.NamedTemporaryFile(suffix=".onnx") as folded:
    quant_pre_process(source, folded.name)
    quantize_static(
        folded.name,
        target,
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
