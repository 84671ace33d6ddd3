"""TensorRT's EntropyCalibration, the first of its name: entropy2's search, after layer fusion.

Source: NvInfer.h and the developer guide, which give the fusion as the difference (EntropyCalibration2 always
calibrates before it, this one after it). Not known: its numbers, since no table of it with known data is public; which
groups a given TensorRT release fuses (here: batch normalization and activations into the layer before).
"""

from __future__ import annotations

from int8sim.calibration.methods.base import Method
from int8sim.calibration.methods.entropy2 import choose

METHOD = Method(
    "entropy",
    choose,
    after_fusion=True,
    unknown="no public table of it with known data exists: its search is taken to be EntropyCalibration2's",
)
