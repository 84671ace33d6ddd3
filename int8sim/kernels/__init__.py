"""Loops around compiled spec functions: one file per op and backend, named as the op.

    prepare(op, inputs, output, constants, arithmetic) -> function from activations to the output, per batch

Tensors are in storage form (storage.py) here. A kernel never validates and never raises: everything was checked above.
"""
