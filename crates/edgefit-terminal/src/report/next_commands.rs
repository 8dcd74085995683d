//! What to do after the demo.

use edgefit_train::Report;

/// Commands to go on with for `device`, as they can be typed where the demo was.
pub fn next_commands(report: &Report, device: &str) -> String {
    let edgefit = std::env::args().next().unwrap_or_else(|| "edgefit".into());
    let model = report.exported.path.display();
    let backbone = report.backbone.display();
    format!(
        "next, on your own images (a folder with a folder of images for each class):\n  \
         {edgefit} train IMAGES --backbone {backbone} \\\n      \
         --device {device} -o runs/mine\n  \
         {edgefit} check runs/mine/model.onnx --device stm32h743\n  \
         {edgefit} fit IMAGES --backbone {backbone} \\\n      \
         --device stm32h743 -o runs/h743\n  \
         {edgefit} verify {model} --data IMAGES"
    )
}
