"""Converters and whole networks as C libraries without Python, compiled by Numba's LLVM, for C and SystemVerilog."""
