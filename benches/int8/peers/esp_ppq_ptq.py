"""esp-ppq: FLOAT.onnx CALIBRATION.npz OUT.onnx, for the ESP32-S3: powers of two, per tensor, written as QDQ."""

import sys

import numpy
import torch
from esp_ppq import QuantizationSettingFactory
from esp_ppq.api import espdl_quantize_onnx, export_ppq_graph
from esp_ppq.core import TargetPlatform

source, calibration, target = sys.argv[1:4]
arrays = numpy.load(calibration)
(name,) = arrays.files
samples = [torch.from_numpy(sample[None]) for sample in arrays[name]]
setting = QuantizationSettingFactory.espdl_setting()
setting.equalization = True
graph = espdl_quantize_onnx(
    onnx_import_file=source,
    espdl_export_file=target + ".espdl",
    calib_dataloader=samples,
    calib_steps=len(samples),
    input_shape=list(samples[0].shape),
    target="esp32s3",
    num_of_bits=8,
    setting=setting,
    device="cpu",
    error_report=False,
    skip_export=True,
    verbose=0,
)
export_ppq_graph(graph, TargetPlatform.ONNXRUNTIME, target, target + ".json")
