"""`int8sim table to-qdq`: a table's scales as QuantizeLinear and DequantizeLinear pairs in the float network."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from int8sim import api
from int8sim.cli.screen import Screen
from int8sim.exporters.onnx_qdq import Q, qdq_model
from int8sim.lowering.layer_names import by_tensor
from int8sim.model.files import write_bytes


def table_to_qdq(model: Path, table: Path, output: Path, as_json: bool) -> int:
    """The exit status."""
    screen, graph = Screen(as_json), api.load(model)
    made = qdq_model(graph, by_tensor(api.read_table(table), graph))
    write_bytes(output, made.SerializeToString())
    constants = {each.name for each in made.graph.initializer}
    pairs = Counter(node.input[0] in constants for node in made.graph.node if node.op_type == Q)
    notes = made.doc_string.splitlines()
    screen.say(f"wrote {output}: {pairs[False]} pairs at activations, {pairs[True]} at weights")
    for note in notes:
        screen.say(f"note: {note}")
    screen.result({"output": str(output), "activations": pairs[False], "weights": pairs[True], "notes": notes})
    return 0
