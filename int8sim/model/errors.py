"""Every failure that a user can cause, one class each.

A message says what, where, the value, what is allowed, and what to do. Attributes carry the same facts typed, so that a
test bench can act on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Int8SimError(Exception):
    """Base of all errors that int8sim raises on purpose; the command line exits with status 2."""


def _listing(names: Iterable[str], limit: int = 12) -> str:
    ordered = list(names)
    more = f" and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return ", ".join(ordered[:limit]) + more if ordered else "none"


class FileProblemError(Int8SimError):
    """A file that cannot be used: missing, foreign, truncated or unwritable. path: the file; reason: what is wrong."""

    def __init__(self, path: object, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path}: {reason}")


class NotAModelError(FileProblemError):
    """A file that holds no network of the format its name promises."""


class ModelTextError(NotAModelError):
    """A network's text that breaks the rules of its format. line: counted from 1."""

    def __init__(self, path: object, line: int, problem: str) -> None:
        self.line = line
        super().__init__(path, f"line {line}: {problem}")


class ModelBytesError(NotAModelError):
    """A network's binary file that breaks the rules of its format: truncated, foreign, damaged. offset: from 0."""

    def __init__(self, path: object, offset: int, problem: str) -> None:
        self.offset = offset
        super().__init__(path, f"at byte {offset}: {problem}")


class OutsideDataError(NotAModelError):
    """An ONNX tensor whose values lie in a file outside the model's folder. tensor: its name; location: the file."""

    def __init__(self, path: object, tensor: str, location: str) -> None:
        self.tensor, self.location = tensor, location
        super().__init__(
            path,
            f"the values of tensor {tensor!r} lie in {location!r}, outside the model's folder, and only files in that "
            "folder are read: put the file there, and save the model with its plain name",
        )


class NotAGoldenFileError(FileProblemError):
    """A file that is no golden file of int8sim, or a damaged one."""


class DamagedDataSetError(NotAGoldenFileError):
    """A data set of a golden file that is missing, unreadable or not what its hash says. data_set: its name."""

    def __init__(self, path: object, data_set: str, problem: str) -> None:
        self.data_set = data_set
        super().__init__(path, f"data set {data_set}: {problem}; the file is damaged or was edited")


class NotStatisticsError(FileProblemError):
    """A file that holds no calibration statistics of int8sim, or a damaged one."""


class NotATraceError(FileProblemError):
    """A file that holds no NVDLA trace of the form its name promises, or a damaged one."""


class TraceTextError(NotATraceError):
    """A line of a trace's .cfg or .dat that breaks the form. line: counted from 1; text: what stands there."""

    def __init__(self, path: object, line: int, text: str, reason: str) -> None:
        self.line, self.text = line, text
        super().__init__(path, f"line {line} is {text[:80]!r}; {reason}")


class NotADumpError(FileProblemError):
    """A file or folder of tensors that cannot be compared with a golden file: foreign, short, of another shape."""


class DumpTextError(NotADumpError):
    """A line of a dump that cannot be read. line: counted from 1; text: what stands there."""

    def __init__(self, path: object, line: int, text: str, reason: str) -> None:
        self.line, self.text = line, text
        super().__init__(path, f"line {line} has {text[:80]!r}; {reason}")


class NotADimgError(FileProblemError):
    """A file that is no .dimg image of NVDLA's runtime, or a damaged one."""


class NotATableError(FileProblemError):
    """A file that is no calibration cache or table of the format asked for."""


class BadTableLineError(NotATableError):
    """A line of a table file that cannot be read. line: its number, from 1; text: what stands there."""

    def __init__(self, path: object, line: int, text: str, reason: str) -> None:
        self.line, self.text = line, text
        super().__init__(path, f"line {line} is {text[:80]!r}; {reason}")


class NotADataSetError(FileProblemError):
    """A file or folder of samples that is missing, of a foreign format, or damaged."""


class EmptyDataSetError(NotADataSetError):
    """A data set without one sample."""


class OutputNotWritableError(FileProblemError):
    """A folder or file that cannot be written."""


class UnsupportedOperatorError(Int8SimError):
    """A network uses an operator, or a form of one, that the importer does not read."""

    def __init__(self, operator: str, node: str, reason: str, supported: Iterable[str] = ()) -> None:
        self.operator, self.node, self.reason, self.supported = operator, node, reason, tuple(supported)
        hint = f" Supported: {_listing(sorted(self.supported), 60)}." if self.supported else ""
        super().__init__(f"node {node!r}, operator {operator}: {reason}.{hint}")


class BatchMovedError(UnsupportedOperatorError):
    """An operator that moves or mixes axis 0, in a network that is read with axis 0 as the batch."""


class LayerError(Int8SimError):
    """A layer whose inputs or attributes do not fit together. layer: its name; reason: what, allowed, value."""

    def __init__(self, layer: str, reason: str) -> None:
        self.layer, self.reason = layer, reason
        super().__init__(f"layer {layer!r}: {reason}")


class GraphError(Int8SimError):
    """A graph that is not well formed: a tensor without a producer, two producers, a cycle."""


class UnmatchedGraphsError(Int8SimError):
    """Two graphs that cannot be laid side by side. first, second: their names; reason: what does not fit."""

    def __init__(self, first: str, second: str, reason: str) -> None:
        self.first, self.second, self.reason = first, second, reason
        super().__init__(f"graphs {first!r} and {second!r} do not belong together: {reason}")


class InputMismatchError(Int8SimError):
    """Data that does not fit the network: wrong name, shape or dtype."""

    def __init__(self, tensor: str, found: str, expected: str) -> None:
        self.tensor, self.found, self.expected = tensor, found, expected
        super().__init__(f"input {tensor!r}: found {found}, the network expects {expected}")


class NotFiniteError(Int8SimError):
    """NaN or infinity in calibration data or in a tensor computed from it."""

    def __init__(self, batch: int, tensor: str, count: int) -> None:
        self.batch, self.tensor, self.count = batch, tensor, count
        super().__init__(
            f"calibration batch {batch}: tensor {tensor!r} holds {count} NaN or infinite value(s); "
            "a scale cannot be derived from them. Remove or repair that batch, or weights that hold such values."
        )


class TooFewImagesError(Int8SimError):
    """Less data than asked for. choice: what was chosen of the data, as words that follow the number found."""

    def __init__(self, found: int, asked: int, choice: str = "") -> None:
        self.found, self.asked = found, asked
        super().__init__(
            f"{asked} images were asked for, the data holds {found}{choice}; ask for fewer, or give more data"
        )


class MissingSampleDataError(Int8SimError):
    """A file that sample-int8 needs and did not find. what: network, weights, images or labels; looked_for: where."""

    def __init__(self, what: str, looked_for: Iterable[str]) -> None:
        self.what, self.looked_for = what, tuple(looked_for)
        super().__init__(f"no {what} found; looked for {_listing(self.looked_for)}. Name more folders with --datadir")


class UnmergeableError(Int8SimError):
    """Statistics or tables that cannot become one: of different networks, kinds, or with contradicting rows."""


class BatchSizeError(Int8SimError):
    """A calibrator's batch that is not full. batch: counted from 1; found: its samples; asked: what it had promised."""

    def __init__(self, batch: int, tensor: str, found: int, asked: int) -> None:
        self.batch, self.tensor, self.found, self.asked = batch, tensor, found, asked
        super().__init__(
            f"calibration batch {batch}: input {tensor!r} has {found} samples, get_batch_size() promised {asked}; "
            "TensorRT takes full batches only: leave a short last batch out"
        )


class ParameterError(Int8SimError):
    """A number or an option outside what it may be. name, value; allowed: in words."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value = name, value
        super().__init__(f"{name} is {value!r}; allowed: {allowed}")


class MissingRangeError(Int8SimError):
    """A table without a row for tensors that the network needs: a cache of another network, or a stale one."""

    def __init__(self, tensors: Iterable[str], rows: Iterable[str], table: str) -> None:
        self.tensors, self.rows = tuple(tensors), tuple(rows)
        super().__init__(
            f"{table} has no row for tensor(s) {_listing(self.tensors)}; its rows are {_listing(self.rows)}. "
            "It was made for another network, or the network has changed: calibrate again."
        )


class MissingLayersError(Int8SimError):
    """A table without a row for layers that NVDLA's compiler looks up. layers: layer name -> tensor without a row."""

    def __init__(self, layers: Mapping[str, str], network: str) -> None:
        self.layers = dict(layers)
        named = [layer if layer == tensor else f"{layer} (tensor {tensor!r})" for layer, tensor in layers.items()]
        super().__init__(
            f"NVDLA's compiler aborts on a table that lacks a layer of network {network!r}; without a row: "
            f"{_listing(named)}. Calibrate the whole network, or give the table of this one."
        )


class RowNotWritableError(Int8SimError):
    """A row that a table format cannot hold. target: the format; reason: why, and what is allowed."""

    def __init__(self, tensor: str, target: str, reason: str) -> None:
        self.tensor, self.target, self.reason = tensor, target, reason
        super().__init__(f"row {tensor!r} cannot be written as {target}: {reason}")


class TableConflictError(UnmergeableError):
    """Two tables that give a tensor different scales. scales, bits: of each table; more: how many other tensors do."""

    def __init__(self, tensor: str, scales: tuple[float, float], bits: tuple[int, int], more: int) -> None:
        self.tensor, self.scales, self.bits, self.more = tensor, scales, bits, more
        first, second = (f"{scale:.9g} ({word:08x})" for scale, word in zip(scales, bits, strict=True))
        others = f", and {more} more tensor(s) differ" if more else ""
        super().__init__(
            f"tensor {tensor!r} has scale {first} in one table and {second} in the other{others}: they are of other "
            "data, weights or calibrators. Merge tables of one calibration only."
        )


class BadRangeError(Int8SimError):
    """A dynamic range that cannot become a scale. found: what was given."""

    def __init__(self, tensor: str, found: object) -> None:
        self.tensor, self.found = tensor, found
        super().__init__(
            f"tensor {tensor!r}: range {found!r} is not usable; allowed: the greatest |value|, or (low, high) with "
            "low <= high; finite, within float32, and the greatest |value| not negative"
        )


class BadScaleError(Int8SimError):
    """A scale that is NaN, infinite, negative or, where a division needs it, zero."""

    def __init__(self, tensor: str, scale: float, allowed: str) -> None:
        self.tensor, self.scale = tensor, scale
        super().__init__(f"tensor {tensor!r}: scale {scale!r} is not usable; allowed: {allowed}")


class RatioError(Int8SimError):
    """A ratio of scales that the target's multiplier cannot hold; lowering adds the layer's name (LayerError)."""

    def __init__(self, ratio: float, allowed: str) -> None:
        self.ratio = ratio
        super().__init__(
            f"input scale times weight scale over output scale is {ratio:.6g}; the target's multiplier holds "
            f"{allowed}. Check the ranges of the layer's input and output in the table."
        )


class BiasError(Int8SimError):
    """A bias that the target's 32 bits cannot hold; lowering adds the layer's name (LayerError). scale: of its unit."""

    def __init__(self, channel: int, bias: float, scale: float) -> None:
        self.channel, self.bias, self.scale = channel, bias, scale
        super().__init__(
            f"the bias of channel {channel} is {bias:.6g}, its unit (input scale times weight scale) {scale:.6g}; "
            "their quotient must be finite and below 2**31. Check the weights, and the range of the layer's input in "
            "the table."
        )


class UnsupportedLayersError(Int8SimError):
    """Layers that a target cannot compute. layers: layer name -> why."""

    def __init__(self, target: str, layers: Mapping[str, str]) -> None:
        self.target, self.layers = target, dict(layers)
        named = "; ".join(f"layer {layer!r}: {reason}" for layer, reason in layers.items())
        super().__init__(
            f"{target} cannot compute {named}. Replace them, end the network before them, or leave them in float32 "
            "with --float-layers (in Python float_layers=True)."
        )


class UnnamedLayersError(Int8SimError):
    """A table by TensorRT's names where layer names are needed. rows: TensorRT's name -> the layer that it stands for.

    missing: layers of the network that the table has no row for.
    """

    def __init__(self, rows: Mapping[str, str], missing: Iterable[str], network: str) -> None:
        self.rows, self.missing = dict(rows), tuple(missing)
        named = [f"{row!r} is layer {layer!r}" if layer else f"{row!r} is none of its" for row, layer in rows.items()]
        super().__init__(
            f"the table names TensorRT's tensors, and NVDLA's compiler looks up the layers of network {network!r} by "
            f"their own names: {_listing(named)}; without a row: {_listing(self.missing)}. Write it by layers: "
            "int8sim table convert TABLE --to nvdla --model NETWORK -o NEW."
        )


class UnknownNameError(Int8SimError):
    """A profile, backend, method, format or function that is not registered."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(f"unknown {kind} {name!r}; known: {_listing(sorted(self.known), 60)}")


class WordValueError(Int8SimError):
    """A value that a field of a word cannot hold, or too few words. where: lane or field; valid: what it holds."""

    def __init__(self, where: str, value: object, valid: str) -> None:
        self.where, self.value, self.valid = where, value, valid
        super().__init__(f"{where}: {value}; {valid}")


class MissingKernelError(Int8SimError):
    """A backend that has no kernel for a layer. Nothing falls back to the reference silently."""

    def __init__(self, backend: str, op: str, layer: str) -> None:
        self.backend, self.op, self.layer = backend, op, layer
        super().__init__(f"layer {layer!r}: backend {backend!r} has no kernel for {op}; run with backend='reference'")


class BackendUnavailableError(Int8SimError):
    """A backend that cannot run on this machine, with the reason."""

    def __init__(self, backend: str, reason: str) -> None:
        self.backend, self.reason = backend, reason
        super().__init__(f"backend {backend!r} is not available: {reason}")


class DeviceMemoryError(Int8SimError):
    """A device without room for a tensor. wanted, free, total: bytes."""

    def __init__(self, wanted: int, free: int, total: int) -> None:
        self.wanted, self.free, self.total = wanted, free, total
        super().__init__(
            f"the device has no {wanted:,} bytes left for a tensor: {free:,} of {total:,} are free; "
            "run fewer samples at a time, or end what else uses the device"
        )


class MissingPackageError(Int8SimError):
    """An optional package that is not installed, and the extra that brings it."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{purpose} needs the package {package}; install it with: pip install 'int8sim[{extra}]'")


class NotExportableError(Int8SimError):
    """A layer that the target format cannot express."""

    def __init__(self, layer: str, target: str, reason: str) -> None:
        self.layer, self.target, self.reason = layer, target, reason
        super().__init__(f"layer {layer!r} cannot be written as {target}: {reason}")


class LibraryError(Int8SimError):
    """A C library that cannot be made. what: the function or network; reason: why, and what to do."""

    def __init__(self, what: str, reason: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(f"{what} cannot be exported to C: {reason}")


class CompilerError(Int8SimError):
    """A C compiler that is missing or fails. command: as it was called; written: files that are there all the same."""

    def __init__(self, command: Iterable[str], reason: str, written: Iterable[object]) -> None:
        self.command, self.reason, self.written = tuple(command), reason, tuple(map(str, written))
        super().__init__(
            f"{' '.join(self.command)}: {reason}; the shared library is not written, these files are: "
            f"{', '.join(self.written)}. CC names another compiler"
        )


class NumbaVersionError(Int8SimError):
    """A version of Numba whose compiled code is not where it is looked for. known: versions where it is."""

    def __init__(self, version: str, known: str, reason: str) -> None:
        self.version, self.known, self.reason = version, known, reason
        super().__init__(f"Numba {version} keeps its compiled code elsewhere ({reason}); install one of {known}")


class UncoveredRegistersError(Int8SimError):
    """Register values that the NVDLA trace player does not compute. registers: full name -> value."""

    def __init__(self, registers: Mapping[str, int], reason: str) -> None:
        self.registers, self.reason = dict(registers), reason
        named = ", ".join(f"{name} = {value:#x}" for name, value in registers.items())
        super().__init__(f"{named}: {reason}")


class TraceNotWritableError(Int8SimError):
    """A trace that a form cannot hold. target: the form; reason: why, and what is allowed."""

    def __init__(self, target: str, reason: str) -> None:
        self.target, self.reason = target, reason
        super().__init__(f"the trace cannot be written as {target}: {reason}")


class AccumulatorError(Int8SimError):
    """An accumulator that a profile describes wrongly. reason: what is wrong."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"accumulator: {reason}")


class ConverterError(Int8SimError):
    """A converter that cannot be proved as it stands. function: module:name; reason: what, value, what is allowed."""

    def __init__(self, function: str, reason: str) -> None:
        self.function, self.reason = function, reason
        super().__init__(f"converter {function}: {reason}")


class CompileError(Int8SimError):
    """A spec function that cannot be compiled into a kernel."""

    def __init__(self, function: str, reason: str) -> None:
        self.function, self.reason = function, reason
        super().__init__(f"{function} cannot be compiled: {reason}")


class AssemblerError(Int8SimError):
    """PTX that NVIDIA's assembler refuses. architecture: as it names them, sm_80; said: its own words."""

    def __init__(self, architecture: str, said: str) -> None:
        self.architecture, self.said = architecture, said
        super().__init__(f"ptxas refuses a kernel for {architecture}: {said}")


class PtxError(Int8SimError):
    """PTX that cannot be interpreted, or that does what a GPU would not answer for. line: counted from 1."""

    def __init__(self, line: int, instruction: str, problem: str) -> None:
        self.line, self.instruction, self.problem = line, instruction, problem
        super().__init__(f"PTX line {line}, {instruction}: {problem}")


class BitsDifferError(Int8SimError):
    """A peer that gives other bits than int8sim in the same arithmetic. wrong: of `total` values."""

    def __init__(self, job: str, who: str, other: str, wrong: int, total: int) -> None:
        self.job, self.who, self.other, self.wrong, self.total = job, who, other, wrong, total
        super().__init__(f"{job}: {wrong:,} of {total:,} values of {who} are not {other}'s, and all must be equal")


class ThreadsError(Int8SimError):
    """A number of threads that nothing can run on."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        super().__init__(f"{threads} threads: 1 or more are needed")
