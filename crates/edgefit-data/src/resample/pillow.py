"""What Pillow makes of the images of tests.rs: prints pillow.txt, a line for each: size of the image, size that
is wanted, left, top, width and height of the area, and half of the SHA-256 of what is made."""

import hashlib

import numpy as np
from PIL import Image


def image(width, height):
    at = np.arange(3 * width * height, dtype=np.uint64)
    # Noise, and steps of black and white, which overshoot.
    values = at * at * 2654435761 >> 7 & 255
    values = np.where(at // 600 % 2 == 0, values, values // 128 * 255)
    return Image.fromarray(values.astype(np.uint8).reshape(height, width, 3))


for size, wanted, box in [
    ((5, 4), (3, 2), (0, 0, 5, 4)),
    ((110, 99), (100, 90), (0, 0, 110, 99)),
    ((160, 120), (64, 64), (20, 0, 140, 120)),
    ((160, 120), (64, 48), (8.25, 6.125, 150.5, 113.75)),
    ((161, 93), (49, 49), (39.8125, 5.8125, 121.1875, 87.1875)),
    ((800, 96), (100, 12), (0, 0, 800, 96)),
    ((30, 40), (60, 80), (0, 0, 30, 40)),
    ((33, 31), (33, 31), (2.5, 1.5, 30.5, 29.5)),
    ((64, 64), (64, 17), (0, 0, 64, 64)),
    ((64, 64), (17, 64), (0, 0, 64, 64)),
    ((1, 300), (8, 8), (0, 0, 1, 300)),
]:
    made = np.asarray(image(*size).resize(wanted, Image.Resampling.BICUBIC, box))
    left, top, right, bottom = box
    hashed = hashlib.sha256(made.tobytes()).hexdigest()[:32]
    print(*size, *wanted, left, top, right - left, bottom - top, hashed)
