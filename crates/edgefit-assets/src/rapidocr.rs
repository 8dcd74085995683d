//! RapidOCR's text direction classifier.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::Result;
use crate::pip::Wheel;

/// A MobileNetV3-style classifier of text lines, upright or not, that Paddle exported (Apache-2.0):
/// normalisation that is not folded, and shapes that are computed.
///
/// # Errors
/// pip is missing or fails, or what came is not the pinned file.
pub fn rapidocr_classifier(cache: &Cache) -> Result<PathBuf> {
    let wheel = Wheel {
        what: "RapidOCR's text direction classifier",
        requirement: "rapidocr-onnxruntime==1.4.4",
        platforms: &[],
        sha256: "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
    };
    wheel.only_file(
        cache,
        "rapidocr-classifier-1.4.4",
        "ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    )
}
