"""A calibration table: tensor name -> dynamic range and scale, and what the table was made from."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from int8sim.model.ranges import Range, checked_range, read_ranges

INT8_MAX = 127


@dataclass(frozen=True)
class Row:
    """One tensor's range.

    scale: exactly float32; the symmetric int8 scale, real = code * scale. 0.0 for a tensor that was always 0.
    low, high: the smallest and greatest value seen, or None where only the scale is known (a table from a file).
    amax: the range of the histogram (TensorRT's, which doubles). chosen_bin: of 2,048, for the entropy methods.
    shared_with: the tensor whose row this one repeats, for layers that only move values.
    """

    scale: float
    low: float | None = None
    high: float | None = None
    amax: float | None = None
    chosen_bin: int | None = None
    shared_with: str | None = None

    @classmethod
    def from_range(cls, tensor: str, given: Range) -> Row:
        """The row of a given range, float32(greatest |value| / 127); low and high where both are given.

        The rule of TensorRT's ITensor::setDynamicRange: only symmetric ranges, the larger of the absolute bounds counts
        (NvInfer.h). Raises BadRangeError.
        """
        low, high = checked_range(tensor, given)
        (scale,) = struct.unpack("<f", struct.pack("<f", max(abs(low), abs(high)) / INT8_MAX))
        return cls(scale, low, high) if isinstance(given, tuple | list) else cls(scale)

    @property
    def threshold(self) -> float:
        """The real value of code 127."""
        return self.scale * INT8_MAX

    def real_range(self) -> tuple[float, float]:
        """The range that asymmetric quantization covers: what was seen, cut at the threshold on both sides."""
        low = -self.threshold if self.low is None else max(self.low, -self.threshold)
        high = self.threshold if self.high is None else min(self.high, self.threshold)
        return min(low, 0.0), max(high, 0.0)


@dataclass(frozen=True)
class Provenance:
    """How a table came to be. Hashes are SHA-256 in hex; empty where not known.

    method: the calibrator; parameters: its numbers by name (percentile; quantile and cutoff). statistics: how values
    were gathered, "tensorrt" or "mergeable". header: the first line of the TensorRT cache it was read from. network,
    data: hashes of the float network and of all samples. samples: one hash of 16 hex digits per calibration sample.
    """

    method: str = ""
    producer: str = ""
    network: str = ""
    data: str = ""
    batches: int = 0
    batch_size: int = 0
    statistics: str = ""
    header: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    samples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caution:
    """What a person should know before using a table. kind: a stable short name; tensor: "" for the whole table."""

    kind: str
    tensor: str
    message: str

    def __str__(self) -> str:
        return f"{self.tensor}: {self.message}" if self.tensor else self.message


@dataclass(frozen=True)
class Table(Mapping[str, Row]):
    """Rows by tensor name, in topological order where int8sim made them. A read-only mapping."""

    rows: Mapping[str, Row]
    provenance: Provenance = field(default_factory=Provenance)
    cautions: tuple[Caution, ...] = ()

    @classmethod
    def from_ranges(cls, ranges: Mapping[str, Range] | str | os.PathLike[str]) -> Table:
        """A table of ranges that somebody gives in place of a calibration.

        ranges: tensor -> its greatest |value|, or (low, high); or the path of a text file with `tensor: greatest
        |value|` lines, as TensorRT's sampleINT8API reads it. Raises BadRangeError; for a file BadTableLineError,
        NotATableError.
        """
        given = ranges if isinstance(ranges, Mapping) else read_ranges(ranges)
        return cls({name: Row.from_range(name, value) for name, value in given.items()})

    def __getitem__(self, tensor: str) -> Row:
        return self.rows[tensor]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
