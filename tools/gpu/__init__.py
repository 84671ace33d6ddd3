"""What tools/gpu_check.py asks a GPU, and what the specification answers."""
