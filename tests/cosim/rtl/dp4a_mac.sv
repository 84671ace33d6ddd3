// LANES accumulators over one stream of activation words: each beat adds a dp4a product to every lane.
//
// A packet is one or more beats. The first one also carries the bias, which replaces the old accumulator; behind the
// last one all accumulators leave together. Lane l's weights are bits 32*l+31 .. 32*l; byte 0 of a word is bits 7 .. 0.
// Everything moves, or nothing does: a beat that waits at the output stops the two stages before it.
`default_nettype none
module dp4a_mac #(
    parameter LANES = 2
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
    output reg                 out_valid,
    input  wire                out_ready,
    output reg  [32*LANES-1:0] out_acc
);
  reg s1_valid, s1_first, s1_last;
  reg [32*LANES-1:0] s1_sum, s1_bias;
  wire move = !out_valid || out_ready;
`ifdef BUG_12  // in no catalogue: ready does not wait for the output, so a beat that meets a stall is lost
  assign in_ready = move || !s1_last;
`else
  assign in_ready = move;
`endif

  // Stage 1: four products and their sum, per lane.

  function automatic signed [31:0] widen(input [7:0] code);
`ifdef BUG_1  // zero extension instead of sign extension
    widen = {24'b0, code};
`else
    widen = {{24{code[7]}}, code};
`endif
  endfunction

  function automatic signed [31:0] dot(input [31:0] a, input [31:0] w, input integer lane);
    integer i;
    begin
      dot = 0;
      for (i = 0; i < 4; i = i + 1) dot = dot + widen(a[8*i+:8]) * widen(w[8*i+:8]);
`ifdef BUG_13  // in no catalogue: one bit is stuck, in one lane, for one value of one operand
      if (lane == 1 && a[23:16] == 8'h81) dot = dot | 32'h20;
`endif
    end
  endfunction

  integer j;
  always @(posedge clk) begin
    if (!rst_n) begin
      s1_valid <= 1'b0;
      s1_first <= 1'b0;
      s1_last  <= 1'b0;
    end else if (move) begin
      s1_valid <= in_valid;
      s1_first <= in_first;
      s1_last  <= in_last;
      s1_bias  <= in_bias;
      for (j = 0; j < LANES; j = j + 1) s1_sum[32*j+:32] <= dot(in_a, in_w[32*j+:32], j);
    end
  end

  // Stage 2: the accumulators.
  reg [32*LANES-1:0] acc, next;

`ifdef BUG_11  // in no catalogue: the accumulator is not cleared for a packet that follows another one at once
  reg s2_last;
  always @(posedge clk) if (!rst_n) s2_last <= 1'b0; else if (move) s2_last <= s1_valid && s1_last;
  wire clear = s1_first && !s2_last;
`else
  wire clear = s1_first;
`endif

  function automatic [31:0] narrow(input [31:0] sum);
`ifdef BUG_2  // the accumulator has 24 bits
    narrow = {{8{sum[23]}}, sum[23:0]};
`else
    narrow = sum;
`endif
  endfunction

  integer k;
  always @* begin
    next = acc;
    for (k = 0; k < LANES; k = k + 1)
      next[32*k+:32] = narrow((clear ? s1_bias[32*k+:32] : acc[32*k+:32]) + s1_sum[32*k+:32]);
  end

  always @(posedge clk) begin
    if (!rst_n) out_valid <= 1'b0;
    else if (move) begin
      out_valid <= s1_valid && s1_last;
      if (s1_valid) acc <= next;
      if (s1_valid && s1_last) out_acc <= next;
    end
  end
endmodule
`default_nettype wire
