"""Make golden/tosa/reference_model.npz: what Arm's TOSA reference model answers to the cases of tools/tosa_cases.py.

tosa-tools pins packages that the other engines refuse, so this runs in an environment of its own:

    python3 -m venv /tmp/tosa && /tmp/tosa/bin/pip install tosa-tools==2026.8.0
    /tmp/tosa/bin/python tools/make_tosa_golden.py [--check]

The file holds, by case, the SHA-256 of all outputs (little-endian int64, C order) and the first 256 of them. --check
compares with the file that is there instead of writing it, and ends with status 1 where they differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tosa_reference_model
import tosa_serializer
from tosa import DType, Op, RoundingMode
from tosa_cases import Case, cases

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "golden" / "tosa" / "reference_model.npz"
HEAD = 256
KINDS = {name: getattr(DType.DType, name.upper().removeprefix("U")) for name in ("int8", "int16", "int32")}
KINDS |= {"uint8": KINDS["int8"], "uint16": KINDS["int16"]}
ROUNDINGS = {True: RoundingMode.RoundingMode.DOUBLE_ROUND, False: RoundingMode.RoundingMode.SINGLE_ROUND}


class Graph:
    """One graph as it grows: names of its inputs with their values, operators, then one run."""

    def __init__(self) -> None:
        self.serializer = tosa_serializer.TosaSerializer("")
        self.values: list[np.ndarray] = []

    def input(self, values: np.ndarray, dtype: str) -> str:
        self.values.append(_held(values, dtype))
        return str(self.serializer.addPlaceholder(list(values.shape), KINDS[dtype], None).name)

    def constant(self, values: Any, dtype: str) -> str:
        array = np.atleast_1d(np.asarray(values))
        return str(self.serializer.addConst(list(array.shape), KINDS[dtype], _held(array, dtype)).name)

    def inner(self, shape: tuple[int, ...], dtype: str) -> str:
        return str(self.serializer.addIntermediate(list(shape), KINDS[dtype]).name)

    def output(self, shape: tuple[int, ...], dtype: str) -> str:
        return str(self.serializer.addOutput(list(shape), KINDS[dtype]).name)

    def operator(self, name: str, inputs: list[str], output: str, *attributes: Any) -> str:
        attribute = tosa_serializer.TosaSerializerAttribute()
        words = {"AVG_POOL2D": "AvgPool2d", "CONV2D": "Conv2d", "DEPTHWISE_CONV2D": "DepthwiseConv2d", "MUL": "Mul"}
        words |= {
            "RESCALE": "Rescale",
            "TABLE": "Table",
            "ARITHMETIC_RIGHT_SHIFT": "ArithmeticRightShift",
            "SUB": "Sub",
        }
        getattr(attribute, f"{words[name]}Attribute")(*attributes)
        self.serializer.addOperator(getattr(Op.Op, name), inputs, [output], attribute)
        return output

    def run(self, dtype: str) -> np.ndarray:
        outputs, status = tosa_reference_model.run(bytes(self.serializer.serialize()), self.values)
        if status != tosa_reference_model.GraphStatus.TOSA_VALID:
            raise SystemExit(f"the reference model calls the graph {status}")
        bits = {"uint8": np.uint8, "uint16": np.uint16}
        return outputs[0].view(bits[dtype]) if dtype in bits else outputs[0]


def _held(values: np.ndarray, dtype: str) -> np.ndarray:
    kinds = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, "uint16": np.uint16, "int32": np.int32}
    array = np.ascontiguousarray(values.astype(kinds.get(dtype, np.int64)))
    return array.view(dtype.removeprefix("u")) if dtype.startswith("u") else array


def _rescaled(graph: Graph, x: str, case: Case, output: str, source: str, target: str, wide: bool, double: bool) -> str:
    kind = "int32" if wide else "int16"
    scales = [graph.constant(case.arrays["multiplier"], kind), graph.constant(case.arrays["shift"], "int8")]
    before, after = case.numbers["zeros"] if source != "int32" else (0, case.numbers["zeros"][1])
    zeros = [graph.constant([before], source), graph.constant([after], target)]
    flags = source.startswith("u"), target.startswith("u")
    return graph.operator("RESCALE", [x, *scales, *zeros], output, wide, ROUNDINGS[double], True, *flags)


def rescale(case: Case) -> np.ndarray:
    """RESCALE alone."""
    graph, n = Graph(), case.numbers
    x = graph.input(case.arrays["x"], n["source"])
    output = graph.output(case.arrays["x"].shape, n["target"])
    _rescaled(graph, x, case, output, n["source"], n["target"], n["wide"], n["double"])
    return graph.run(n["target"])


def average_pool(case: Case) -> np.ndarray:
    """AVG_POOL2D alone."""
    graph, n, x = Graph(), case.numbers, case.arrays["x"]
    padded = [x.shape[1 + i] + n["pad"][2 * i] + n["pad"][2 * i + 1] for i in (0, 1)]
    size = [(padded[i] - n["kernel"][i]) // n["stride"][i] + 1 for i in (0, 1)]
    inputs = [graph.input(x, "int8"), *(graph.constant([zero], "int8") for zero in n["zeros"])]
    output = graph.output((1, *size, x.shape[3]), "int8")
    graph.operator("AVG_POOL2D", inputs, output, n["kernel"], n["stride"], n["pad"], KINDS["int32"])
    return graph.run("int8")


def convolution(case: Case) -> np.ndarray:
    """CONV2D or DEPTHWISE_CONV2D, then RESCALE."""
    graph, a = Graph(), case.arrays
    depthwise = case.operator == "depthwise"
    outputs, rows, columns, _ = a["w"].shape
    shape = (1, a["x"].shape[1] - rows + 1, a["x"].shape[2] - columns + 1, outputs)
    weights = a["w"].transpose(1, 2, 0, 3) if depthwise else a["w"]
    inputs = [graph.input(a["x"], "int8"), graph.constant(weights, "int8"), graph.constant(a["bias"], "int32")]
    inputs += [graph.constant([case.numbers["zeros"][0]], "int8"), graph.constant([0], "int8")]
    name = "DEPTHWISE_CONV2D" if depthwise else "CONV2D"
    acc = graph.operator(name, inputs, graph.inner(shape, "int32"), [0, 0, 0, 0], [1, 1], [1, 1], False, KINDS["int32"])
    _rescaled(graph, acc, case, graph.output(shape, "int8"), "int32", "int8", True, True)
    return graph.run("int8")


def shift(case: Case) -> np.ndarray:
    """ARITHMETIC_RIGHT_SHIFT with rounding."""
    graph = Graph()
    inputs = [graph.input(case.arrays[name], "int32") for name in ("x", "by")]
    graph.operator("ARITHMETIC_RIGHT_SHIFT", inputs, graph.output(case.arrays["x"].shape, "int32"), True)
    return graph.run("int32")


def multiply(case: Case) -> np.ndarray:
    """RESCALE by one to int32 takes off the zero points, then MUL."""
    graph, shape = Graph(), case.arrays["a"].shape
    terms = []
    for name, zero in zip(("a", "b"), case.numbers["zeros"], strict=True):
        source = graph.input(case.arrays[name], "int8")
        one = [graph.constant([1 << 30], "int32"), graph.constant([30], "int8")]
        zeros = [graph.constant([zero], "int8"), graph.constant([0], "int32")]
        flags = True, ROUNDINGS[False], False, False, False
        terms.append(graph.operator("RESCALE", [source, *one, *zeros], graph.inner(shape, "int32"), *flags))
    graph.operator("MUL", [*terms, graph.constant([0], "int8")], graph.output(shape, "int32"))
    return graph.run("int32")


def table(case: Case) -> np.ndarray:
    """TABLE of int8 or int16."""
    graph = Graph()
    kind, out = ("int16", "int32") if case.operator == "table16" else ("int8", "int8")
    inputs = [graph.input(case.arrays["x"], kind), graph.constant(case.arrays["table"], kind)]
    graph.operator("TABLE", inputs, graph.output(case.arrays["x"].shape, out))
    return graph.run(out)


GRAPHS = {
    "rescale": rescale,
    "average_pool": average_pool,
    "convolution": convolution,
    "depthwise": convolution,
    "shift": shift,
    "multiply": multiply,
    "table": table,
    "table16": table,
}


def made() -> dict[str, np.ndarray]:
    """The arrays of the file."""
    found: dict[str, np.ndarray] = {}
    total = 0
    for case in cases():
        out = np.ascontiguousarray(GRAPHS[case.operator](case), "<i8")
        found[f"{case.name}/sha256"] = np.frombuffer(hashlib.sha256(out.tobytes()).digest(), np.uint8)
        found[f"{case.name}/head"] = out.ravel()[:HEAD]
        total += out.size
    print(f"{len(found) // 2} cases, {total:,} outputs")
    about = {"producer": "TOSA reference model", "package": f"tosa-tools {version('tosa-tools')}"}
    found["about"] = np.array(json.dumps(about))
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the file that is there")
    found = made()
    if not parser.parse_args().check:
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(TARGET, **found)
        return
    with np.load(TARGET) as kept:
        wrong = [name for name in found if name not in kept or not np.array_equal(found[name], kept[name])]
        wrong += [name for name in kept if name not in found]
    print("\n".join(wrong) or "every case is as recorded")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
