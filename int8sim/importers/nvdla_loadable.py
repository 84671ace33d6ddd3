"""A loadable of NVDLA's compiler, `.nvdla`: each operation's integers, as the firmware and the emulator will read them.

The file is a FlatBuffer, "NVDA", version 0.7.0. A task lists addresses; an address is a place in a memory; a memory is
filled with blobs. The first address of a task is its network descriptor, which says at which others the dependencies,
the operations and the surfaces lie. A cube's address is a place in the same list: so weights and operands are found.
Source: nvdla/sw:umd/core/common/{loadable.fbs,Loadable.cpp}, umd/core/src/compiler/Compiler.cpp, emit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from int8sim.formats.nvdla_packing import unpack_weights
from int8sim.importers.flatbuffer import Buffer, FlatTable
from int8sim.importers.nvdla_loadable_structs import (
    COMMON,
    EMU_NETWORK,
    EMU_OPERATION,
    EMU_OPERATION_SIZE,
    EMU_OPERATIONS,
    ENGINES,
    NETWORK,
    OPERATION_SIZE,
    OPERATIONS,
    SURFACE_SIZE,
    Fields,
)
from int8sim.model.errors import NotAModelError
from int8sim.model.step import Array

IDENTIFIER = b"NVDA"
VERSION = (0, 7, 0)
FIRMWARE = (0, 12)
TASKS, MEMORIES, ADDRESSES, BLOBS = 1, 2, 3, 5
"""Slots of the root table; slot 0 is the version."""
DLA, EMU = 1, 2
"""Interfaces of a task."""
INT8, FEATURE, UNCOMPRESSED, DIRECT, PER_KERNEL = 0, 36, 0, 0, 1
UNITS: Mapping[int, tuple[str, ...]] = {1: ("mul",), 2: ("alu",), 3: ("alu", "mul")}
"""What a stage's type takes operands for."""
STAGES = ("x1", "x2", "y")
WIDTHS = (np.dtype("<i1"), np.dtype("<i2"), np.dtype("<f2"))
"""Of an operand, by its precision."""


class Atoms(NamedTuple):
    """How many channels and kernels the multipliers take at a time: the order of packed weights."""

    channels: int
    kernels: int


ATOMS = {8: Atoms(8, 8), 32: Atoms(64, 32)}
"""By the bytes of one pixel in a feature cube, line stride over width: nv_small; nv_large and nv_full.

The first is confirmed by every weight of the files that the compiler made for nv_small; the second is as nvdla/sw:umd/
core/src/compiler/TargetConfig.cpp has it.
"""


class Blob(NamedTuple):
    """place, size: of its bytes in the file."""

    place: int
    size: int


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a task.

    engine: CONV, SDP, PDP, CDP, RUBIK, BDMA, EMU softmax or EMU power. place: of its struct in the file. fused_with:
    the operation whose output goes straight into this one, -1 for none. fields: of its operation struct, cubes: of its
    surfaces, by the headers' names. arrays: `weight` int8 [K, C, R, S], as far as it is uncompressed INT8 for a feature
    input; `x1_alu`, `x1_mul` (x2, y) int16, int8 or float16 [C], a stage's operands for each channel.
    """

    task: int
    index: int
    engine: str
    place: int
    fields: Fields
    cubes: Fields = field(default_factory=dict)
    fused_with: int = -1
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Loadable:
    """operations: of all tasks, in order. blobs: name -> where its bytes are. atoms: by which weights are packed."""

    path: str
    version: tuple[int, int, int]
    operations: tuple[Operation, ...]
    blobs: Mapping[str, Blob]
    atoms: Atoms | None


def read_loadable(path: str | os.PathLike[str]) -> Loadable:
    """A loadable. Raises NotAModelError for a file that is none, ModelBytesError, with the byte, for a damaged one."""
    buffer = Buffer.read(path, "a complete loadable of NVDLA's compiler")
    if buffer.data[4:8] != IDENTIFIER:
        raise NotAModelError(
            path, f"bytes 4 to 7 are {buffer.data[4:8]!r}; a loadable of NVDLA's compiler has {IDENTIFIER!r}"
        )
    root = FlatTable(buffer, buffer.behind(0, "the file"), "the loadable")
    version = _version(root)
    memory = _Memory(root)
    found: list[Operation] = []
    for table in root.tables(TASKS, "task"):
        found += _Task(memory, table).operations()
    atoms = _atoms(found)
    operations = tuple(_with_arrays(memory, each, found, atoms) for each in found)
    return Loadable(str(path), version, operations, memory.blobs, atoms)


def _version(root: FlatTable) -> tuple[int, int, int]:
    place = root.field(0, 3)
    if place is None:
        raise root.buffer.problem(root.place, "the loadable has no version")
    major, minor, patch = (int(number) for number in root.buffer.numbers(place, "3B", "the version"))
    if (major, minor, patch) != VERSION:
        read = ".".join(map(str, VERSION))
        raise root.buffer.problem(place, f"the loadable has version {major}.{minor}.{patch}; {read} is read")
    return major, minor, patch


class _Memory:
    """What the file fills memories with, by address."""

    def __init__(self, root: FlatTable) -> None:
        self.buffer = root.buffer
        self.blobs: dict[str, Blob] = {}
        for table in root.tables(BLOBS, "blob"):
            self._take_blob(table)
        self.memories = self._by_id(root.tables(MEMORIES, "memory"))
        self.addresses = self._by_id(root.tables(ADDRESSES, "address"))

    def _take_blob(self, table: FlatTable) -> None:
        name, size, found = table.text(0), table.integer(1, "Q"), Blob(*table.bytes_at(5))
        if size != found.size:
            raise self.buffer.problem(table.place, f"blob {name!r} is said to have {size} bytes and has {found.size}")
        if name in self.blobs:
            raise self.buffer.problem(table.place, f"there are two blobs {name!r}")
        version = table.field(4, 3)
        if table.integer(2, "I") == DLA and version is not None:
            major, minor, patch = self.buffer.numbers(version, "3B", f"{table.name}'s version")
            if (major, minor) != FIRMWARE:
                made = f"blob {name!r} is for firmware {major}.{minor}.{patch}"
                raise self.buffer.problem(version, f"{made}; {FIRMWARE[0]}.{FIRMWARE[1]} is read")
        self.blobs[name] = found

    def _by_id(self, tables: Iterable[FlatTable]) -> dict[int, FlatTable]:
        found: dict[int, FlatTable] = {}
        for table in tables:
            number = table.integer(0, "H")
            if number in found:
                raise self.buffer.problem(table.place, f"{table.name} has the id {number}, as another has")
            found[number] = table
        return found

    def place(self, address: int, offset: int, size: int, what: str) -> int | None:
        """Where in the file the bytes at an address are; None where the memory is not filled, for activations."""
        entry = self.addresses.get(address)
        memory = self.memories.get(entry.integer(1, "H")) if entry else None
        if entry is None or memory is None:
            raise self.buffer.problem(
                entry.place if entry else 0, f"{what} is at address {address}, which leads nowhere"
            )
        start = entry.integer(2, "Q") + offset
        names, places = memory.texts(5), memory.integers(6, "Q")
        if len(names) != len(places):
            raise self.buffer.problem(memory.place, f"{memory.name} has {len(names)} contents at {len(places)} offsets")
        for name, begin in zip(names, places, strict=True):
            blob = self._blob(memory, name)
            if begin <= start < begin + blob.size:
                if start + size > begin + blob.size:
                    raise self.buffer.problem(
                        blob.place, f"{what} needs {size} bytes of blob {name!r}, which ends before"
                    )
                return blob.place + start - begin
        return None

    def held(self, cube: Fields, size: int, asker: int, what: str) -> int:
        """Where in the file a cube's first `size` bytes are. asker: the place of the struct that has the cube."""
        place = self.place(cube["address"], cube["offset"], size, what)
        if place is None:
            raise self.buffer.problem(asker, f"{what} is in a memory that the file does not fill")
        return place

    def _blob(self, memory: FlatTable, name: str) -> Blob:
        if name not in self.blobs:
            raise self.buffer.problem(memory.place, f"{memory.name} is filled with blob {name!r}, and there is none")
        return self.blobs[name]


class _Task:
    """One task: its addresses, and the operations that it lists."""

    def __init__(self, memory: _Memory, table: FlatTable) -> None:
        self.memory, self.buffer, self.table = memory, memory.buffer, table
        self.number, self.interface = table.integer(0, "H"), table.integer(1, "I")
        self.addresses = table.integers(3, "H")

    def address(self, index: int, what: str) -> int:
        """A place in the task's list as an address. Raises ModelBytesError."""
        if not 0 <= index < len(self.addresses):
            known = len(self.addresses)
            raise self.buffer.problem(
                self.table.place, f"{what} is at place {index} of {self.table.name}'s {known} addresses"
            )
        return self.addresses[index]

    def filled(self, index: int, size: int, what: str) -> int:
        """Where what every task needs is in the file."""
        place = self.memory.place(self.address(index, what), 0, size, what)
        if place is None:
            raise self.buffer.problem(self.table.place, f"{what} of {self.table.name} is not in the file")
        return place

    def operations(self) -> list[Operation]:
        """In the order of execution."""
        if self.interface == DLA:
            return self._dla()
        if self.interface == EMU:
            return self._emu()
        what = f"{self.table.name} is for interface {self.interface}; {DLA} (DLA) and {EMU} (emulator) are read"
        raise self.buffer.problem(self.table.place, what)

    def _dla(self) -> list[Operation]:
        network = NETWORK.read(self.buffer, self.filled(0, NETWORK.size, "the network descriptor"))
        count = network["num_operations"]
        starts = [
            self.filled(network[f"{key}_index"], count * size, what) if count else 0
            for key, size, what in (
                ("dependency_graph", COMMON.size, "the dependency graph"),
                ("operation_desc", OPERATION_SIZE, "the list of operations"),
                ("surface_desc", SURFACE_SIZE, "the list of surfaces"),
            )
        ]
        sizes = COMMON.size, OPERATION_SIZE, SURFACE_SIZE
        rows = [[start + i * size for start, size in zip(starts, sizes, strict=True)] for i in range(count)]
        return [self._operation(index, count, *places) for index, places in enumerate(rows)]

    def _operation(self, index: int, count: int, common: int, operation: int, surfaces: int) -> Operation:
        head = COMMON.read(self.buffer, common)
        kind, parent = head["op_type"], head["fused_parent"]["index"]
        if kind >= len(ENGINES):
            raise self.buffer.problem(common, f"operation {index} has type {kind}; there are {len(ENGINES)}")
        if not -1 <= parent < count:
            raise self.buffer.problem(common, f"operation {index} is fused with {parent}, of {count} operations")
        layout, cubes = OPERATIONS[ENGINES[kind]]
        fields, found = layout.read(self.buffer, operation), cubes.read(self.buffer, surfaces)
        for name, cube in found.items():
            if isinstance(cube, dict):
                self._resolve(f"{name} of operation {index}", cube)
        return Operation(self.number, index, ENGINES[kind], operation, fields, found, parent)

    def _resolve(self, what: str, cube: dict[str, int]) -> None:
        """The cube's place in the task's list becomes the address that stands there; -1 stays."""
        if cube["address"] != -1:
            cube["address"] = self.address(cube["address"], what)

    def _emu(self) -> list[Operation]:
        network = EMU_NETWORK.read(self.buffer, self.filled(0, EMU_NETWORK.size, "the network descriptor"))
        count = network["num_operations"]
        index = network["operation_desc_index"]
        start = self.filled(index, count * EMU_OPERATION_SIZE, "the list of operations") if count else 0
        return [self._emulated(index, start + index * EMU_OPERATION_SIZE) for index in range(count)]

    def _emulated(self, index: int, place: int) -> Operation:
        kind = EMU_OPERATION.read(self.buffer, place)["op_type"]
        if kind >= len(EMU_OPERATIONS):
            raise self.buffer.problem(
                place, f"emulated operation {index} has type {kind}; there are {len(EMU_OPERATIONS)}"
            )
        engine, layout = EMU_OPERATIONS[kind]
        return Operation(self.number, index, engine, place, layout.read(self.buffer, place))


def _atoms(operations: Iterable[Operation]) -> Atoms | None:
    """By the bytes of a pixel in what SDP writes; None where it writes nothing, or at other strides."""
    cubes = [each.cubes["dst_data"] for each in operations if each.engine == "SDP"]
    pixels = {cube["line_stride"] // cube["width"] for cube in cubes if cube["width"]}
    return ATOMS.get(min(pixels)) if pixels else None


def _with_arrays(memory: _Memory, each: Operation, every: Sequence[Operation], atoms: Atoms | None) -> Operation:
    """The operation with what the file holds for it."""
    if each.engine == "CONV":
        return replace(each, arrays=_weight(memory, each, every, atoms))
    if each.engine == "SDP":
        return replace(each, arrays={name: array for stage in STAGES for name, array in _operands(memory, each, stage)})
    return each


def _weight(memory: _Memory, each: Operation, every: Sequence[Operation], atoms: Atoms | None) -> dict[str, Array]:
    """`weight`, where it is packed in the way that is known. The kernels are counted where the output is written."""
    fields, cube = each.fields, each.cubes["weight_data"]
    form = [fields[name] for name in ("in_precision", "data_format", "weight_format", "conv_mode")]
    written = [
        other for other in every if (other.task, other.fused_with, other.engine) == (each.task, each.index, "SDP")
    ]
    if form != [INT8, FEATURE, UNCOMPRESSED, DIRECT] or atoms is None or not written:
        return {}
    kernel = [fields[f"kernel_{axis}_csc"] for axis in ("channel", "height", "width")]
    shape = (written[0].cubes["dst_data"]["channel"], *kernel)
    what = f"the weight {list(shape)} of operation {each.index}"
    if math.prod(kernel) != fields["bytes_per_kernel"] or not math.prod(shape):
        raise memory.buffer.problem(each.place, f"{what} has {fields['bytes_per_kernel']} bytes a kernel")
    place = memory.held(cube, math.prod(shape), each.place, what)
    packed = memory.buffer.span(place, math.prod(shape), what)
    return {"weight": unpack_weights(packed, shape, atoms.channels, atoms.kernels)}


def _operands(memory: _Memory, each: Operation, stage: str) -> Iterator[tuple[str, Array]]:
    """A stage's operands for each channel; with both units on, a pair for each, the ALU's first."""
    fields, cube = each.fields[f"{stage}_op"], each.cubes[f"{stage}_data"]
    units = UNITS.get(fields["type"], ())
    if not fields["enable"] or fields["mode"] != PER_KERNEL or not units:
        return
    channels, what = each.cubes["dst_data"]["channel"], f"{stage}'s operands of operation {each.index}"
    if fields["precision"] >= len(WIDTHS):
        raise memory.buffer.problem(each.place, f"{what} has precision {fields['precision']}; there are {len(WIDTHS)}")
    width = WIDTHS[fields["precision"]]
    size = channels * len(units) * width.itemsize
    place = memory.held(cube, size, each.place, what)
    columns = np.frombuffer(memory.buffer.span(place, size, what), width).reshape(channels, len(units)).T
    yield from ((f"{stage}_{unit}", column.copy()) for unit, column in zip(units, columns, strict=True))
