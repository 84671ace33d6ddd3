"""What doctor says of CUDA: each thing that a run needs, or the reason why not, and which devices were asked."""

from __future__ import annotations

import json

import pytest

from int8sim.cli import doctor_cuda
from int8sim.golden import packaged
from int8sim.kernels.cuda import availability

RESULT = {"machine": {"device": "NVIDIA X"}, "compared": 1234567, "different": 3}


def test_every_no_has_its_reason(monkeypatch):
    monkeypatch.setattr(availability, "reason", lambda: "no driver")
    found = doctor_cuda.cuda()
    assert found["device"] == "none: no driver"
    assert found["dot product"] == "none: no device"
    assert doctor_cuda.backend(found) == "not available: no driver"


def test_a_package_that_is_not_there_is_named():
    assert doctor_cuda._package("numba").count(".") == 2
    assert "pip install 'int8sim[cuda]'" in doctor_cuda._package("no-such-package")


@pytest.mark.parametrize(
    ("capability", "instruction"), [((7, 5), "dp4a"), ((8, 0), "mma"), ((9, 0), "mma"), ((10, 0), "mma")]
)
def test_which_dot_product(monkeypatch, capability, instruction):
    monkeypatch.setattr(availability, "reason", lambda: "")
    monkeypatch.setattr(availability, "capability", lambda: capability)
    monkeypatch.setattr(doctor_cuda, "_device", lambda: "a device")
    found = doctor_cuda.cuda()
    assert found["dot product"].startswith(f"{instruction}: ")
    assert doctor_cuda.backend(found).startswith(f"available: a device, {instruction}: ")


def test_devices_that_were_asked(monkeypatch, tmp_path):
    """In the checkout, or in an installed package."""
    folders = tmp_path / "package", tmp_path / "checkout"
    monkeypatch.setattr(packaged, "DEVICES", folders)
    assert doctor_cuda.recorded() == doctor_cuda.NO_DEVICE
    for folder in folders:
        folder.mkdir()
    (folders[1] / "x.json").write_text(json.dumps(RESULT))
    assert doctor_cuda.recorded() == "NVIDIA X: 1,234,567 values compared, 3 differ"
