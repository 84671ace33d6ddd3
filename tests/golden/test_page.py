"""docs/golden-files.md: its commands print what stands below them, its Python runs, on the file that it names."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from int8sim.cli import main
from int8sim.golden import packaged, store

PAGE = (Path(__file__).parents[2] / "docs" / "golden-files.md").read_text()


@pytest.fixture
def vectors(tmp_path, monkeypatch):
    """vectors.h5: what LiteRT computed of 16 digits, written as it is written today."""
    monkeypatch.chdir(tmp_path)
    kept = store.read(packaged.lenet("tflite_reference.h5"))
    tensors = {name: kept.rows(name, 0, 16) for name in kept.graph.activations()}
    store.write("vectors.h5", kept.graph, tensors, kept.producer)


def printed(command, monkeypatch):
    """What a command of the page prints, both streams; int8sim runs in this process."""
    if not command.startswith("int8sim "):
        return subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
    monkeypatch.setattr(sys, "argv", command.split())
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), pytest.raises(SystemExit):
        main()
    return out.getvalue()


@pytest.mark.usefixtures("vectors")
def test_every_example_is_as_printed(monkeypatch):
    text = "".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
    examples = re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
    assert len(examples) == text.count("$ int8sim") + text.count("$ head") + text.count("$ sed") == 8
    for command, shown in examples:
        found = {line.strip() for line in printed(command, monkeypatch).splitlines()}
        for line in shown.splitlines():
            assert line.strip() in found, (command, line, found)


@pytest.mark.usefixtures("vectors")
def test_the_python_reads_the_layers(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})
    words = capsys.readouterr().out.split("\n")
    assert words[0] == "conv2d [1 1] ['data_quantized', 'conv1_weight', 'conv1_bias']"
    assert words[1].startswith("int8sim.spec.requantize:output_double -1 [")
    assert words[2] == "int8 (16, 20, 24, 24) NCHW -1"
