"""A fully connected layer of 36 inputs and 4 outputs against its graph: tensors on a bus. Runs in the simulator."""

import cocotb
import numpy as np
from benches import found
from hypothesis import strategies as st

from int8sim import cosim
from int8sim.golden.samples import sample_layer

LANES = 4
GRAPH = sample_layer("fully_connected", "tflm")
(LAYER,) = GRAPH.layers
(INPUT,) = GRAPH.inputs
WEIGHTS, BIAS = (GRAPH.constants[name] for name in LAYER.inputs[1:])
ROWS = [cosim.to_words(row, lanes=4) for row in WEIGHTS]
ZERO = GRAPH.tensors[INPUT].quantized.tensor_zero_point
FOLDED = [int(bias) - ZERO * int(row.sum()) for bias, row in zip(BIAS, WEIGHTS.astype(int), strict=True)]


def on_the_bus(sample):
    words = cosim.to_words(sample[INPUT], lanes=4)
    for place, word in enumerate(words):
        weights = [row[place] for row in ROWS]
        yield {"first": place == 0, "last": place == len(words) - 1, "a": word, "w": weights, "bias": FOLDED}


async def started(dut):
    fields = {"first": dut.in_first, "last": dut.in_last, "a": dut.in_a, "w": dut.in_w, "bias": dut.in_bias}
    inputs = cosim.Port(dut.clk, dut.in_valid, fields, ready=dut.in_ready)
    y = {"y": dut.out_y}
    outputs = cosim.Port(dut.clk, dut.out_valid, y, ready=dut.out_ready, lanes={"y": LANES}, signed=y)
    for name, value in zip(LAYER.arithmetic["output"].parameters, LAYER.arithmetic["output"].at(0), strict=True):
        getattr(dut, name).value = value
    return cosim.Bench(inputs, outputs, cosim.Model(GRAPH, lanes=LANES), reset=dut.rst_n, beats=on_the_bus)


@cocotb.test()
async def layer(dut):
    codes = st.binary(min_size=36, max_size=36).map(lambda drawn: np.frombuffer(drawn, np.int8).tolist())
    await found(await started(dut), st.fixed_dictionaries({INPUT: codes}))


@cocotb.test()
async def the_device_as_a_function(dut):
    bench = await started(dut)
    await bench.start()

    async def device(x):
        await bench.reset()
        await bench.through([{INPUT: sample} for sample in x.tolist()], (), ())
        seen = [list(outcome.seen[0].values()) for outcome in bench.checker.outcomes]
        return np.array(seen, np.int8)

    count = await cosim.assert_bit_exact(device, GRAPH, examples=10, backend="reference")
    dut._log.info("%d values compared through the bridge", count)
