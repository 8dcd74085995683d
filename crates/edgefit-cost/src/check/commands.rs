//! [`Commands`]: what to type to make something of a model that fits.

use std::path::Path;

use edgefit_base::shell::word;

use super::Limits;

/// What a check was asked for, as commands repeat it.
#[derive(Debug, Clone, Copy)]
pub struct Commands<'a> {
    /// File of the model.
    pub model: &'a Path,
    /// The device, if one was named.
    pub device: Option<&'a str>,
    /// Budgets in the place of the device's own.
    pub limits: Limits,
}

impl Commands<'_> {
    /// The command that makes an int8 model of it.
    ///
    /// ```
    /// use edgefit_cost::{Commands, Limits};
    ///
    /// let commands = Commands {
    ///     model: "runs/my net.onnx".as_ref(),
    ///     device: Some("stm32h743"),
    ///     limits: Limits::default(),
    /// };
    /// assert_eq!(
    ///     commands.quantize(),
    ///     "edgefit quantize 'runs/my net.onnx' --device stm32h743 --data DIR -o 'runs/my net-int8.onnx'"
    /// );
    /// ```
    pub fn quantize(&self) -> String {
        let made = format!("{}-int8.onnx", self.model.with_extension("").display());
        format!(
            "edgefit quantize {}{} --data DIR -o {}",
            self.model_word(),
            self.device_option(),
            word(&made)
        )
    }

    /// The command that searches for a part of it; none without a device.
    pub fn search(&self) -> Option<String> {
        self.device?;
        let limits = [
            ("ram", self.limits.ram_bytes, "B"),
            ("flash", self.limits.flash_bytes, "B"),
            ("latency", self.limits.latency_ns, "ns"),
        ];
        let limits = limits.map(|(name, limit, unit)| {
            limit.map_or(String::new(), |limit| format!(" --{name} {limit}{unit}"))
        });
        Some(format!(
            "edgefit fit DATA --backbone {}{}{} -o RUN",
            self.model_word(),
            self.device_option(),
            limits.concat()
        ))
    }

    fn model_word(&self) -> String {
        word(&self.model.display().to_string()).into_owned()
    }

    fn device_option(&self) -> String {
        let device = self.device;
        device.map_or(String::new(), |name| format!(" --device {}", word(name)))
    }
}
