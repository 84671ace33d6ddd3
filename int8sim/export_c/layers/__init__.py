"""Integer layers as portable loops over one image, channels last: one file per kind of arithmetic."""
