//! Random small programs: odd shapes, strides, asymmetric padding, dilation, zero points at both ends.

mod drawn;

use edgefit_micro::ops::{
    Add, AveragePool, Broadcast, Concat, Conv, Depthwise, FullyConnected, Image, MaxPool, Mean,
    Mul, Op, Pad, ResizeNearest, Softmax, Transpose, Window,
};
use edgefit_micro::{InputBy, Multiplier, Port, Program, Quantization, Source, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use drawn::Drawn;

/// A program of a few ops.
pub fn draw(random: &mut ChaCha8Rng) -> Program {
    let first = Image {
        height: random.random_range(1..8),
        width: random.random_range(1..8),
        channels: random.random_range(1..10),
    };
    let mut drawn = Drawn {
        random,
        images: vec![first],
        steps: Vec::new(),
    };
    let count = drawn.random.random_range(1..6);
    while drawn.steps.len() < count {
        drawn.step();
    }
    program(&drawn.images, drawn.steps)
}

/// The program of `steps` that make all of `images` but the first, which is the input, in their order.
pub fn program(images: &[Image], steps: Vec<Step>) -> Program {
    let port = |value: usize| {
        let Image {
            height,
            width,
            channels,
        } = images[value];
        Port {
            value,
            dims: vec![1, height, width, channels],
            order: vec![0, 2, 3, 1],
            quantization: Quantization {
                scale: 1.0,
                zero_point: 0,
            },
        }
    };
    Program {
        values: images.iter().map(Image::bytes).collect(),
        input: port(0),
        output: port(images.len() - 1),
        input_by: InputBy::Whole,
        steps,
        labels: Vec::new(),
        preprocessing: None,
        scaler: None,
    }
}

impl Drawn<'_> {
    /// One more op, on any of the values so far.
    fn step(&mut self) {
        let value = self.random.random_range(0..self.images.len());
        let input = self.images[value];
        let from = vec![Source::Value(value)];
        match self.random.random_range(0..15) {
            0 | 1 => self.conv(input, from),
            2 => self.pointwise(input, from),
            3 | 4 => self.depthwise(input, from),
            5 => {
                let outputs = self.random.random_range(1..10);
                let op = FullyConnected {
                    rows: input.height,
                    inputs: input.width * input.channels,
                    outputs,
                    weights: self.bytes(outputs * input.width * input.channels),
                    layer: self.layer(outputs, input.width * input.channels),
                };
                let image = Image {
                    width: 1,
                    channels: outputs,
                    ..input
                };
                self.push(Op::FullyConnected(op), from, image);
            }
            6 | 7 => self.elementwise(input, from),
            8 | 9 => self.pool(input, from),
            10 => {
                let positions = input.height * input.width;
                let op = Mean {
                    positions,
                    channels: input.channels,
                    input_zero_point: self.zero_point(),
                    output_zero_point: self.zero_point(),
                    multiplier: self.factor(60.0).over(positions as u32),
                };
                let image = Image {
                    height: 1,
                    width: 1,
                    channels: input.channels,
                };
                self.push(Op::Mean(op), from, image);
            }
            11 => self.pad(input, from),
            12 => self.moved(input, from),
            13 => {
                let scale = 2f32.powf(self.random.random_range(-8.0..3.0));
                let op = Softmax::new(input.height * input.width, input.channels, scale);
                self.push(Op::Softmax(op), from, input);
            }
            _ => {
                let table = Op::Table(self.bytes(256));
                self.push(table, from, input);
            }
        }
    }

    fn conv(&mut self, input: Image, from: Vec<Source>) {
        let (window, [height, width]) = self.window(input);
        let divides = |groups: &usize| input.channels.is_multiple_of(*groups);
        let groups: Vec<usize> = (1..=input.channels).filter(divides).collect();
        let groups = groups[self.random.random_range(0..groups.len())];
        let channels = groups * self.random.random_range(1..4);
        let products = window.kernel[0] * window.kernel[1] * input.channels / groups;
        let output = Image {
            height,
            width,
            channels,
        };
        let op = Conv {
            input,
            output,
            window,
            groups,
            weights: self.bytes(channels * products),
            layer: self.layer(channels, products),
        };
        self.push(Op::Conv(op), from, output);
    }

    fn pointwise(&mut self, input: Image, from: Vec<Source>) {
        let channels = self.random.random_range(1..12);
        let output = Image { channels, ..input };
        let op = Conv {
            input,
            output,
            window: Window {
                kernel: [1; 2],
                stride: [1; 2],
                dilation: [1; 2],
                before: [0; 2],
            },
            groups: 1,
            weights: self.bytes(channels * input.channels),
            layer: self.layer(channels, input.channels),
        };
        self.push(Op::Conv(op), from, output);
    }

    fn depthwise(&mut self, input: Image, from: Vec<Source>) {
        let (window, [height, width]) = self.window(input);
        let channels = input.channels * self.random.random_range(1..3);
        let taps = window.kernel[0] * window.kernel[1];
        let output = Image {
            height,
            width,
            channels,
        };
        let op = Depthwise {
            input,
            output,
            window,
            weights: self.bytes(channels * taps),
            layer: self.layer(channels, taps),
        };
        self.push(Op::Depthwise(op), from, output);
    }

    fn elementwise(&mut self, input: Image, mut from: Vec<Source>) {
        let Image {
            height,
            width,
            channels,
        } = input;
        let own = [0, width * channels, channels, 1];
        let (count, strides) = match self.random.random_range(0..4) {
            0 => (input.bytes(), own),
            1 => (channels, [0, 0, 0, 1]),
            2 => (1, [0; 4]),
            _ => (height, [0, 1, 0, 0]),
        };
        from.push(Source::Constant(self.bytes(count)));
        let mut strides = [own, strides];
        if self.random.random() {
            from.swap(0, 1);
            strides.swap(0, 1);
        }
        let broadcast = Broadcast {
            dims: [1, height, width, channels],
            strides,
        };
        let input_zero_points = [self.zero_point(), self.zero_point()];
        let output_zero_point = self.zero_point();
        let limits = self.limits();
        let op = if self.random.random() {
            Op::Add(Add {
                broadcast,
                input_zero_points,
                input_multipliers: [self.random.random_range(0.01..0.5), 0.5].map(Multiplier::of),
                multiplier: self.factor(60.0 * f64::from(1 << 20)),
                output_zero_point,
                limits,
            })
        } else {
            Op::Mul(Mul {
                broadcast,
                input_zero_points,
                multiplier: self.factor(8000.0),
                output_zero_point,
                limits,
            })
        };
        self.push(op, from, input);
    }

    fn pool(&mut self, input: Image, from: Vec<Source>) {
        let (window, [height, width]) = self.window(input);
        let output = Image {
            height,
            width,
            channels: input.channels,
        };
        let op = if self.random.random() {
            Op::MaxPool(MaxPool {
                input,
                output,
                window,
            })
        } else {
            Op::AveragePool(AveragePool {
                input,
                output,
                window,
            })
        };
        self.push(op, from, output);
    }

    fn pad(&mut self, input: Image, from: Vec<Source>) {
        let mut amounts = [[0; 2]; 3];
        for amount in amounts.as_flattened_mut() {
            *amount = self.random.random_range(0..3);
        }
        let [rows, columns, channels] = amounts.map(|[before, after]| before + after);
        let output = Image {
            height: input.height + rows,
            width: input.width + columns,
            channels: input.channels + channels,
        };
        let op = Pad {
            input,
            output,
            before: amounts.map(|[before, _]| before),
            fill: self.zero_point(),
        };
        self.push(Op::Pad(op), from, output);
    }

    fn moved(&mut self, input: Image, mut from: Vec<Source>) {
        let Image {
            height,
            width,
            channels,
        } = input;
        match self.random.random_range(0..3) {
            0 => {
                let more = self.random.random_range(1..4);
                from.push(Source::Constant(self.bytes(height * width * more)));
                let op = Op::Concat(Concat {
                    repeats: height * width,
                    runs: vec![channels, more],
                });
                let channels = channels + more;
                self.push(op, from, Image { channels, ..input });
            }
            1 => {
                let op = Op::Transpose(Transpose {
                    dims: [1, channels, width, height],
                    strides: [0, 1, channels, width * channels],
                });
                let image = Image {
                    height: channels,
                    width,
                    channels: height,
                };
                self.push(op, from, image);
            }
            _ => {
                let [to_height, to_width] = [(); 2].map(|()| self.random.random_range(1..6));
                let places = |random: &mut ChaCha8Rng, count: usize, size: usize| {
                    let places = (0..count).map(|_| random.random_range(0..size as u16));
                    places.collect::<Vec<u16>>()
                };
                let rows = places(self.random, to_height, height);
                let columns = places(self.random, to_width, width);
                let op = Op::ResizeNearest(ResizeNearest {
                    input,
                    rows,
                    columns,
                });
                let image = Image {
                    height: to_height,
                    width: to_width,
                    channels,
                };
                self.push(op, from, image);
            }
        }
    }
}
