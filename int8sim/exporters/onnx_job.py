"""One layer of a graph on its way to one ONNX operator: what every writer of an operator is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from int8sim.exporters.onnx_model import OnnxModel
from int8sim.graph.ir import Layer
from int8sim.model.tensor import TensorType


@dataclass(frozen=True)
class Job:
    """One layer to write. sources: names of its inputs as the operator reads them; target: what the operator writes."""

    model: OnnxModel
    layer: Layer
    sources: list[str]
    target: str

    @property
    def op(self) -> Any:
        """The op, for its own attributes."""
        return self.layer.op

    @property
    def input(self) -> TensorType:
        """The type of the first input."""
        return self.model.kinds[self.layer.inputs[0]]

    @property
    def output(self) -> TensorType:
        """The type of the output."""
        return self.model.kinds[self.layer.output]

    def operand(self, position: int) -> list[str]:
        """An input with its scale and zero point, as the QLinear operators take it."""
        return [self.sources[position], *self.model.quantization(self.layer.inputs[position])]

    def result(self) -> list[str]:
        """The output's scale and zero point."""
        return self.model.quantization(self.layer.output)

    def node(self, operator: str, inputs: list[str] | None = None, **attributes: Any) -> None:
        """The operator from these inputs, or from the layer's own, to the target."""
        self.model.node(operator, self.sources if inputs is None else inputs, self.target, **attributes)

    def window(self, kernel: tuple[int, ...]) -> dict[str, Any]:
        """The window's attributes as ONNX spells them, those that the op has."""
        found = {name: getattr(self.op, name, None) for name in ("strides", "pads", "dilations")}
        given = {name: list(value) for name, value in found.items() if value is not None}
        return {"kernel_shape": list(kernel), **given}


Writer = Callable[[Job], None]
