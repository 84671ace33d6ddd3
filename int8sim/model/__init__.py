"""What everyone passes around: tensors with their quantization, steps of arithmetic, tables of scales, errors."""
