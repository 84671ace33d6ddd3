"""A table used again: whether network and data are still those it was made from. TensorRT leaves that to its user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from int8sim.calibration.fingerprint import data_hash, sample_hashes
from int8sim.calibration.gather import Batch, named
from int8sim.graph.fingerprint import network_hash
from int8sim.graph.ir import Graph
from int8sim.model.table import Caution, Table


def changes(table: Table, graph: Graph, batches: Iterable[Batch] = ()) -> Iterator[Caution]:
    """What is no longer as it was: "network_changed", "data_changed". Nothing where the table does not say.

    batches: the calibration data now at hand, in order; none: not compared.
    """
    made = table.provenance
    if made.network and made.network != network_hash(graph):
        yield Caution("network_changed", "", f"the table was made from another network than {graph.name!r}: calibrate")
    hashes = [name for batch in batches for name in sample_hashes(named(graph, batch))]
    if hashes and made.samples and data_hash(hashes) != data_hash(made.samples):
        kept = len(set(hashes) & set(made.samples))
        words = f"{kept} of {len(hashes)} calibration samples are those of the table, or their order differs: calibrate"
        yield Caution("data_changed", "", words)


def overlap(table: Table, hashes: Sequence[str]) -> Iterator[Caution]:
    """A caution "overlap" where samples to be tested on, by their hashes, are among those that were calibrated on."""
    calibrated = set(table.provenance.samples)
    count = sum(each in calibrated for each in hashes)
    if count:
        words = f"{count:,} of {len(hashes):,} samples were calibrated on: the accuracy is not that of unseen data"
        yield Caution("overlap", "", words)
