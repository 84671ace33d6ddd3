"""Readers of a streaming network's variables: each becomes a state, a graph input whose next value is an output.

A variable is known by the container and name in its handle's options, whatever tensor holds the handle. Reading it
gives the value of the step before, or, behind an assignment, the assigned tensor itself.
"""

from __future__ import annotations

from int8sim.importers.tflite_file import CALLED, Operator, Subgraph
from int8sim.importers.tflite_network import Network

Variable = tuple[str, str]


def read_call_once(net: Network, node: Operator) -> None:
    """CALL_ONCE of a subgraph that assigns constants: the initial values."""
    called: Subgraph = net.model.called[node.integer(CALLED)]
    handles: dict[int, Variable] = {}
    for inner in called.operators:
        if inner.name == "VAR_HANDLE":
            handles[inner.outputs[0]] = _variable(inner)
        elif inner.name == "ASSIGN_VARIABLE" and inner.has(0) and inner.has(1) and inner.inputs[0] in handles:
            values = called.tensors[inner.inputs[1]].values
            if values is None:
                raise node.refused(f"its operator {inner.number} assigns what is computed; constants are read")
            net.variables.initial[handles[inner.inputs[0]]] = values
        else:
            raise node.refused(f"its operator {inner.number} is {inner.name}, or of no variable", ASSIGNING)


ASSIGNING = ("ASSIGN_VARIABLE", "VAR_HANDLE")


def _variable(node: Operator) -> Variable:
    return node.text(0), node.text(1)


def read_var_handle(net: Network, node: Operator) -> None:
    """VAR_HANDLE: a name for later operators, no layer."""
    net.variables.handles[node.outputs[0]] = _variable(node)


def read_read_variable(net: Network, node: Operator) -> None:
    """READ_VARIABLE: the assigned tensor, or the state."""
    net.read_variable(node, _handled(net, node))


def read_assign_variable(net: Network, node: Operator) -> None:
    """ASSIGN_VARIABLE of an activation."""
    net.variables.current[_handled(net, node)] = net.activation(node, 1)


def _handled(net: Network, node: Operator) -> Variable:
    handle = node.inputs[0] if node.has(0) else -1
    if handle not in net.variables.handles:
        raise node.refused("its first input is no variable's handle that a VAR_HANDLE before it gives")
    return net.variables.handles[handle]
