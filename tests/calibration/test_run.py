"""calibrate(): rows, sharing, provenance, and every bad input by its named error."""

import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim.calibration.run import calibrate, image_batches
from int8sim.model.errors import (
    InputMismatchError,
    NotFiniteError,
    ParameterError,
    TooFewImagesError,
    UnknownNameError,
    UnmergeableError,
)

sys.path.insert(0, str(Path(__file__).parent))
import networks


@pytest.fixture
def network():
    return networks.network()


@pytest.fixture
def images():
    return networks.images()


@pytest.mark.parametrize("method", ["entropy2", "minmax", "percentile", "mse"])
def test_pools_and_reshapes_share_and_nothing_else_does(network, images, method):
    table = calibrate(network, image_batches(images, 5, 4), method=method)
    assert list(table) == ["x", "conv", "relu", "pool", "flat"]
    assert table["pool"].scale == table["flat"].scale == table["relu"].scale
    assert table["pool"].shared_with == table["flat"].shared_with == "relu"
    assert table["conv"].scale != table["relu"].scale


def test_provenance_tells_data_and_network_apart(network, images):
    one = calibrate(network, image_batches(images, 5, 2)).provenance
    two = calibrate(network, image_batches(images[::-1], 5, 2)).provenance
    assert (one.method, one.batches, one.batch_size) == ("entropy2", 2, 5)
    assert one.network == two.network
    assert one.data != two.data


def test_progress_counts_batches(network, images):
    done = []
    calibrate(network, image_batches(images, 5, 3), method="minmax", progress=done.append)
    assert done == [1, 2, 3]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_data_names_batch_and_tensor(network, images, bad):
    images[7, 0, 3, 3] = bad
    with pytest.raises(NotFiniteError, match=r"batch 2: tensor 'x' holds 1 NaN or infinite"):
        calibrate(network, image_batches(images, 5, 4))


def test_overflow_inside_the_network_is_named(network, images):
    with pytest.raises(NotFiniteError, match=r"batch 1: tensor 'conv'"), np.errstate(over="ignore"):
        calibrate(network, [np.clip(images, -2, 2) * np.float32(1.6e38)])


def test_too_few_images(images):
    with pytest.raises(TooFewImagesError, match="50 images were asked for, the data holds 20"):
        image_batches(images, 25, 2)


def test_no_batches_at_all(network):
    with pytest.raises(TooFewImagesError):
        calibrate(network, [])


def test_wrong_shape(network, images):
    with pytest.raises(InputMismatchError, match=r"float32 \[5, 1, 7, 8\].*float32 \[N, 1, 8, 8\]"):
        calibrate(network, [images[:5, :, :7]])


def test_unknown_method(network, images):
    with pytest.raises(UnknownNameError, match="entropy, entropy2, legacy, minmax, mse, percentile"):
        calibrate(network, [images], method="entropy3")


def test_unknown_statistics(network, images):
    with pytest.raises(UnknownNameError, match="mergeable, tensorrt"):
        calibrate(network, [images], statistics="sharded")


@pytest.mark.parametrize(("name", "value"), [("percentile", 0.0), ("percentile", 100.1), ("percentile", float("nan"))])
def test_a_parameter_out_of_range(network, images, name, value):
    with pytest.raises(ParameterError, match=f"{name} is .*; allowed: above 0, at most 100"):
        calibrate(network, [images], method="percentile", **{name: value})


def test_a_parameter_of_another_method(network, images):
    with pytest.raises(UnknownNameError, match="parameter of entropy2 'percentile'; known: none"):
        calibrate(network, [images], percentile=99.0)


@pytest.mark.parametrize("method", ["entropy", "legacy"])
def test_after_fusion_there_is_no_row_inside_a_fused_layer(network, images, method):
    """The public LegacyCalibration table of a LeNet has one row for an inner product and its in-place ReLU."""
    table = calibrate(network, [images], method=method)
    assert list(table) == ["x", "relu", "pool", "flat"]
    assert [caution.kind for caution in table.cautions][:1] == ["unverified"]


def test_pools_have_their_own_row_in_legacy_tables_and_reorders_never(network, images):
    """pool1 differs from conv1 in the public LegacyCalibration table."""
    table = calibrate(network, [np.abs(images)], method="legacy", quantile=0.9)
    assert table["pool"].scale != table["relu"].scale
    assert (table["flat"].scale, table["flat"].shared_with) == (table["pool"].scale, "pool")


def test_mergeable_statistics_do_not_depend_on_batches(network, images):
    one = calibrate(network, image_batches(images, 20, 1), statistics="mergeable")
    two = calibrate(network, image_batches(images[::-1], 4, 5), statistics="mergeable")
    assert dict(one) == dict(two)
    assert one.provenance.data == two.provenance.data


def test_earlier_statistics_continue(network, images):
    from int8sim.calibration.gather import gather

    first = gather(network, image_batches(images, 5, 2))
    whole = calibrate(network, image_batches(images, 5, 4))
    continued = calibrate(network, image_batches(images[10:], 5, 2), statistics=first)
    assert dict(continued) == dict(whole)
    assert continued.provenance == whole.provenance
    assert first.batches == 2


def test_statistics_of_another_network_do_not_continue(images):
    from int8sim.calibration.gather import gather

    first = gather(networks.network(seed=0), [images])
    with pytest.raises(UnmergeableError, match="another network"):
        calibrate(networks.network(seed=1), [images], statistics=first)
