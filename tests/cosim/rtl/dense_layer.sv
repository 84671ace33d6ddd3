// A fully connected layer of LANES output channels: the MAC array, and one requantizer behind each accumulator.
//
// The requantizers' numbers are those of the layer, held still while it runs; the codes of all lanes leave in one word,
// lane 0 in bits 7 .. 0.
`default_nettype none
module dense_layer #(
    parameter LANES = 4
) (
    input  wire                clk,
    input  wire                rst_n,
    input  wire                in_valid,
    output wire                in_ready,
    input  wire                in_first,
    input  wire                in_last,
    input  wire [        31:0] in_a,
    input  wire [32*LANES-1:0] in_w,
    input  wire [32*LANES-1:0] in_bias,
    input  wire [        30:0] multiplier,
    input  wire [         5:0] shift,
    input  wire [         7:0] zero_point,
    input  wire [         7:0] low,
    input  wire [         7:0] high,
    output wire                out_valid,
    input  wire                out_ready,
    output wire [ 8*LANES-1:0] out_y
);
  wire acc_valid;
  wire [LANES-1:0] converter_ready, converted;
  wire [32*LANES-1:0] acc;

  dp4a_mac #(
      .LANES(LANES)
  ) mac (
      .clk(clk),
      .rst_n(rst_n),
      .in_valid(in_valid),
      .in_ready(in_ready),
      .in_first(in_first),
      .in_last(in_last),
      .in_a(in_a),
      .in_w(in_w),
      .in_bias(in_bias),
      .out_valid(acc_valid),
      .out_ready(converter_ready[0]),
      .out_acc(acc)
  );

  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : lane
      tflite_requantize converter (
          .clk(clk),
          .rst_n(rst_n),
          .in_valid(acc_valid),
          .in_ready(converter_ready[i]),
          .in_acc(acc[32*i+:32]),
          .in_multiplier(multiplier),
          .in_shift(shift),
          .in_zero_point(zero_point),
          .in_low(low),
          .in_high(high),
          .out_valid(converted[i]),
          .out_ready(out_ready),
          .out_y(out_y[8*i+:8])
      );
    end
  endgenerate

  assign out_valid = converted[0];
endmodule
`default_nettype wire
