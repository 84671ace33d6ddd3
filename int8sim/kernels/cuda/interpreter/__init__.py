"""PTX executed on the CPU: what a kernel became, run over NumPy memory, where there is no GPU.

It finds what neither the simulator nor a look at the text does: contraction, widths, signs, barriers. Every instruction
is the manual's (NVIDIA, PTX ISA 9.0), for all threads of several blocks at once; one that is unknown is an error that
names it. Beyond the manual it refuses what a GPU would not answer for: places outside of every array, addresses that
are not aligned, a byte that one thread writes and another reads or writes with no barrier between, a barrier that some
threads of a block never reach. It is no assembler: that ptxas keeps the meaning of the text is taken for granted.

Reading order: program.py (text), memory.py, threads.py (who runs next), operands.py, then the instructions:
integers.py, floats.py, conversions.py, products.py, movement.py, warps.py; execute.py (a launch).
"""
