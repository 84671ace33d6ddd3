"""What the hardware does, as plain Python integers: the only place in int8sim that says so.

Every function takes and returns ints (float32 values travel as Python floats that are exactly float32), needs only the
standard library, and never raises or validates: `<function>_is_defined` beside a function says which arguments its
hardware defines. The kernels compile these same functions; nothing here is written twice.

Operands are annotated with the words that carry them (`acc: S32`): the range in which no intermediate leaves 63 bits,
so that the compiled function, which computes in int64, gives the same integers.
"""

from int8sim.spec import (
    activations,
    affine,
    calibration,
    cvt,
    dp4a,
    dynamic,
    eltwise,
    float32,
    float_format,
    gemmlowp,
    integers,
    mma,
    multipliers,
    nvdla,
    pooling,
    qlinear,
    requantize,
    resize,
    resize_tflite,
    rounding,
    softmax,
    tflite_elementwise,
    tosa,
    video,
    x86,
)

__all__ = [
    "activations",
    "affine",
    "calibration",
    "cvt",
    "dp4a",
    "dynamic",
    "eltwise",
    "float32",
    "float_format",
    "gemmlowp",
    "integers",
    "mma",
    "multipliers",
    "nvdla",
    "pooling",
    "qlinear",
    "requantize",
    "resize",
    "resize_tflite",
    "rounding",
    "softmax",
    "tflite_elementwise",
    "tosa",
    "video",
    "x86",
]
