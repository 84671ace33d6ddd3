"""CPU kernels: plain loops, compiled by Numba with the layer's own spec functions inside."""
