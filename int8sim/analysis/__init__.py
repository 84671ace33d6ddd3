"""What quantization costs, layer by layer: errors against the float network, accumulators, graphs side by side."""
