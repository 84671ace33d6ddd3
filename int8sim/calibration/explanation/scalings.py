"""How pixels become a network's input: the usual scalings, each with the greatest |x| that it can give.

A pixel is 0 .. 255. Each scaling is written as programs compute it, in float32 by division, by a reciprocal, or in
float64 with one rounding: the results differ in the last place, and a range shows the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from int8sim.calibration.explanation.candidates import Floats

PIXELS = np.arange(256, dtype=np.float32)[:, None]
EXACT: NDArray[np.float64] = PIXELS.astype(np.float64)


@dataclass(frozen=True)
class Scaling:
    """One scaling. Values are float32, without repetition, ascending.

    extremes: the greatest |x| of a batch that holds black and white, one per arithmetic. values: the |x| of every
    pixel value, any of which can be a batch's greatest; empty where there are too many (a mean per channel) to tell
    one from chance.
    """

    title: str
    extremes: tuple[float, ...]
    values: tuple[float, ...] = ()


def _scaling(title: str, *forms: Floats, partly: bool = True) -> Scaling:
    """forms: x of every pixel value [256, channels], by each arithmetic. partly: whether to keep all values."""
    greatest = sorted({float(np.abs(form).max()) for form in forms})
    values = np.unique(np.abs(np.concatenate([form.ravel() for form in forms]))) if partly else np.zeros(0)
    return Scaling(title, tuple(greatest), tuple(values[values > 0.0].tolist()))


def _divided(title: str, divisor: float, offset: float = 0.0) -> Scaling:
    """pixel / divisor - offset: by division, by the reciprocal, and with one rounding."""
    by, minus = np.float32(divisor), np.float32(offset)
    once = (EXACT / divisor - offset).astype(np.float32)
    return _scaling(title, PIXELS / by - minus, PIXELS * np.float32(1.0 / divisor) - minus, once)


def _normalised(title: str, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Scaling:
    """(pixel / 255 - mean) / deviation per channel: step by step, with both times 255, and with one rounding."""
    m, d = np.array(mean, np.float64), np.array(deviation, np.float64)
    steps = (PIXELS / np.float32(255) - m.astype(np.float32)) / d.astype(np.float32)
    scaled = (PIXELS - (m * 255).astype(np.float32)) / (d * 255).astype(np.float32)
    once = ((EXACT / 255 - m) / d).astype(np.float32)
    return _scaling(title, steps.astype(np.float32), scaled.astype(np.float32), once, partly=False)


def _without_mean(title: str, *mean: float) -> Scaling:
    return _scaling(title, PIXELS - np.array(mean, np.float32), partly=False)


DEEPSTREAM = 0.0039215697906911373
"""net-scale-factor as DeepStream's YOLO configurations write it: the float32 next above 1/255."""

SCALINGS = (
    _scaling("pixel, 0 .. 255", PIXELS),
    _scaling("pixel - 128", PIXELS - np.float32(128)),
    _divided("pixel / 255", 255.0),
    _scaling(f"pixel * {DEEPSTREAM:.11f} (DeepStream)", PIXELS * np.float32(DEEPSTREAM)),
    _divided("pixel / 256", 256.0),
    _divided("pixel / 127.5 - 1", 127.5, 1.0),
    _divided("pixel / 128 - 1", 128.0, 1.0),
    _scaling("(pixel - 127.5) / 128", (PIXELS - np.float32(127.5)) / np.float32(128)),
    _normalised("ImageNet mean and deviation", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    _normalised("CIFAR-10 mean and deviation", (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    _normalised("CIFAR-10 mean, deviation 0.2023 0.1994 0.2010", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.201)),
    _normalised("MNIST mean and deviation", (0.1307,), (0.3081,)),
    _without_mean("pixel - ImageNet mean 104.007 116.669 122.679", 104.00698793, 116.66876762, 122.67891434),
    _without_mean("pixel - ImageNet mean 103.939 116.779 123.68", 103.939, 116.779, 123.68),
    _without_mean("pixel - ImageNet mean 104 117 123", 104.0, 117.0, 123.0),
)
"""Sources: torchvision's and Keras's preprocessing, Caffe's ImageNet means, DeepStream's configuration files."""
