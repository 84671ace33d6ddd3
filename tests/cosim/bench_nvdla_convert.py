"""NVDLA's output converter against `sdp_out_convert`. Runs in the simulator."""

import cocotb
from benches import INT32, found
from hypothesis import strategies as st

from int8sim import cosim
from int8sim.spec.nvdla import sdp_out_convert

few = st.integers(-40, 40)
short = st.integers(0, 3)
powers = st.sampled_from([1, 2, 4])
transactions = st.fixed_dictionaries(  # few units, powers of two and short shifts, more often than not: ties
    {
        "x": st.one_of(few, few, few, INT32),
        "offset": st.one_of(st.just(0), few, few, INT32),
        "scale": st.one_of(powers, powers, st.integers(-(1 << 15), (1 << 15) - 1)),
        "truncate": st.one_of(short, short, st.integers(0, 63)),
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
