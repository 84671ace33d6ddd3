"""The requantizer against `output_double`. Runs in the simulator."""

import cocotb
from benches import INT32, found
from hypothesis import strategies as st

from int8sim import cosim
from int8sim.spec.requantize import output_double

few = st.integers(-40, 40)  # a few units, a multiplier that is a power of two and a short shift: ties
numbers = {
    "acc": st.one_of(few, few, INT32),
    "multiplier": st.just(1 << 30) | st.integers(1 << 30, (1 << 31) - 1),
    "shift": st.integers(0, 2) | st.integers(-2, 31),
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
