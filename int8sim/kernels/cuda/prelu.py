"""x where x > 0, else x * slope; of codes the layer's `combine` step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cpu.prelu import Sloped
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.elementwise import folded
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.activations import leaky_relu


def prepare(
    op: Sloped,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form, channels last -> y in storage form."""
    slope = op.slopes(inputs[0], constants[1])
    step = Step(leaky_relu, {}) if arithmetic is None else arithmetic["combine"]
    return folded([step], [inputs[0], inputs[1].with_shape(slope.shape)], output_type, {1: slope})
