"""Another shape, in the order of the tensor's own layout: no launch where that is the stored order."""

from int8sim.kernels.cuda.gather import prepare

__all__ = ["prepare"]
