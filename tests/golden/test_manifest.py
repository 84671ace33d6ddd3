"""golden/: every file is in the manifest with its hash and producer, and the engines make the same files again."""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from int8sim.golden import store

ROOT = Path(__file__).parents[2]
MANIFEST = json.loads((ROOT / "golden" / "MANIFEST").read_text())


def test_every_file_is_listed_and_unchanged():
    there = {p.relative_to(ROOT / "golden").as_posix() for p in (ROOT / "golden").rglob("*") if p.is_file()}
    assert there - {"MANIFEST"} == set(MANIFEST)
    for name, entry in MANIFEST.items():
        assert hashlib.sha256((ROOT / "golden" / name).read_bytes()).hexdigest() == entry["sha256"], name
        assert entry["producer"]
        assert entry["command"]


@pytest.mark.parametrize("profile", ["onnxruntime", "tflite_reference"])
def test_engine_files_say_who_made_them(profile):
    golden = store.read(ROOT / "golden" / "lenet" / f"{profile}.h5")
    entry = MANIFEST[f"lenet/{profile}.h5"]
    assert golden.producer.name == entry["producer"]
    assert golden.producer.name != "int8sim"
    assert golden.producer.version == entry["version"]
    assert golden.producer.instruction_set == entry["instruction_set"]
    assert golden.count == 1000
    assert len(golden.tensors["conv1"]) == 16
    assert golden.hashes["conv1"].shape == (1000, 32)


@pytest.mark.engine
@pytest.mark.parametrize("profile", ["onnxruntime", "tflite_reference"])
def test_the_engine_makes_the_same_file_again(profile, tmp_path, monkeypatch, compared):
    for package in ("onnxruntime", "ai_edge_litert"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    import make_golden

    kept = ROOT / "golden" / "lenet" / f"{profile}.h5"
    golden = store.read(kept)
    if golden.producer.instruction_set != make_golden.instruction_set():
        pytest.skip(f"recorded on {golden.producer.instruction_set}; this machine is {make_golden.instruction_set()}")
    made = make_golden.produce(profile, golden.graph, tmp_path)
    assert make_golden.differences(made, kept) == []
    compared(sum(len(hashes) for hashes in golden.hashes.values()), least=10_000)
