//! Convolutions and transposed convolutions.

use crate::case::{Case, check_all};

#[test]
fn convolutions() {
    let conv = || Case::new("Conv", &[2, 4, 5, 7]);
    check_all(vec![
        (
            "odd sizes",
            conv()
                .weight("k", &[3, 4, 3, 3])
                .weight("b", &[3])
                .ints("strides", &[2, 2]),
        ),
        (
            "asymmetric pads",
            conv()
                .weight("k", &[3, 4, 3, 2])
                .ints("pads", &[0, 1, 2, 0])
                .ints("strides", &[2, 3]),
        ),
        (
            "groups",
            conv()
                .weight("k", &[6, 2, 3, 3])
                .weight("b", &[6])
                .int("group", 2),
        ),
        (
            "depthwise",
            conv()
                .weight("k", &[4, 1, 3, 3])
                .int("group", 4)
                .ints("strides", &[2, 2])
                .ints("pads", &[1, 1, 1, 1]),
        ),
        (
            "depthwise, asymmetric kernel and pads",
            Case::new("Conv", &[2, 2, 9, 11])
                .weight("k", &[2, 1, 5, 3])
                .weight("b", &[2])
                .int("group", 2)
                .ints("pads", &[2, 0, 1, 2]),
        ),
        (
            "depthwise, dilated and padded beyond the image",
            Case::new("Conv", &[2, 2, 5, 6])
                .weight("k", &[2, 1, 3, 2])
                .int("group", 2)
                .ints("strides", &[3, 2])
                .ints("dilations", &[2, 3])
                .ints("pads", &[4, 1, 3, 5]),
        ),
        (
            "dilation",
            conv()
                .weight("k", &[2, 4, 2, 3])
                .ints("dilations", &[2, 2])
                .ints("pads", &[1, 2, 1, 2]),
        ),
        (
            "pointwise",
            conv().weight("k", &[3, 4, 1, 1]).weight("b", &[3]),
        ),
        (
            "pointwise, the weight larger than the images",
            Case::new("Conv", &[3, 5, 1, 2])
                .weight("k", &[6, 5, 1, 1])
                .weight("b", &[6]),
        ),
        (
            "auto_pad",
            conv()
                .weight("k", &[2, 4, 3, 2])
                .text("auto_pad", "SAME_LOWER")
                .ints("strides", &[2, 2]),
        ),
        (
            "one dimension",
            Case::new("Conv", &[2, 3, 8])
                .weight("k", &[4, 3, 3])
                .ints("strides", &[2])
                .ints("pads", &[2, 0]),
        ),
    ]);
}

#[test]
fn transposed_convolutions() {
    let conv = || Case::new("ConvTranspose", &[2, 4, 3, 2]);
    check_all(vec![
        ("plain", conv().weight("k", &[4, 3, 3, 3]).weight("b", &[3])),
        (
            "strides and asymmetric pads",
            conv()
                .weight("k", &[4, 2, 3, 3])
                .ints("strides", &[2, 3])
                .ints("pads", &[0, 1, 1, 0]),
        ),
        (
            "groups and output padding",
            conv()
                .weight("k", &[4, 2, 2, 3])
                .int("group", 2)
                .ints("strides", &[2, 2])
                .ints("output_padding", &[1, 0]),
        ),
        (
            "dilation",
            conv().weight("k", &[4, 1, 2, 2]).ints("dilations", &[2, 2]),
        ),
        (
            "output shape",
            conv()
                .weight("k", &[4, 2, 3, 3])
                .ints("strides", &[2, 2])
                .ints("output_shape", &[6, 5]),
        ),
        (
            "one dimension",
            Case::new("ConvTranspose", &[2, 3, 4])
                .weight("k", &[3, 2, 3])
                .ints("strides", &[2]),
        ),
    ]);
}
