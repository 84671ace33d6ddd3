"""The conformance test with the cuda backend in Numba's CUDA simulator: indexing, tails, barriers, on small shapes.

In a process of its own, as Numba chooses the simulator when it is imported. In CI few layers of each kind; all of them
with -m slow.
"""

from importlib.util import find_spec

import pytest

from .conforming import conform

SIMULATOR = {"NUMBA_ENABLE_CUDASIM": "1"}

pytestmark = pytest.mark.skipif(find_spec("numba_cuda") is None, reason="numba-cuda is not installed")


def test_some_layers_of_every_op_and_profile(tmp_path, compared):
    """A variant of every op in float32, some in integers, a few windows at random."""
    found = conform(SIMULATOR, tmp_path / "counts", 13, "-k", "test_cases or layers or any_window or clamps")
    compared(sum(found.values()), 50_000)


@pytest.mark.slow
def test_everything(tmp_path, compared):
    """The whole file."""
    compared(sum(conform(SIMULATOR, tmp_path / "counts", 1).values()), 600_000)
