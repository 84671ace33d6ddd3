"""NVDLA's output converter against `sdp_out_convert`. Runs in the simulator."""

import cocotb
from benches import INT32, found
from hypothesis import strategies as st

from int8sim import cosim
from int8sim.spec.nvdla import sdp_out_convert

few = st.integers(-40, 40)  # a few units, a scale that is a power of two and a short shift: ties
transactions = st.fixed_dictionaries(
    {
        "x": st.one_of(few, few, INT32),
        "offset": st.just(0) | INT32,
        "scale": st.sampled_from([1, 2, 4]) | st.integers(-(1 << 15), (1 << 15) - 1),
        "truncate": st.integers(0, 3) | st.integers(0, 63),
    }
)


@cocotb.test()
async def converter(dut):
    inputs = cosim.Port(
        dut.clk,
        dut.in_valid,
        {"x": dut.in_x, "offset": dut.in_offset, "scale": dut.in_scale, "truncate": dut.in_truncate},
        ready=dut.in_ready,
    )
    outputs = cosim.Port(dut.clk, dut.out_valid, {"y": dut.out_y}, ready=dut.out_ready, signed=["y"])
    bench = cosim.Bench(inputs, outputs, cosim.Model(sdp_out_convert), reset=dut.rst_n)
    await found(bench, transactions)
