"""NVDLA's output converter in a UVM environment: the same model in a pyuvm scoreboard. Runs in the simulator."""

import random

import cocotb
import pyuvm
from pyuvm import (
    ConfigDB,
    uvm_driver,
    uvm_env,
    uvm_sequence,
    uvm_sequence_item,
    uvm_sequencer,
    uvm_subscriber,
    uvm_test,
)

from int8sim import cosim
from int8sim.spec.nvdla import sdp_out_convert

COUNT = 500


class Item(uvm_sequence_item):
    """A conversion: a few of every kind of operand."""

    def __init__(self, name, rng):
        super().__init__(name)
        x = rng.choice([rng.randint(-40, 40), rng.randint(-(1 << 31), (1 << 31) - 1)])
        self.fields = {"x": x, "offset": 0, "scale": rng.randint(-9, 9), "truncate": rng.randint(0, 20)}


class Items(uvm_sequence):
    async def body(self):
        rng = random.Random(1)
        for number in range(COUNT):
            item = Item(f"item {number}", rng)
            await self.start_item(item)
            await self.finish_item(item)


class Driver(uvm_driver):
    """int8sim's driver behind a UVM sequencer; what goes in is expected from then on."""

    async def run_phase(self):
        driver, checker = ConfigDB().get(self, "", "driver"), ConfigDB().get(self, "", "checker")
        while True:
            item = await self.seq_item_port.get_next_item()
            checker.expect(item.fields)
            await driver.send(item.fields)
            self.seq_item_port.item_done()


class Scoreboard(uvm_subscriber):
    """int8sim's checker, which holds the model, as an analysis export."""

    def build_phase(self):
        super().build_phase()
        self.checker = ConfigDB().get(self, "", "checker")

    def write(self, beat):
        self.checker.observe(beat)

    def check_phase(self):
        report = self.checker.check()
        self.logger.info(f"{report.compared} values compared")
        assert report.compared == COUNT


class Env(uvm_env):
    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver, self.scoreboard = Driver("driver", self), Scoreboard("scoreboard", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
        bench = ConfigDB().get(self, "", "bench")
        cosim.Monitor(bench.outputs, self.scoreboard.write).start()


@pyuvm.test()
class ConverterTest(uvm_test):
    def build_phase(self):
        dut = cocotb.top
        names = ("x", "offset", "scale", "truncate")
        inputs = cosim.Port(
            dut.clk, dut.in_valid, {name: getattr(dut, f"in_{name}") for name in names}, ready=dut.in_ready
        )
        outputs = cosim.Port(dut.clk, dut.out_valid, {"y": dut.out_y}, ready=dut.out_ready, signed=["y"])
        self.bench = cosim.Bench(inputs, outputs, cosim.Model(sdp_out_convert), reset=dut.rst_n)
        for name, value in (("bench", self.bench), ("driver", self.bench.driver), ("checker", self.bench.checker)):
            ConfigDB().set(None, "*", name, value)
        self.env = Env("env", self)

    async def run_phase(self):
        self.raise_objection()
        self.bench.clock()
        await self.bench.reset()
        await Items("items").start(self.env.sequencer)
        await self.bench.drain()
        self.drop_objection()
