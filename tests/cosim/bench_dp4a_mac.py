"""The MAC array against `dp4a`: packets of one or two beats, two lanes. Runs in the simulator."""

import cocotb
from benches import INT32, PATTERNS, found
from hypothesis import strategies as st

from int8sim import cosim
from int8sim.spec.dp4a import dp4a, pack4

codes = st.sampled_from([0, 1, -1, 127, -127, -128]) | st.integers(-128, 127)
activations = st.builds(pack4, codes, codes, codes, codes)
beats = st.lists(st.tuples(activations, PATTERNS, PATTERNS), min_size=1, max_size=2)
packets = st.fixed_dictionaries({"bias": st.tuples(INT32, INT32), "beats": beats})


def accumulate(bias, beats):
    acc = list(bias)
    for a, *weights in beats:
        acc = [dp4a(a, w, c) for w, c in zip(weights, acc, strict=True)]
    return {"acc": acc}


def on_the_bus(packet):
    last = len(packet["beats"]) - 1
    for place, (a, *weights) in enumerate(packet["beats"]):
        yield {"first": place == 0, "last": place == last, "a": a, "w": weights, "bias": packet["bias"]}


@cocotb.test()
async def mac(dut):
    fields = {"first": dut.in_first, "last": dut.in_last, "a": dut.in_a, "w": dut.in_w, "bias": dut.in_bias}
    inputs = cosim.Port(dut.clk, dut.in_valid, fields, ready=dut.in_ready)
    acc = {"acc": dut.out_acc}
    outputs = cosim.Port(dut.clk, dut.out_valid, acc, ready=dut.out_ready, lanes={"acc": 2}, signed=acc)
    bench = cosim.Bench(inputs, outputs, cosim.Model(accumulate), reset=dut.rst_n, beats=on_the_bus, patience=16)
    await found(bench, packets)
