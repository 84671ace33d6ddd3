"""The graph while a .tflite file is read: tensor types so far, layers, constants. What the operators' readers fill in.

Every 4-D tensor is NHWC: TensorFlow Lite knows no other order. One exception: a graph input that only Transposes to
NHWC read, as in models that came from PyTorch, is NCHW.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from int8sim.graph.check import check, infer
from int8sim.graph.ir import Graph, Layer, State
from int8sim.importers.tflite_file import LARGEST_SIDE, Model, Operator, Tensor
from int8sim.importers.tflite_quantization import CODES, activation_quant, bias_quant, real_weight, weight_quant
from int8sim.importers.tflite_schema import ACTIVATIONS
from int8sim.lowering.steps import output_codes, remarks, steps
from int8sim.model.errors import GraphError, ParameterError
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Op
from int8sim.ops.clip import Clip
from int8sim.ops.relu import Relu
from int8sim.profiles.base import Profile
from int8sim.spec.resize_tflite import bilinear_place_real

TO_NHWC = (0, 2, 3, 1)
FREE = frozenset({"flatten", "reshape", "transpose", "resize_nearest", "slice"})
"""Ops that copy codes in every engine, whatever scale the file gives to the copy."""
ALIKE = frozenset({"maximum", "minimum", "resize_weighted"})
"""Ops that compute with codes as they are, so that a scale of their own would have no meaning."""
ANY_CODE = frozenset({"quantize", "dequantize", "requantize", "move"})
"""Kinds that take uint8 beside int8."""
ENDS = {"quantize": (False, True), "dequantize": (True, False), "requantize": (True, True)}
"""Kind -> whether its input, and its output, are codes."""
BIAS = {"int8": "int32", "uint8": "int32", "int16": "int64"}
"""A bias's type by its layer's input's."""
ENGINES = "tflm, tflite_reference, tflite_optimized or xnnpack"


@dataclass
class Variables:
    """Of a streaming network, by container and name. handles: tensor index -> variable.

    initial: values. current: the activation that a variable is now. states: the graph input that it was at first.
    """

    handles: dict[int, tuple[str, str]] = field(default_factory=dict)
    initial: dict[tuple[str, str], Array] = field(default_factory=dict)
    current: dict[tuple[str, str], str] = field(default_factory=dict)
    states: dict[tuple[str, str], str] = field(default_factory=dict)


class Network:
    """types: of activations by name. constants: values that layers read. profile: None for a file in float32 only."""

    def __init__(self, model: Model, profile: Profile | None) -> None:
        self.model, self.profile, self._tensors = model, profile, list(model.tensors)
        self.layers: list[Layer] = []
        self.constants: dict[str, Array] = {}
        self.notes: list[str] = []
        self.variables = Variables()
        self._same: dict[str, str] = {}  # a variable read again -> the activation that it is
        self._taken = {tensor.name for tensor in model.tensors}
        self._constant_types: dict[str, TensorType] = {}
        self.types = {self.tensor(index).name: self._input(index) for index in model.inputs}
        self._inputs = tuple(self.types)

    def tensor(self, index: int) -> Tensor:
        """A tensor of the file, or what has replaced it."""
        return self._tensors[index]

    def replace(self, index: int, tensor: Tensor) -> None:
        """From here on a tensor is another."""
        self._tensors[index] = tensor

    def _input(self, index: int) -> TensorType:
        tensor = self.tensor(index)
        if len(tensor.shape) < 2 or 0 in tensor.shape:
            raise GraphError(f"input {tensor.name!r} has the shape {list(tensor.shape)}; [batch, ...] is needed")
        kind = TensorType((1, *tensor.shape[1:]), tensor.dtype, "", activation_quant(tensor))
        return kind.with_shape(kind.shape, self._layout(index)) if len(kind.shape) == 4 else kind

    def _layout(self, index: int) -> str:
        readers = [node for node in self.model.operators if index in node.inputs]
        turned = [node.name == "TRANSPOSE" and node.has(1) and self._order(node) == TO_NHWC for node in readers]
        return "NCHW" if turned and all(turned) else "NHWC"

    def _order(self, node: Operator) -> tuple[int, ...]:
        values = self.tensor(node.inputs[1]).values
        return () if values is None else tuple(values.ravel().tolist())

    def activation(self, node: Operator, position: int = 0) -> str:
        """The name of an input that must be an activation. Raises UnsupportedOperatorError, GraphError."""
        if not node.has(position):
            raise node.refused(f"input {position} is missing")
        tensor = self.tensor(node.inputs[position])
        name = self._same.get(tensor.name, tensor.name)
        if name in self.types:
            return name
        if tensor.values is not None:
            raise node.refused(f"input {position}, {tensor.name!r}, is a constant; an activation is needed")
        found = f"reads {tensor.name!r}, which no input and no operator before it gives"
        msg = f"operator {node.number}, {node.name}, {found}"
        raise GraphError(msg)

    def read_variable(self, node: Operator, variable: tuple[str, str]) -> None:
        """The node's output is what the variable is now: at first a state, which is a graph input."""
        target, found = self.tensor(node.outputs[0]), self.variables
        if variable in found.current:
            self._same[target.name] = found.current[variable]
        else:
            if variable not in found.initial:
                raise node.refused(f"nothing gives its variable {variable[1]!r} an initial value")
            if target.shape[:1] != (1,):
                raise node.refused(f"its variable has the shape {list(target.shape)}; a batch of 1 is needed")
            layout = "NHWC" if len(target.shape) == 4 else ""
            self.types[target.name] = TensorType(target.shape, target.dtype, layout, activation_quant(target))
            found.current[variable] = found.states[variable] = target.name
        self._compare(node, target)

    def image(self, node: Operator, position: int = 0) -> str:
        """The name of an input that must be a 4-D activation."""
        name = self.activation(node, position)
        if self.types[name].layout != "NHWC":
            raise node.refused(f"its input {name!r} is {self.types[name]}; [batch, height, width, channels] is needed")
        return name

    def constant(self, node: Operator, position: int, what: str) -> Array:
        """The values of an input that must be constant."""
        if not node.has(position):
            raise node.refused(f"its {what}, input {position}, is missing; a constant is needed")
        tensor = self.tensor(node.inputs[position])
        if tensor.values is None:
            found = f"tensor {tensor.name!r} of {tensor.dtype or 'an unknown type'}, computed or without values"
            raise node.refused(f"its {what}, input {position}, is {found}; a constant is needed")
        return tensor.values

    def operand(self, node: Operator, position: int) -> str:
        """The name of an input that may be an activation or a constant, of one scale."""
        tensor = self.tensor(node.inputs[position]) if node.has(position) else None
        if tensor is None or tensor.values is None or not tensor.values.size:
            return self.activation(node, position)
        return self._hold(f"{node.layer}_operand", tensor.values, activation_quant(tensor))

    def bilinear(self, node: Operator) -> Callable[..., float]:
        """Where an output cell lies in the input when the node resizes."""
        if self.types[self.image(node)].quant is None:
            return bilinear_place_real
        profile = self._profile()
        if profile.bilinear is None:
            raise node.refused(f"profile {profile.name} has no integer form of it")
        return profile.bilinear

    def integers(self, node: Operator, position: int, what: str) -> Array:
        """A constant of integers."""
        values = self.constant(node, position, what)
        if values.dtype.name not in {"int32", "int64"}:
            raise node.refused(f"its {what} is {values.dtype.name}; int32 or int64 is needed")
        return values

    def weighted(
        self,
        node: Operator,
        op: Op,
        x: str,
        weight: Array,
        *,
        activation: int,
        like: Op | None = None,
        axis: int = 0,
        bias: int = 2,
    ) -> None:
        """The node becomes a layer of x, a constant weight [O, ...], its input 1 reordered, and a bias, if it has one.

        axis: where the layer's weight has its outputs. bias: which input it is.
        """
        quant = weight_quant(node, self.tensor(node.inputs[1]), weight.shape[0])
        if quant is None and self.types[x].quant:
            raise node.refused(f"its weight is float32 and its input {self.types[x]}; both real or both codes are read")
        if quant and self.types[x].quant is None:
            weight, quant = real_weight(weight, quant), None
            self.notes.append(
                f"{node.layer}: its weight is stored as int8, and is read as the float32 that it stands for"
            )
        own = quant if quant is None or quant.axis is None else replace(quant, axis=axis)
        names = [x, self._hold(f"{node.layer}_weight", weight.swapaxes(0, axis), own)]
        if node.has(bias):
            values = self.constant(node, bias, "bias")
            if values.dtype.name != ("float32" if quant is None else BIAS[self.types[x].dtype]):
                raise node.refused(f"its bias is {values.dtype.name}, the weight {weight.dtype.name}")
            kind = bias_quant(self.tensor(node.inputs[bias]), self.types[x].quantized, quant) if quant else None
            names.append(self._hold(f"{node.layer}_bias", values, kind))
        self.add(node, op, *names, activation=activation, like=like)

    def _hold(self, name: str, values: Array, quant: QuantParams | None) -> str:
        """A constant for a layer to read."""
        name = self._fresh(name)
        self.constants[name] = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
        self._constant_types[name] = TensorType(tuple(values.shape), values.dtype.name, "", quant)
        return name

    def _fresh(self, name: str) -> str:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def between(self, node: Operator, op: Op, source: str, role: str) -> str:
        """A layer that the file does not have, before the node's own: codes of `source` only move. Its output."""
        name = self._fresh(f"{node.layer}_{role}")
        self._write(node, Layer(name, op, (source,), name), self.types[source].quant)
        return name

    def add(
        self, node: Operator, op: Op, *inputs: str, activation: int = 0, like: Op | None = None, output: int = 0
    ) -> None:
        """The node becomes a layer, or one for each of its outputs.

        activation: the fused one's number. like: the op that its steps are derived for.
        """
        target = self.tensor(node.outputs[output])
        quant, fused = activation_quant(target), self._fused(node, activation)
        if quant is None and fused:
            inner = self._fresh(f"{target.name}_linear")
            self._write(node, Layer(inner, op, inputs, inner), None)
            op, inputs = self.activation_op(node, activation), (inner,)
        self._write(node, Layer(target.name, op, inputs, target.name), quant, fused if quant else (), like)
        self._compare(node, target)

    def _fused(self, node: Operator, activation: int) -> tuple[tuple[float, float], ...]:
        if activation not in ACTIVATIONS:
            known = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")
            raise node.refused(f"its fused activation is number {activation}", known)
        return ACTIVATIONS[activation]

    def activation_op(self, node: Operator, activation: int) -> Op:
        """A fused activation, not NONE, as an op of its own."""
        ((low, high),) = self._fused(node, activation)
        return Relu() if high == float("inf") else Clip(low, high)

    def _compare(self, node: Operator, target: Tensor) -> None:
        """The shape that the file gives to an output: another one means that something is damaged."""
        found = self.types[self._same.get(target.name, target.name)].shape
        if target.shape and target.shape[1:] != found[1:]:
            raise node.misfit(f"its output is {list(target.shape)} in the file, {list(found)} by its inputs")

    def _write(
        self,
        node: Operator,
        layer: Layer,
        quant: QuantParams | None,
        fused: tuple[tuple[float, float], ...] = (),
        like: Op | None = None,
    ) -> None:
        types = [self.type_of(name) for name in layer.inputs]
        shape = infer(layer, types).shape
        if max(shape) > LARGEST_SIDE:
            raise node.misfit(f"its output has the shape {list(shape)}; that is too large")
        kind = TensorType(shape, quant.dtype if quant else "float32", "NHWC" if len(shape) == 4 else "", quant)
        arithmetic = self._arithmetic(node, layer, types, kind, fused, like or layer.op)
        self.types[layer.output] = kind
        self.layers.append(Layer(layer.name, layer.op, layer.inputs, layer.output, arithmetic))

    def type_of(self, name: str) -> TensorType:
        """The type of an activation or constant."""
        return self.types[name] if name in self.types else self._constant_types[name]

    def _arithmetic(
        self,
        node: Operator,
        layer: Layer,
        types: list[TensorType],
        kind: TensorType,
        fused: tuple[tuple[float, float], ...],
        like: Op,
    ) -> Arithmetic | None:
        """The layer's steps; None if it computes in float32."""
        if kind.quant is None and all(each.quant is None for each in types):
            return None
        profile = self._profile()
        self._check(node, profile, layer.op, types, kind)
        codes = output_codes(profile, layer.op, kind.quant, fused) if kind.quant else (0, 0)
        made = steps(profile, Layer(layer.name, like, layer.inputs, layer.output), types, kind, codes)
        self.notes += remarks(profile, layer, types, made)
        return made

    def _profile(self) -> Profile:
        if self.profile is None or self.profile.bias is None:
            raise ParameterError(
                "profile",
                self.profile and self.profile.name,
                f"{ENGINES}: a quantized .tflite file does not say who runs it",
            )
        return self.profile

    def _check(self, node: Operator, profile: Profile, op: Op, types: list[TensorType], kind: TensorType) -> None:
        """Raise for what the engines refuse or compute in a way that no scheme here has."""
        if profile.scheme(op.kind, types[0].dtype) is None:
            raise node.refused(f"profile {profile.name} has no integer form of {op.name}")
        data = [*(types[:1] if op.weighted or op.name == "conv_transpose" else types), kind]
        allowed = {*CODES, "float32"} if op.kind in ANY_CODE else {"int8"}
        wide = {each.dtype for each in data} == {"int16"}
        if any(each.dtype not in allowed for each in data) and not wide:
            raise node.refused(f"it is between {', '.join(map(str, data))}; int8 is read, and some of int16 alone")
        if (types[0].quant is not None, kind.quant is not None) != ENDS.get(op.kind, (True, True)):
            raise node.misfit(f"it is between {', '.join(map(str, data))}, codes and real values at the wrong ends")
        if op.kind == "move" and len({each.dtype for each in data}) > 1:
            raise node.misfit(f"it is between {', '.join(map(str, data))}; codes that move keep their type")
        rescaled = op.kind == "clamp" and not wide and profile.schemes["clamp"].branches
        if (
            op.name in (profile.same_scale - FREE | ALIKE)
            and not rescaled
            and any(each.quant != kind.quant for each in data)
        ):
            raise node.refused("its inputs and output have different scales or zero points; the engines need the same")
        forced = profile.forced.get(op.name, {}).get(kind.dtype)
        if forced and kind.quant != forced:
            raise node.refused(f"its output must have scale {forced.scale} and zero point {forced.zero_point}")

    def graph(self) -> Graph:
        """What was read, checked. Raises GraphError, BadScaleError."""
        integer = any(layer.arithmetic is not None for layer in self.layers)
        profile = self._profile().name if integer else ""
        states = tuple(self._states())
        ends = [self._same.get(name, name) for name in (self.tensor(index).name for index in self.model.outputs)]
        graph = Graph(
            tuple(self.layers),
            {**self.types, **self._constant_types},
            self.constants,
            (*self._inputs, *(state.input for state in states)),
            tuple(dict.fromkeys([*ends, *(state.output for state in states)])),
            f"{self.model.name}_{profile}" if profile else self.model.name,
            profile,
            tuple(self.notes),
            states=states,
        )
        check(graph)
        return graph

    def _states(self) -> Iterator[State]:
        found = self.variables
        for variable, name in found.states.items():
            values = found.initial[variable]
            yield State(name, found.current[variable], values.astype(values.dtype.newbyteorder("=")))
