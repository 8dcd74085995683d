//! Classes of ops whose speed is measured and predicted together.

use std::fmt;
use std::str::FromStr;

use edgefit_base::names::nearest;
use serde::{Deserialize, Serialize};

/// A class of ops that take about as long for the same size.
///
/// ```
/// use edgefit_device::rates::{OpClass, OpLayout};
///
/// let relu = OpClass::Other(OpLayout::Image, "Relu".into());
/// assert_eq!(relu.to_string(), "image:Relu");
/// assert_eq!("image:Relu".parse(), Ok(relu));
/// assert_eq!("gemm".parse(), Ok(OpClass::Gemm));
/// assert!("pointwize".parse::<OpClass>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OpClass {
    /// 1×1 convolution.
    Pointwise,
    /// Convolution over all input channels, larger than 1×1.
    Dense,
    /// Convolution with as many groups as input channels.
    Depthwise,
    /// Convolution with groups of several channels.
    Grouped,
    /// Product of a matrix with a constant one.
    Gemm,
    /// Products of two activations, a batch of them.
    MatMul,
    /// A node that computes next to nothing: another shape for the same elements.
    View,
    /// A node of the arithmetic of shapes.
    Shape,
    /// An ONNX op without multiply-accumulates, in the layout that its input has.
    Other(OpLayout, String),
}

/// The layout that values have around an op, on which the speed of small ops depends: engines keep
/// images in blocks of channels between convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OpLayout {
    /// Between convolutions.
    Image,
    /// Right behind a depthwise convolution, into which some engines fuse nothing.
    Depthwise,
    /// Between matrix products.
    Token,
}

impl OpClass {
    /// The classes that are no ONNX op in a layout, with their names.
    const NAMED: [(OpClass, &'static str); 8] = [
        (OpClass::Pointwise, "pointwise"),
        (OpClass::Dense, "dense"),
        (OpClass::Depthwise, "depthwise"),
        (OpClass::Grouped, "grouped"),
        (OpClass::Gemm, "gemm"),
        (OpClass::MatMul, "matmul"),
        (OpClass::View, "view"),
        (OpClass::Shape, "shape"),
    ];
}

impl OpLayout {
    /// All layouts, the most special first.
    pub const ALL: [OpLayout; 3] = [OpLayout::Depthwise, OpLayout::Image, OpLayout::Token];

    fn name(self) -> &'static str {
        match self {
            OpLayout::Image => "image",
            OpLayout::Depthwise => "depthwise",
            OpLayout::Token => "token",
        }
    }
}

impl fmt::Display for OpClass {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let OpClass::Other(layout, op) = self {
            return write!(f, "{}:{op}", layout.name());
        }
        let named = OpClass::NAMED.iter().find(|(class, _)| class == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

/// By name.
impl Ord for OpClass {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for OpClass {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for OpClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((layout, op)) = text.split_once(':') {
            let layout = OpLayout::ALL.into_iter().find(|it| it.name() == layout);
            if let Some(layout) = layout.filter(|_| !op.is_empty()) {
                return Ok(OpClass::Other(layout, op.to_owned()));
            }
        }
        let named = OpClass::NAMED.into_iter();
        if let Some((class, _)) = named.clone().find(|(_, name)| *name == text) {
            return Ok(class);
        }
        let hint = match nearest(text, named.map(|(_, name)| name)) {
            Some(name) => format!("did you mean '{name}'?"),
            None => "it is 'dense', 'gemm' or the like, or 'image:', 'depthwise:' or 'token:' \
                     and an ONNX op"
                .to_owned(),
        };
        Err(format!("there is no class of ops '{text}'; {hint}"))
    }
}

impl TryFrom<String> for OpClass {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<OpClass> for String {
    fn from(class: OpClass) -> String {
        class.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_what_it_was_written_from() {
        let others = OpLayout::ALL.map(|layout| OpClass::Other(layout, "Add".into()));
        let named = OpClass::NAMED.into_iter().map(|(class, _)| class);
        for class in named.chain(others) {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
    }

    #[test]
    fn a_misspelt_class_is_recognised() {
        let error = |text: &str| text.parse::<OpClass>().unwrap_err();
        assert!(error("pointwize").contains("did you mean 'pointwise'?"));
        assert!(error("picture:Relu").contains("no class of ops 'picture:Relu'"));
        assert!(error("image:").contains("no class"));
    }
}
