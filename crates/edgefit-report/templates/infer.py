{%- if let Some(image) = image -%}
import json, os, sys, numpy as np, onnxruntime
from PIL import Image, ImageOps
session = onnxruntime.InferenceSession(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.onnx"))
labels = json.loads(session.get_modelmeta().custom_metadata_map["edgefit.labels"])
for path in sys.argv[1:]:
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    rgb, alpha = np.split(np.asarray(image, np.uint32), [3], axis=2)  # transparency is laid onto white
    image = Image.fromarray(((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8))
{%- if let Some(fraction) = image.fraction %}
    (w, h), s = image.size, {{ fraction }} * min(image.width / {{ image.width }}, image.height / {{ image.height }})  # along rows first, in every version of Pillow:
    x = image.resize(({{ image.width }}, h), Image.Resampling.BICUBIC, (left := max(0, (w - {{ image.width }} * s) / 2), 0, w - left, h)).resize(({{ image.width }}, {{ image.height }}), Image.Resampling.BICUBIC, (0, top := max(0, (h - {{ image.height }} * s) / 2), {{ image.width }}, h - top))
{%- else %}
    h = image.height  # the whole image, stretched; along rows first, in every version of Pillow:
    x = image.resize(({{ image.width }}, h), Image.Resampling.BICUBIC).resize(({{ image.width }}, {{ image.height }}), Image.Resampling.BICUBIC)
{%- endif %}
    y = session.run(None, {session.get_inputs()[0].name: ((np.asarray(x{% if self.is_grey() %}.convert("L"){% endif %}, np.float32){{ image.channels }} - {{ image.mean }}) / {{ image.std }}).astype(np.float32){{ image.arranged }}})[0][0]
    print(path, {% if task == Task::Classes %}labels[y.argmax()], round(float({{ probability }}), 6){% else if task == Task::MultiLabel %}"; ".join(label for label, p in zip(labels, y) if p > 0.5), y.tolist(){% else %}dict(zip(labels, y.tolist())){% endif %}, sep="\t")
{%- else -%}
import json, os, sys, numpy as np, onnxruntime
session = onnxruntime.InferenceSession(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.onnx"))
metadata = session.get_modelmeta().custom_metadata_map
labels = json.loads(metadata["edgefit.labels"])
for path in sys.argv[1:]:  # files of np.save, samples along the first dimension
    x = np.load(path).astype(np.float32)
{%- if has_scaler %}
    scaler = json.loads(metadata["edgefit.scaler"])
    if list(x.shape[-len(scaler["dims"]):]) != scaler["dims"] and (x.ndim > 1 or scaler["dims"] != [1]): sys.exit(f"{path} has the shape {list(x.shape)}, and samples have {scaler['dims']}; save them with the samples first")
    mean, std = (np.reshape(np.float32(scaler[of]), [-1] + [1] * (len(scaler["dims"]) - 1)) for of in ("mean", "std"))
    x = (x.reshape([-1] + scaler["dims"]) - mean) / std
{%- endif %}
    for row, y in enumerate(session.run(None, {session.get_inputs()[0].name: x})[0]):
        print(path, row, {% if task == Task::Classes %}labels[y.argmax()], round(float({{ probability }}), 6){% else if task == Task::MultiLabel %}"; ".join(label for label, p in zip(labels, y) if p > 0.5), y.tolist(){% else %}dict(zip(labels, y.tolist())){% endif %}, sep="\t")
{%- endif %}
