//! Convolutions and their gradients against the definition, in sizes that are computed in different ways.

use crate::case::{Case, wave};

/// Height or width.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    pads: [usize; 2],
}

fn axis(input: usize, [kernel, stride, dilation]: [usize; 3], pads: [usize; 2]) -> Axis {
    Axis {
        input,
        kernel,
        stride,
        dilation,
        pads,
    }
}

impl Axis {
    fn output(&self) -> usize {
        let reach = (self.kernel - 1) * self.dilation + 1;
        (self.input + self.pads.iter().sum::<usize>() - reach) / self.stride + 1
    }

    /// Which input an output reads with an element of the kernel; none in the padding.
    fn read(&self, output: usize, element: usize) -> Option<usize> {
        let at = output * self.stride + element * self.dilation;
        let at = at.checked_sub(self.pads[0])?;
        (at < self.input).then_some(at)
    }
}

fn check([samples, inputs, outputs]: [usize; 3], axes: [Axis; 2]) {
    let [rows, columns] = axes;
    let x = [samples, inputs, rows.input, columns.input];
    let kernel = [outputs, inputs, rows.kernel, columns.kernel];
    let of = |of: fn(&Axis) -> usize| axes.map(|axis| of(&axis) as i64);
    let pads = [0, 1].map(|end| axes.map(|axis| axis.pads[end] as i64));
    let case = Case::new("Conv", &x)
        .weight("k", &kernel)
        .ints("strides", &of(|axis| axis.stride))
        .ints("dilations", &of(|axis| axis.dilation))
        .ints("pads", pads.as_flattened());
    let graph = case.graph();
    let stored = |name: &str| -> Vec<f64> {
        let values = graph.initializers[name].to_f32().unwrap();
        values.into_iter().map(f64::from).collect()
    };
    let (images, weight) = (stored("w"), stored("k"));
    let [high, wide] = axes.map(|axis| axis.output());
    let count = samples * outputs * high * wide;
    // What the loss multiplies the results with.
    let gradient: Vec<f64> = wave(count, 0.6, 0.1).into_iter().map(f64::from).collect();

    let mut loss = 0.0;
    let mut of_images = vec![0.0; images.len()];
    let mut of_weight = vec![0.0; weight.len()];
    for (at, gradient) in gradient.iter().enumerate() {
        let (x, y) = (at % wide, at / wide % high);
        let (output, sample) = (at / (wide * high) % outputs, at / (wide * high * outputs));
        for element in 0..inputs * rows.kernel * columns.kernel {
            let (right, down) = (
                element % columns.kernel,
                element / columns.kernel % rows.kernel,
            );
            let channel = element / (columns.kernel * rows.kernel);
            let (Some(y), Some(x)) = (rows.read(y, down), columns.read(x, right)) else {
                continue;
            };
            let image = ((sample * inputs + channel) * rows.input + y) * columns.input + x;
            let element = output * inputs * rows.kernel * columns.kernel + element;
            loss += gradient * images[image] * weight[element];
            of_images[image] += gradient * weight[element];
            of_weight[element] += gradient * images[image];
        }
    }

    case.holds(&graph, loss, &[("w", &of_images), ("k", &of_weight)]);
}

#[test]
fn large_images_are_computed_tile_by_tile() {
    check(
        [2, 64, 5],
        [axis(17, [3, 1, 1], [1, 1]), axis(19, [3, 1, 1], [1, 0])],
    );
    check(
        [1, 33, 3],
        [axis(40, [3, 2, 1], [0, 1]), axis(37, [5, 2, 1], [2, 2])],
    );
}

#[test]
fn small_images_are_computed_together() {
    check(
        [7, 3, 4],
        [axis(5, [3, 2, 1], [1, 1]), axis(4, [2, 1, 2], [0, 1])],
    );
    // Where the weight is large, some of them.
    check(
        [5, 400, 150],
        [axis(6, [3, 2, 1], [1, 1]), axis(6, [3, 1, 1], [1, 1])],
    );
}

#[test]
fn kernels_of_3_by_3_are_computed_in_transformed_tiles() {
    // Tiles of 2 × 2 results, of 4 × 4, and of 4 × 4 in blocks of rows.
    check(
        [5, 17, 16],
        [axis(9, [3, 1, 1], [1, 1]), axis(10, [3, 1, 1], [0, 2])],
    );
    check(
        [9, 16, 17],
        [axis(13, [3, 1, 1], [1, 1]), axis(14, [3, 1, 1], [2, 1])],
    );
    check(
        [2, 16, 16],
        [axis(60, [3, 1, 1], [1, 1]), axis(61, [3, 1, 1], [1, 1])],
    );
    // Twelve groups of four images in blocks of two, and one of three.
    check(
        [51, 16, 16],
        [axis(1, [3, 1, 1], [1, 1]), axis(257, [3, 1, 1], [1, 1])],
    );
}

#[test]
fn a_kernel_may_reach_beyond_the_image() {
    check(
        [2, 2, 3],
        [axis(2, [3, 1, 3], [4, 4]), axis(3, [1, 3, 1], [5, 0])],
    );
}

#[test]
fn what_reads_one_pixel_or_every_second_one_is_a_product() {
    check(
        [2, 37, 11],
        [axis(9, [1, 1, 1], [0, 0]), axis(7, [1, 1, 1], [0, 0])],
    );
    check(
        [2, 8, 5],
        [axis(9, [1, 2, 1], [0, 0]), axis(7, [1, 2, 1], [1, 0])],
    );
}
