"""An integer layer's steps and bounds by a profile: what lowering shares with reading a quantized network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from int8sim.graph.ir import Layer
from int8sim.model.errors import BiasError, LayerError, RatioError
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Op, Scales
from int8sim.ops.quantize import Quantize
from int8sim.profiles.base import Profile

Bounds = Iterable[tuple[float, float]]


def output_codes(profile: Profile, op: Op, quant: QuantParams, fused: Bounds = ()) -> tuple[int, int]:
    """The lowest and highest output code that the fused activations, or a clamp op's own bounds, leave.

    fused: what each activation leaves, real.
    """
    low, high, code = quant.low, quant.high, profile.bound(op.kind)
    own = getattr(op, "real_bounds", None)
    for bottom, top in [*fused, *([own] if own else [])]:
        scale, zero_point = quant.tensor_scale, quant.tensor_zero_point
        low = max(low, code(bottom, scale, zero_point, quant.low, quant.high))
        high = min(high, code(top, scale, zero_point, quant.low, quant.high))
    return low, max(low, high)


def steps(
    profile: Profile,
    layer: Layer,
    types: Sequence[TensorType],
    output: TensorType,
    codes: tuple[int, int],
    bias: Array | None = None,
) -> Arithmetic:
    """The steps of a layer between these types; none where the profile has no scheme.

    codes: the lowest and highest output code. bias: real, where the scheme takes it. Raises LayerError for scales whose
    ratio the target cannot hold.
    """
    scheme = profile.scheme(layer.op.kind, "int32" if output.dtype == "int32" else types[0].dtype)
    if scheme is None:
        return {}
    try:
        with np.errstate(all="ignore"):
            return layer.op.arithmetic(scheme, Scales(tuple(types), output, *codes, bias))
    except (RatioError, BiasError) as problem:
        raise LayerError(layer.name, str(problem)) from None
    except (ArithmeticError, ValueError) as problem:
        raise LayerError(layer.name, f"its scales give no multiplier ({problem})") from None


def remarks(
    profile: Profile, layer: Layer, types: Sequence[TensorType], arithmetic: Arithmetic, bias: Array | None = None
) -> list[str]:
    """What the profile has to say of a layer's steps, as notes of its graph. types, bias: as `steps` takes them."""
    sources = [kind.quant for kind in types if kind.quant]
    return [f"{layer.name}: {remark}" for remark in profile.remarks(arithmetic, sources, bias)]


def quantize_layer(profile: Profile, name: str, source: str, output: str, tensors: Mapping[str, TensorType]) -> Layer:
    """The layer from a real tensor to its codes, with its steps. tensors: types of both. Raises LayerError."""
    layer, x, y = Layer(name, Quantize(), (source,), output, covers=(source,)), tensors[source], tensors[output]
    return replace(layer, arithmetic=steps(profile, layer, [x], y, (y.quantized.low, y.quantized.high)))
