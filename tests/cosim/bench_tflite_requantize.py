"""The requantizer against `output_double`. Runs in the simulator."""

import cocotb
from benches import INT32, found
from hypothesis import strategies as st

from int8sim import cosim
from int8sim.spec.requantize import output_double

few = st.integers(-40, 40)
short = st.integers(0, 2)
half = st.just(1 << 30)
numbers = {  # few units, a half and short shifts, more often than not: ties
    "acc": st.one_of(few, few, few, INT32),
    "multiplier": st.one_of(half, half, st.integers(1 << 30, (1 << 31) - 1)),
    "shift": st.one_of(short, short, st.integers(-2, 31)),
    "zero_point": st.sampled_from([0, 3, -5]) | st.integers(-128, 127),
    "low": st.sampled_from([-128, 0]),
    "high": st.sampled_from([127, 100]),
}


@cocotb.test()
async def requantizer(dut):
    inputs = cosim.Port(
        dut.clk, dut.in_valid, {name: getattr(dut, f"in_{name}") for name in numbers}, ready=dut.in_ready
    )
    outputs = cosim.Port(dut.clk, dut.out_valid, {"y": dut.out_y}, ready=dut.out_ready, signed=["y"])
    bench = cosim.Bench(inputs, outputs, cosim.Model(output_double), reset=dut.rst_n)
    await found(bench, st.fixed_dictionaries(numbers))
