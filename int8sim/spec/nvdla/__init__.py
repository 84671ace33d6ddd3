"""NVDLA's integer stages, as its RTL computes them (nvdla/hw, master), stage by stage along the pipeline.

| file | unit |
| --- | --- |
| shifts | the shifters that all converters are made of, with their saturation flag |
| cdma, cmac, cacc | input converter and padding; multiply-accumulate cell; accumulator |
| sdp_x_stage, sdp_y_stage, sdp_lut, sdp_out | bias and scale; element-wise operands; tables; output converter |
| pdp, pdp_cube | pooling: one window, a cube |
| cdp | converters around the local response normalization |
| layers | whole layers, as NVIDIA's compiler programs them |
"""

from int8sim.spec.nvdla.cacc import (
    SUM_BITS,
    cacc_accumulate,
    cacc_clip,
    cacc_clip_ideal,
    cacc_clip_is_defined,
    cacc_clip_overflows,
)
from int8sim.spec.nvdla.cdma import cdma_convert, cdma_extend, cdma_offset, padding_value
from int8sim.spec.nvdla.cdp import cdp_in_convert, cdp_out_convert
from int8sim.spec.nvdla.cmac import cmac_dot, cmac_product
from int8sim.spec.nvdla.layers import (
    add,
    average,
    average_is_defined,
    convolution_output,
    convolution_output_per_channel,
    quantize,
)
from int8sim.spec.nvdla.pdp import (
    PdpMethod,
    pdp_accumulate,
    pdp_average,
    pdp_average_is_defined,
    pdp_column,
    pdp_reciprocal,
    pdp_row,
)
from int8sim.spec.nvdla.pdp_cube import pdp_pool, pdp_pool_is_defined, pdp_spans, pdp_total, pdp_window
from int8sim.spec.nvdla.sdp_lut import (
    LutFunction,
    sdp_lut_bias,
    sdp_lut_exponent,
    sdp_lut_index,
    sdp_lut_interpolate,
    sdp_lut_linear,
)
from int8sim.spec.nvdla.sdp_out import Generation, sdp_out_convert, sdp_out_equal, sdp_out_overflows
from int8sim.spec.nvdla.sdp_x_stage import (
    SdpAlu,
    sdp_alu,
    sdp_bias,
    sdp_multiply,
    sdp_prelu,
    sdp_prelu_is_defined,
    sdp_x,
)
from int8sim.spec.nvdla.sdp_y_stage import sdp_y, sdp_y_alu, sdp_y_convert, sdp_y_multiply
from int8sim.spec.nvdla.shifts import (
    half_away,
    shift_left_saturate,
    shift_right_overflows,
    shift_right_saturate,
    shift_right_saturate_64,
    shift_signed_saturate,
)

__all__ = [
    "SUM_BITS",
    "Generation",
    "LutFunction",
    "PdpMethod",
    "SdpAlu",
    "add",
    "average",
    "average_is_defined",
    "cacc_accumulate",
    "cacc_clip",
    "cacc_clip_ideal",
    "cacc_clip_is_defined",
    "cacc_clip_overflows",
    "cdma_convert",
    "cdma_extend",
    "cdma_offset",
    "cdp_in_convert",
    "cdp_out_convert",
    "cmac_dot",
    "cmac_product",
    "convolution_output",
    "convolution_output_per_channel",
    "half_away",
    "padding_value",
    "pdp_accumulate",
    "pdp_average",
    "pdp_average_is_defined",
    "pdp_column",
    "pdp_pool",
    "pdp_pool_is_defined",
    "pdp_reciprocal",
    "pdp_row",
    "pdp_spans",
    "pdp_total",
    "pdp_window",
    "quantize",
    "sdp_alu",
    "sdp_bias",
    "sdp_lut_bias",
    "sdp_lut_exponent",
    "sdp_lut_index",
    "sdp_lut_interpolate",
    "sdp_lut_linear",
    "sdp_multiply",
    "sdp_out_convert",
    "sdp_out_equal",
    "sdp_out_overflows",
    "sdp_prelu",
    "sdp_prelu_is_defined",
    "sdp_x",
    "sdp_y",
    "sdp_y_alu",
    "sdp_y_convert",
    "sdp_y_multiply",
    "shift_left_saturate",
    "shift_right_overflows",
    "shift_right_saturate",
    "shift_right_saturate_64",
    "shift_signed_saturate",
]
