"""Exported networks called through ctypes, every tensor compared with a run."""

import ctypes
from pathlib import Path

import numpy as np

from int8sim.export_c.library import Library, llvm_processor, write
from int8sim.export_c.module import Module
from int8sim.export_c.network import add_network, ports
from int8sim.graph.run import run


def library_of(graphs, folder):
    """Several graphs, by the names that their functions begin with, as one shared library."""
    module = Module("graphs")
    for name, graph in graphs.items():
        add_network(module, graph, name)
    written = write(Library("graphs", module.object_code(llvm_processor("")), "", ""), Path(folder))
    return ctypes.CDLL(str(written[-1]))


def address(array):
    return ctypes.c_void_p(array.ctypes.data)


def run_in_c(library, name, graph, inputs):
    """The outputs of NAME_run over a batch."""
    given = [np.ascontiguousarray(inputs[each]) for each in graph.inputs]
    batch = len(given[0])
    found = {
        each: np.zeros((batch, *graph.tensors[each].shape[1:]), graph.tensors[each].dtype) for each in graph.outputs
    }
    status = library[f"{name}_run"](*map(address, [*given, *found.values()]), ctypes.c_size_t(batch))
    assert status == 0
    return found


def tensors_in_c(library, name, graph):
    """Every tensor of the last sample, by NAME_tensor."""
    found = {}
    for port in ports(graph).values():
        found[port.tensor] = np.zeros((1, *port.kind.shape[1:]), port.kind.dtype)
        assert library[f"{name}_tensor"](port.number, address(found[port.tensor])) == 0
    return found


def compare(library, name, graph, inputs):
    """How many values were compared: the outputs of a batch, every tensor of each sample run alone."""
    count = 0
    batch = len(next(iter(inputs.values())))
    outputs = run_in_c(library, name, graph, inputs)
    for sample in range(batch):
        one = {key: values[sample : sample + 1] for key, values in inputs.items()}
        expected = run(graph, one, keep="all")
        for tensor in graph.outputs:
            assert outputs[tensor][sample : sample + 1].tobytes() == expected[tensor].tobytes(), (name, tensor, sample)
        run_in_c(library, name, graph, one)
        for tensor, values in tensors_in_c(library, name, graph).items():
            assert values.tobytes() == expected[tensor].tobytes(), (name, tensor, sample)
            count += values.size
    return count
