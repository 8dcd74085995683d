"""Exports the networks of docs/backbones.md from torchvision and timm, with random weights.

    pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 onnx onnxscript
    python tests/references/backbones.py FOLDER
    cargo run --release --example any_backbone -- FOLDER/*.onnx

Names behind the folder, such as tv_resnet18, export those alone, and `--side 64` those that run on such images for
images of 64 × 64, the others for the smallest of 96, 128 and their own that they run on. Opset 17, dynamic batch; those
whose names end in `_dyn` come from PyTorch's newer exporter.
"""

import argparse
import pathlib

import timm
import torch
import torchvision

TORCHVISION = """alexnet densenet121 efficientnet_b0 googlenet inception_v3 mnasnet0_5 mobilenet_v2
mobilenet_v3_small mobilenet_v3_large regnet_x_400mf regnet_y_400mf resnet18 resnet50
resnext50_32x4d shufflenet_v2_x0_5 squeezenet1_1 convnext_tiny swin_t swin_v2_t vit_b_32 maxvit_t
vgg11_bn wide_resnet50_2 efficientnet_v2_s"""
TIMM = """resnet18 mobilenetv3_small_100 mobilenetv4_conv_small efficientnet_lite0
tf_efficientnet_b0 ghostnet_100 mobileone_s0 repvgg_a0 fastvit_t8 efficientformer_l1
efficientformerv2_s0 efficientvit_b0 efficientvit_m0 edgenext_xx_small mobilevit_xxs mobilevitv2_050
deit_tiny_patch16_224 deit_tiny_distilled_patch16_224 vit_tiny_patch16_224 levit_128s pit_ti_224
pit_ti_distilled_224 poolformer_s12 pvt_v2_b0 twins_pcpvt_small cait_xxs24_224
xcit_nano_12_p16_224 convnextv2_atto convmixer_768_32 mixer_s32_224 resmlp_12_224 gmlp_ti16_224
coat_tiny crossvit_tiny_240 swin_tiny_patch4_window7_224 coatnet_nano_rw_224 maxvit_nano_rw_256
nest_tiny tnt_s_patch16_224 visformer_tiny lcnet_050 hardcorenas_a fbnetc_100 mnasnet_small
tinynet_e semnasnet_075 rexnet_100 dla34 dpn68 hrnet_w18_small cspresnet50 darknet53 selecsls42b
res2net50_26w_4s eca_nfnet_l0 nf_regnet_b1 resnetv2_50 skresnet18 gernet_s vovnet39a
ese_vovnet19b_dw inception_v4 xception41 nasnetalarge hgnetv2_b0 starnet_s1 repghostnet_050
tiny_vit_5m_224 vit_relpos_small_patch16_224 eva02_tiny_patch14_224 beit_base_patch16_224
sequencer2d_s davit_tiny focalnet_tiny_srf mvitv2_tiny repvit_m0_9 shvit_s1 swiftformer_xs
convit_tiny lambda_resnet26t botnet26t_256 hiera_tiny_224 inception_next_atto caformer_s18
mambaout_femto"""
NEWER = [
    ("tv", """resnet18 mobilenet_v3_small convnext_tiny swin_t vit_b_32 squeezenet1_1 efficientnet_b0
    shufflenet_v2_x0_5"""),
    ("timm", """deit_tiny_distilled_patch16_224 mobilevit_xxs edgenext_xx_small levit_128s
    efficientformer_l1 convnextv2_atto poolformer_s12 mobilenetv4_conv_small"""),
]


def network(library, name, side):
    """The network for images of `side`, or of its own size; a network that cannot be made for them raises."""
    if library == "timm":
        if side is None:
            model = timm.create_model(name, exportable=True)
            return model, model.default_cfg["input_size"][-1]
        try:
            return timm.create_model(name, exportable=True, img_size=side), side
        except TypeError:
            return timm.create_model(name, exportable=True), side
    settings = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = torchvision.models.get_model(name, weights=None, **settings)
    if hasattr(model, "aux_logits"):
        model.aux_logits = False
        model.AuxLogits = model.aux1 = model.aux2 = None
    return model, side or (299 if name == "inception_v3" else 224)


def smallest(library, name, side):
    """The network for the smallest images from `side` on that it runs on, and their side."""
    for one in (side, 96, 128) if side else ():
        try:
            torch.manual_seed(0)
            model, _ = network(library, name, one)
            model.eval()(torch.randn(2, 3, one, one))
            return model, one
        except (AssertionError, RuntimeError, ValueError):
            continue
    torch.manual_seed(0)
    return network(library, name, None)


def export(library, name, side, path, newer):
    model, side = smallest(library, name, side)
    model.eval()
    # Running statistics that do something.
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm) and module.running_var is not None:
            module.running_var.uniform_(0.5, 1.5)
            module.running_mean.normal_(0, 0.1)
    settings = {"opset_version": 17, "input_names": ["input"], "output_names": ["output"]}
    if newer:
        batch = torch.export.Dim("batch")
        settings |= {"dynamo": True, "dynamic_shapes": ({0: batch},), "external_data": False}
    else:
        axes = {"input": {0: "batch"}, "output": {0: "batch"}}
        settings |= {"dynamo": False, "dynamic_axes": axes}
    torch.onnx.export(model, (torch.randn(2, 3, side, side),), path, **settings)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--side", type=int)
    arguments = parser.parse_intermixed_args()
    folder, wanted = arguments.folder, arguments.names
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [("tv", TORCHVISION, False), ("timm", TIMM, False)]
    jobs += [(library, names, True) for library, names in NEWER]
    for library, names, newer in jobs:
        for name in names.split():
            path = folder / f"{library}_{name}{'_dyn' if newer else ''}.onnx"
            if not path.exists() and (not wanted or path.stem in wanted):
                export(library, name, arguments.side, str(path), newer)
                print(path.name, flush=True)


if __name__ == "__main__":
    main()
