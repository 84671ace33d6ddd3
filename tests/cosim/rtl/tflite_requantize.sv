// A requantizer as TensorFlow Lite's reference kernels define it: 31-bit fixed point, half up, then a shift with ties
// away from zero; zero point, clamp. A negative shift goes left first, in 32 bits. One beat in flight.
`default_nettype none
module tflite_requantize (
    input  wire        clk,
    input  wire        rst_n,
    input  wire        in_valid,
    output wire        in_ready,
    input  wire [31:0] in_acc,
    input  wire [30:0] in_multiplier,
    input  wire [ 5:0] in_shift,
    input  wire [ 7:0] in_zero_point,
    input  wire [ 7:0] in_low,
    input  wire [ 7:0] in_high,
    output reg         out_valid,
    input  wire        out_ready,
    output reg  [ 7:0] out_y
);
  assign in_ready = !out_valid || out_ready;

  function automatic signed [63:0] widen8(input [7:0] code);
    widen8 = {{56{code[7]}}, code};
  endfunction

  wire [5:0] right = in_shift[5] ? 6'd0 : in_shift;
  wire [5:0] left = in_shift[5] ? -in_shift : 6'd0;
  wire signed [63:0] zero_point = widen8(in_zero_point);
  wire signed [63:0] low = widen8(in_low);
  wire signed [63:0] high = widen8(in_high);

  // First rounding: half up, the high half of the doubled product.
  wire [31:0] operand = in_acc << left;
  wire signed [63:0] product = $signed({{32{operand[31]}}, operand}) * $signed({33'd0, in_multiplier});
  wire signed [63:0] doubled = (product + 64'sd1073741824) >>> 31;

  // Second rounding: a shift, ties away from zero.
  wire signed [63:0] half = right == 0 ? 64'sd0 : 64'sd1 <<< (right - 1);
`ifdef BUG_7  // ties to even
  wire signed [63:0] odd = {63'd0, doubled[right]};
  wire signed [63:0] scaled = right == 0 ? doubled : (doubled + half - 64'sd1 + odd) >>> right;
`elsif BUG_8  // one rounding of the whole product instead of two
  wire signed [63:0] whole = $signed({{32{in_acc[31]}}, in_acc}) * $signed({33'd0, in_multiplier});
  wire [5:0] places = 6'd31 + in_shift;
  wire signed [63:0] scaled = (whole + (64'sd1 <<< (places - 6'd1))) >>> places;
`elsif BUG_9  // the zero point is added before the rounding
  wire signed [63:0] moved = doubled + (zero_point <<< right);
  wire signed [63:0] away = {63'd0, moved[63] && right != 0};
  wire signed [63:0] scaled = ((moved + half - away) >>> right) - zero_point;
`else
  wire signed [63:0] away = {63'd0, doubled[63] && right != 0};
  wire signed [63:0] scaled = (doubled + half - away) >>> right;
`endif

`ifdef BUG_10  // clamped before the zero point, not behind it
  wire signed [63:0] bounded = scaled < low ? low : scaled > high ? high : scaled;
  wire signed [63:0] code = bounded + zero_point;
`else
  wire signed [63:0] moved_code = scaled + zero_point;
  wire signed [63:0] code = moved_code < low ? low : moved_code > high ? high : moved_code;
`endif

  always @(posedge clk) begin
    if (!rst_n) out_valid <= 1'b0;
    else if (in_ready) begin
      out_valid <= in_valid;
      if (in_valid) out_y <= code[7:0];
    end
  end
endmodule
`default_nettype wire
