//! Numbers of TensorFlow Lite's `schema.fbs`, as far as they are used.

/// Of a file: `TFL3`, the third version of the schema.
pub(super) const IDENTIFIER: &str = "TFL3";
pub(super) const VERSION: u32 = 3;

/// An operator that is built in, with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Builtin {
    Add = 0,
    AveragePool2d = 1,
    Concatenation = 2,
    Conv2d = 3,
    DepthwiseConv2d = 4,
    FullyConnected = 9,
    Logistic = 14,
    MaxPool2d = 17,
    Mul = 18,
    Relu = 19,
    Relu6 = 21,
    Reshape = 22,
    ResizeBilinear = 23,
    Softmax = 25,
    Tanh = 28,
    Pad = 34,
    Gather = 36,
    Transpose = 39,
    Mean = 40,
    Sub = 41,
    Div = 42,
    Exp = 47,
    Cast = 53,
    Maximum = 55,
    Minimum = 57,
    Neg = 59,
    PadV2 = 60,
    Sqrt = 75,
    ResizeNearestNeighbor = 97,
    LeakyRelu = 98,
    Abs = 101,
    Elu = 111,
    Quantize = 114,
    HardSwish = 117,
}

/// Type of the elements of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub(super) enum ElementType {
    Float32 = 0,
    Int32 = 2,
    Int8 = 9,
}

impl ElementType {
    /// Bytes of an element.
    pub fn size(self) -> u64 {
        match self {
            ElementType::Float32 | ElementType::Int32 => 4,
            ElementType::Int8 => 1,
        }
    }
}

/// What is computed behind the sums of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub(super) enum Activation {
    None = 0,
    Relu = 1,
    ReluN1To1 = 2,
    Relu6 = 3,
}

/// Options of an operator: which table of the union, and its fields in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    pub table: u8,
    pub fields: Vec<Field>,
}

/// A field of a table of options.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field {
    Byte(i8),
    Int(i32),
    Float(f32),
    Bool(bool),
    /// One that files no longer have.
    Gone,
}

impl Options {
    pub const CONV: u8 = 1;
    pub const DEPTHWISE: u8 = 2;
    pub const POOL: u8 = 5;
    pub const FULLY_CONNECTED: u8 = 8;
    pub const SOFTMAX: u8 = 9;
    pub const CONCATENATION: u8 = 10;
    pub const ADD: u8 = 11;
    pub const RESIZE_BILINEAR: u8 = 15;
    pub const RESHAPE: u8 = 17;
    pub const MUL: u8 = 21;
    pub const PAD: u8 = 22;
    pub const GATHER: u8 = 23;
    pub const TRANSPOSE: u8 = 26;
    pub const REDUCER: u8 = 27;
    pub const SUB: u8 = 28;
    pub const DIV: u8 = 29;
    pub const CAST: u8 = 37;
    pub const MAXIMUM_MINIMUM: u8 = 39;
    pub const PAD_V2: u8 = 43;
    pub const RESIZE_NEAREST_NEIGHBOR: u8 = 74;
    pub const LEAKY_RELU: u8 = 75;
    pub const QUANTIZE: u8 = 89;
    pub const HARD_SWISH: u8 = 91;

    /// The table with the number `table`.
    pub fn new(table: u8, fields: &[Field]) -> Self {
        Options {
            table,
            fields: fields.to_vec(),
        }
    }
}
