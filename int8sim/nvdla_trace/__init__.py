"""Plays NVIDIA's trace tests of NVDLA: memory and registers -> configuration -> the spec's arithmetic -> memory."""
