"""The kernels of the GPU: Numba's CUDA, with the GPU's own instructions where it has them.

Nothing here is imported before a graph is planned for backend "cuda". Reading order: device.py (arrays, what runs a
kernel), build.py (text, dialects), primitives.py and ptx.py (instructions), pointwise.py (the shortest kernel).
"""
