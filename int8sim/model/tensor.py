"""A tensor's type: shape, element type, layout, and its quantization if it has one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from int8sim.model.errors import BadScaleError

BITS = {"int4": 4, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "int64": 64}


def dtype_range(dtype: str, narrow: bool = False) -> tuple[int, int]:
    """The lowest and highest code of an integer type; narrow leaves out the lowest signed one.

    >>> dtype_range("int8", narrow=True)
    (-127, 127)
    """
    bits = BITS[dtype]
    if dtype.startswith("u"):
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)) + narrow, (1 << (bits - 1)) - 1


@dataclass(frozen=True)
class QuantParams:
    """real = (code - zero_point) * scale, per tensor, or per slice along `axis`.

    scale: Python floats that are exactly float32; one, or a tuple with one per slice. zero_point: as scale, ints.
    dtype: a key of BITS. narrow: whether the lowest signed code is left out (-127 .. 127).
    """

    scale: float | tuple[float, ...]
    zero_point: int | tuple[int, ...] = 0
    axis: int | None = None
    dtype: str = "int8"
    narrow: bool = False

    @property
    def low(self) -> int:
        """The lowest code."""
        return dtype_range(self.dtype, self.narrow)[0]

    @property
    def high(self) -> int:
        """The highest code."""
        return dtype_range(self.dtype, self.narrow)[1]

    @property
    def scales(self) -> tuple[float, ...]:
        """One scale, or one per slice, as a tuple."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale,)

    @property
    def tensor_scale(self) -> float:
        """The one scale of a tensor that is quantized per tensor."""
        (scale,) = self.scales
        return scale

    @property
    def tensor_zero_point(self) -> int:
        """The one zero point of a tensor that is quantized per tensor."""
        (zero_point,) = self.zero_point if isinstance(self.zero_point, tuple) else (self.zero_point,)
        return zero_point

    def check(self, tensor: str) -> None:
        """Raise BadScaleError unless every scale is finite and positive."""
        for scale in self.scales:
            if not 0.0 < scale < float("inf"):
                raise BadScaleError(tensor, scale, "finite and greater than 0")


@dataclass(frozen=True)
class TensorType:
    """What is known of a tensor before it has values.

    shape: dimension 0 of an activation is the batch and is 1 here; a run takes any batch. dtype: NumPy's name.
    layout: "NCHW" or "NHWC" where the axes mean that, else "". quant: None for real values.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"
    layout: str = ""
    quant: QuantParams | None = None

    @property
    def quantized(self) -> QuantParams:
        """The quantization of a tensor that must have one."""
        if self.quant is None:
            msg = "this tensor has no quantization"
            raise TypeError(msg)
        return self.quant

    @property
    def channel_axis(self) -> int:
        """The axis of the channels: 1 in NCHW and in [N, C], the last one in NHWC and anything else."""
        return 1 if self.layout == "NCHW" else len(self.shape) - 1

    def with_shape(self, shape: tuple[int, ...], layout: str | None = None) -> TensorType:
        """The same tensor in another shape, and in the same layout unless another is given."""
        return replace(self, shape=tuple(shape), layout=self.layout if layout is None else layout)

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}{' ' + self.layout if self.layout else ''}"
