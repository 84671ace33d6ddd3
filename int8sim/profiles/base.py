"""What a profile names: for each kind of arithmetic, the spec functions and where their parameters come from.

A kind that a profile does not name is what its engine cannot do: lowering leaves such a layer in float32, between a
dequantize and a quantize. Nothing in int8sim asks which profile it is; it asks the profile.

| kind | roles | derive(...) receives |
| --- | --- | --- |
| convolution, fully_connected, matmul | output [, accumulate] | x, w, y, channels, bias, low, high; group, depth |
| conv_transpose | output [, accumulate] | x, w, y, channels, low, high; beyond: whether no window reaches some |
| add, subtract, multiply | combine | a, b, y, low, high, shapes (of a and b as stored) |
| resize_bilinear | weigh, output | nothing |
| average_pool, global_average_pool | step, finish | x, y, window (height, width), channels, low, high |
| reduce_mean | step, finish | x, y, window (cells, 1), low, high |
| softmax | exponential, total, quotient | x, y, length, low, high |
| clamp (ReLU, Clip) | convert | x, y, low, high, bounds (real) |
| maximum, minimum | combine | low, high |
| prelu | combine | x, w, y, low, high |
| resize_weighted | output | low, high |
| leaky_relu | convert | x, y, low, high, slope |
| sigmoid, tanh, hard_swish, requantize | convert | x, y, low, high |
| quantize / dequantize | convert | y / x |
| concat | convert | x, y |
| move (max pool, reshape, pad ...) | none | nothing |

A key "<kind> int16" is the scheme of 16-bit activations; the plain key is that of 8-bit ones, and of both for the last
four lines of the table and for clamp. A key "<kind> int32" is that of a product whose output is its accumulator.

x, w, y, a, b are QuantParams; bias float32 [channels] or None; low and high the output codes that a fused activation
leaves (integers); group of a convolution, and depth the input channels of one group. derive names those that it needs,
and returns the parameters of each role by argument name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from int8sim.model.accumulation import UNSTATED, Accumulation, Loop
from int8sim.model.step import Arithmetic, Array, Number, Step
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.spec.affine import bound_code

Floats = NDArray[np.float32]
Derive = Callable[..., Mapping[str, Mapping[str, Number]]]


@dataclass(frozen=True)
class Branch:
    """Another scheme for some layers of a kind. what: which, in words; when: of what derive receives, whether it is."""

    what: str
    when: Callable[..., bool]
    scheme: Scheme


@dataclass(frozen=True)
class Scheme:
    """Spec functions by role, and the function that turns real scales into their parameters.

    accumulation: the loop around the function of the role `accumulate`, the accumulator's width and when it saturates.
    Without it that function is called for every product, in the order (channel, row, column), and nothing is presumed
    of it: right, and slow. branches: the layers that the engine computes otherwise; the first that holds is taken.
    """

    functions: Mapping[str, Callable[..., Any]]
    derive: Derive
    accumulation: Loop = UNSTATED
    branches: tuple[Branch, ...] = ()

    def steps(self, **scales: Any) -> Arithmetic:
        """The steps of one layer."""
        for branch in self.branches:
            if _named(branch.when, scales):
                return branch.scheme.steps(**scales)
        parameters = _named(self.derive, scales)
        return {role: self._step(role, parameters.get(role, {})) for role in self.functions}

    @property
    def rescales(self) -> bool:
        """Whether its `output` step turns an accumulator into a code by the layer's scales."""
        taken = inspect.signature(self.derive).parameters.values()
        scaled = any(each.name == "w" or each.kind is each.VAR_KEYWORD for each in taken)
        return "output" in self.functions and scaled

    def every(self) -> Iterator[Scheme]:
        """The scheme itself and those of its branches."""
        yield self
        for branch in self.branches:
            yield from branch.scheme.every()

    def _step(self, role: str, parameters: Mapping[str, Number]) -> Step:
        function = self.functions[role]
        if role == "accumulate":
            return Accumulation(function, parameters, self.accumulation)
        return Step(function, parameters)


def _named(function: Callable[..., Any], scales: Mapping[str, Any]) -> Any:
    """The function of those keywords that it names."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return function(**scales)
    return function(**{each.name: scales[each.name] for each in parameters if each.name in scales})


def _nothing(**_: object) -> Mapping[str, Mapping[str, Number]]:
    return {}


MOVE = Scheme({}, _nothing)
"""For operators that only move codes: the output has the input's scale and zero point."""


ANY_WIDTH = frozenset({"clamp", "quantize", "dequantize", "concat", "move"})
"""Kinds whose scheme serves 8-bit and 16-bit activations."""


@dataclass(frozen=True)
class Weights:
    """How an engine's converter quantizes a weight tensor [O, ...].

    per_channel: the kinds that get one scale per output channel. scale: float32 |w| maximum -> float32 scale.
    quantize: (real, scale, low, high) -> code, for one float32 weight. dtype, narrow: of the codes.
    """

    per_channel: frozenset[str]
    scale: Callable[[float], float]
    quantize: Callable[[Floats, Floats, int, int], Array]
    dtype: str = "int8"
    narrow: bool = True


@dataclass(frozen=True, eq=False)
class Normalization:
    """A batch normalization's constants, float32 [C]: (x - mean) / sqrt(variance + epsilon) * gamma + beta."""

    gamma: Floats
    beta: Floats
    mean: Floats
    variance: Floats
    epsilon: float


Bound = Callable[[float, float, int, int, int], int]
"""(real bound, output scale, zero point, lowest code, highest code) -> code."""

Fold = Callable[[Floats, Floats, Normalization], tuple[Floats, Floats]]
"""Weight [O, ...] and bias [O] with the batch normalization behind them folded in, float32."""


def _no_remarks(arithmetic: Arithmetic, inputs: Sequence[QuantParams], bias: Floats | None) -> Iterable[str]:
    del arithmetic, inputs, bias
    return ()


@dataclass(frozen=True)
class Profile:
    """One target's arithmetic. name: as the command line spells it; title: one line; source: where it is published.

    activations: preset -> rule from a table row (and whether the tensor cannot be negative) to QuantParams.
    bias: (bias, input scale, weight scales) -> int32 codes at the product of scales; None where the scheme of the
    layer takes the real bias itself. wide_bias: the same for 16-bit activations, int64 codes. forced: op name -> dtype
    -> QuantParams that the engine imposes on its output.
    same_scale: ops whose inputs and output have one quantization. equal_inputs: ops whose inputs have one, that of the
    input which the network computes last; without them every input keeps the table's. largest_pool: the greatest window
    height and width that the engine averages; None: any. bounds: kind -> the code of a fused activation's real bound,
    where it is not spec.affine.bound_code's. fold: in which order batch normalization is folded into
    weights; None: as one factor and one summand. host: ops that the engine's own software computes in float32; None:
    not known. bilinear: (output cell, input size, output size, align_corners, half_pixel_centers) -> the place in the
    input, in cells, when this engine resizes codes; None: it does not. remarks: what a person should know of a
    layer, by its steps, its integer inputs and its real bias, one sentence each.
    """

    name: str
    title: str
    source: str
    activations: Mapping[str, Callable[[Row, bool], QuantParams]]
    weights: Weights
    schemes: Mapping[str, Scheme]
    bias: Callable[[Floats, float, Floats], Array] | None = None
    wide_bias: Callable[[Floats, float, Floats], Array] | None = None
    forced: Mapping[str, Mapping[str, QuantParams]] = field(default_factory=dict)
    same_scale: frozenset[str] = frozenset()
    equal_inputs: frozenset[str] = frozenset()
    largest_pool: int | None = None
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    fold: Fold | None = None
    host: frozenset[str] | None = None
    bilinear: Callable[[int, int, int, bool, bool], float] | None = None
    remarks: Callable[[Arithmetic, Sequence[QuantParams], Floats | None], Iterable[str]] = _no_remarks

    def bound(self, kind: str) -> Bound:
        """How a real bound of an activation that is fused into an operator of this kind becomes a code."""
        return self.bounds.get(kind, bound_code)

    def scheme(self, kind: str, dtype: str) -> Scheme | None:
        """The scheme of one kind of arithmetic for activations of a dtype (float32: of a quantize layer), or None."""
        wide = f"{kind} {dtype}"
        if wide in self.schemes or (dtype in {"int16", "uint16"} and kind not in ANY_WIDTH):
            return self.schemes.get(wide)
        return self.schemes.get(kind)
