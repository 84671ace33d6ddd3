// An output converter as NVDLA's SDP has one: (x - offset) * scale >> truncate, ties away from zero, saturated to 17
// bits and then to 8. One beat in flight; its numbers travel with the operand.
`default_nettype none
module nvdla_convert (
    input  wire        clk,
    input  wire        rst_n,
    input  wire        in_valid,
    output wire        in_ready,
    input  wire [31:0] in_x,
    input  wire [31:0] in_offset,
    input  wire [15:0] in_scale,
    input  wire [ 5:0] in_truncate,
    output reg         out_valid,
    input  wire        out_ready,
    output reg  [ 7:0] out_y
);
  assign in_ready = !out_valid || out_ready;

  // 33-bit difference, 49-bit product; one bit more for the rounding.
  wire signed [32:0] difference = $signed({in_x[31], in_x}) - $signed({in_offset[31], in_offset});
  wire signed [49:0] product = difference * $signed({{34{in_scale[15]}}, in_scale});

  wire [49:0] half = in_truncate == 0 ? 50'd0 : 50'd1 << (in_truncate - 1);
`ifdef BUG_3  // ties toward plus infinity instead of away from zero
  wire [49:0] bias = half;
`elsif BUG_4  // truncation: no rounding at all
  wire [49:0] bias = 50'd0;
`else
  wire [49:0] bias = half - {49'd0, product[49] && in_truncate != 0};
`endif
  wire signed [49:0] biased = product + $signed(bias);
  wire signed [49:0] shifted = in_truncate >= 49 ? 50'sd0 : biased >>> in_truncate;

  // 17 bits first, as the hardware has it, then 8.
  wire signed [49:0] wide = shifted > 50'sd65535 ? 50'sd65535 : shifted < -50'sd65536 ? -50'sd65536 : shifted;
`ifdef BUG_5  // the saturation is missing: the low byte leaves
  wire signed [49:0] narrow = wide;
`elsif BUG_6  // saturated at 9 bits, of which 8 leave
  wire signed [49:0] narrow = wide > 50'sd255 ? 50'sd255 : wide < -50'sd256 ? -50'sd256 : wide;
`else
  wire signed [49:0] narrow = wide > 50'sd127 ? 50'sd127 : wide < -50'sd128 ? -50'sd128 : wide;
`endif

  always @(posedge clk) begin
    if (!rst_n) out_valid <= 1'b0;
    else if (in_ready) begin
      out_valid <= in_valid;
      if (in_valid) out_y <= narrow[7:0];
    end
  end
endmodule
`default_nettype wire
