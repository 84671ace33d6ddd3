"""The GPU's 8-bit instructions, one function each, as inline PTX; and copies to shared memory, 16 bytes at a time.

Names are PTX's own, `_` for each dot; ss, su, us, uu at the end: whether a, then b, is signed. Operands are integers
whose low 32 bits are the register, a result is an int32, or a uint32 where the specification's is unsigned:

| name | instruction | arguments |
| --- | --- | --- |
| dp4a_ss | dp4a.s32.s32 | (a, b, c) |
| dp2a_lo_ss, dp2a_hi_ss | dp2a.lo.s32.s32 | (a, b, c) |
| cvt_rni_s8_f32, cvt_rni_ftz_u8_f32 ... | cvt.rni.s8.f32 | (x), a float32 |
| cvt_rni_s8_f16 ... | cvt.rni.s8.f16 | (bits), the 16 bits of a float16 |
| cvt_sat_s8_s32, cvt_sat_u8_s32 | cvt.sat.s8.s32 | (a) |
| cvt_pack_sat_s8, cvt_pack_sat_u8 | cvt.pack.sat.s8.s32.b32 | (a, b, c): b in the low byte, a above, c above them |
| vadd4_sat_s8, vadd4_sat_u8 | vadd4.s32.s32.s32.sat | (a, b, c), c unused |
| add_sat_s32 | add.sat.s32 | (a, b) |
| mma_m16n8k32_ss, mma_m16n8k32_satfinite_ss ... | mma.sync...s32.s8.s8.s32 | (a, b, c): tuples of registers |

mma: m8n8k16 (capability 7.5), m16n8k16 and m16n8k32 (8.0); how many registers, and which element lies where, is in
spec/mma.py. All threads of a warp call it together. In the simulator every name is simulated.py's. Source: NVIDIA PTX
ISA, Instruction Set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import cuda, types
from numba.core import cgutils
from numba.cuda.extending import intrinsic

from int8sim.kernels.cuda.primitives import assembled, named
from int8sim.kernels.primitives import INT32, INT64

Typed = tuple[Any, Callable[..., Any]]

GLOBAL, SHARED = 1, 3
"""LLVM's numbers for the state spaces: NVIDIA, NVVM IR Specification, Address Spaces."""
TYPES = {"ss": ("s", "s"), "su": ("s", "u"), "us": ("u", "s"), "uu": ("u", "u")}
SHAPES = {"m8n8k16": (1, 1, 2), "m16n8k16": (2, 1, 4), "m16n8k32": (4, 2, 4)}
"""Registers of a thread: of A, of B, of C and D."""


def _instruction(name: str, opcode: str, kinds: tuple[Any, ...], result: Any = types.int32) -> Any:
    """An intrinsic with operands of those types, one to three; its result is a register of 32 bits."""
    registers = ", ".join(f"${i}" for i in range(len(kinds) + 1))

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = zip(arguments, signature.args, kinds, strict=True)
        return assembled(builder, f"{opcode} {registers};", INT32, [context.cast(builder, *each) for each in given])

    by_count: dict[int, Callable[..., Typed]] = {
        1: lambda _, a: (result(a), code),
        2: lambda _, a, b: (result(a, b), code),
        3: lambda _, a, b, c: (result(a, b, c), code),
    }
    return named(name, by_count[len(kinds)])


def _of_words(name: str, opcode: str, result: Any = types.int32, count: int = 3) -> Any:
    return _instruction(name, opcode, (types.int32,) * count, result)


def _products(name: str, opcode: str, mix: str) -> Any:
    """dp4a or dp2a; the result is unsigned if both operands are."""
    a, b = TYPES[mix]
    return _of_words(f"{name}_{mix}", f"{opcode}.{a}32.{b}32", types.uint32 if mix == "uu" else types.int32)


def _conversion(name: str, source: Any) -> Any:
    """cvt to s8 or u8, as the name has it."""
    return _instruction(name, name.replace("_", "."), (source,), types.uint32 if "_u8_" in name else types.int32)


def _words(context: Any, builder: Any, kind: Any, value: Any) -> list[Any]:
    """A tuple of integers, as registers."""
    values = cgutils.unpack_tuple(builder, value, len(kind.types))
    return [context.cast(builder, *each, types.int32) for each in zip(values, kind.types, strict=True)]


def _mma(shape: str, mode: str, mix: str) -> Any:
    """A warp's matrix product. mode: "" or "satfinite"."""
    counts, signs = SHAPES[shape], TYPES[mix]
    result, start, groups = types.UniTuple(types.int32, counts[2]), 0, []
    for count in (counts[2], *counts):
        groups.append(f"{{{', '.join(f'${i}' for i in range(start, start + count))}}}")
        start += count
    modes = ".".join(filter(None, ("mma.sync.aligned", shape, "row.col", mode)))
    text = f"{modes}.s32.{signs[0]}8.{signs[1]}8.s32 {', '.join(groups)};"

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pairs = zip(signature.args, arguments, strict=True)
        registers = [word for each in pairs for word in _words(context, builder, *each)]
        struct = ir.LiteralStructType([INT32] * counts[2])
        found = assembled(builder, text, struct, registers, moves=False)
        return context.make_tuple(builder, result, cgutils.unpack_tuple(builder, found, counts[2]))

    return named("_".join(filter(None, ("mma", shape, mode, mix))), lambda _, a, b, c: (result(a, b, c), code))


dp4a_ss, dp4a_su, dp4a_us, dp4a_uu = (_products("dp4a", "dp4a", mix) for mix in TYPES)
dp2a_lo_ss, dp2a_lo_su, dp2a_lo_us, dp2a_lo_uu = (_products("dp2a_lo", "dp2a.lo", mix) for mix in TYPES)
dp2a_hi_ss, dp2a_hi_su, dp2a_hi_us, dp2a_hi_uu = (_products("dp2a_hi", "dp2a.hi", mix) for mix in TYPES)

cvt_rni_s8_f32 = _conversion("cvt_rni_s8_f32", types.float32)
cvt_rzi_s8_f32 = _conversion("cvt_rzi_s8_f32", types.float32)
cvt_rmi_s8_f32 = _conversion("cvt_rmi_s8_f32", types.float32)
cvt_rpi_s8_f32 = _conversion("cvt_rpi_s8_f32", types.float32)
cvt_rni_u8_f32 = _conversion("cvt_rni_u8_f32", types.float32)
cvt_rzi_u8_f32 = _conversion("cvt_rzi_u8_f32", types.float32)
cvt_rmi_u8_f32 = _conversion("cvt_rmi_u8_f32", types.float32)
cvt_rpi_u8_f32 = _conversion("cvt_rpi_u8_f32", types.float32)
cvt_rni_ftz_s8_f32 = _conversion("cvt_rni_ftz_s8_f32", types.float32)
cvt_rzi_ftz_s8_f32 = _conversion("cvt_rzi_ftz_s8_f32", types.float32)
cvt_rmi_ftz_s8_f32 = _conversion("cvt_rmi_ftz_s8_f32", types.float32)
cvt_rpi_ftz_s8_f32 = _conversion("cvt_rpi_ftz_s8_f32", types.float32)
cvt_rni_ftz_u8_f32 = _conversion("cvt_rni_ftz_u8_f32", types.float32)
cvt_rzi_ftz_u8_f32 = _conversion("cvt_rzi_ftz_u8_f32", types.float32)
cvt_rmi_ftz_u8_f32 = _conversion("cvt_rmi_ftz_u8_f32", types.float32)
cvt_rpi_ftz_u8_f32 = _conversion("cvt_rpi_ftz_u8_f32", types.float32)
cvt_rni_s8_f16 = _conversion("cvt_rni_s8_f16", types.int16)
cvt_rzi_s8_f16 = _conversion("cvt_rzi_s8_f16", types.int16)
cvt_rmi_s8_f16 = _conversion("cvt_rmi_s8_f16", types.int16)
cvt_rpi_s8_f16 = _conversion("cvt_rpi_s8_f16", types.int16)
cvt_rni_u8_f16 = _conversion("cvt_rni_u8_f16", types.int16)
cvt_rzi_u8_f16 = _conversion("cvt_rzi_u8_f16", types.int16)
cvt_rmi_u8_f16 = _conversion("cvt_rmi_u8_f16", types.int16)
cvt_rpi_u8_f16 = _conversion("cvt_rpi_u8_f16", types.int16)
cvt_sat_s8_s32 = _conversion("cvt_sat_s8_s32", types.int32)
cvt_sat_u8_s32 = _conversion("cvt_sat_u8_s32", types.int32)

cvt_pack_sat_s8 = _of_words("cvt_pack_sat_s8", "cvt.pack.sat.s8.s32.b32", types.uint32)
cvt_pack_sat_u8 = _of_words("cvt_pack_sat_u8", "cvt.pack.sat.u8.s32.b32", types.uint32)
vadd4_sat_s8 = _of_words("vadd4_sat_s8", "vadd4.s32.s32.s32.sat", types.uint32)
vadd4_sat_u8 = _of_words("vadd4_sat_u8", "vadd4.u32.u32.u32.sat", types.uint32)
add_sat_s32 = _of_words("add_sat_s32", "add.sat.s32", count=2)

mma_m8n8k16_ss, mma_m8n8k16_su, mma_m8n8k16_us, mma_m8n8k16_uu = (_mma("m8n8k16", "", mix) for mix in TYPES)
mma_m16n8k16_ss, mma_m16n8k16_su, mma_m16n8k16_us, mma_m16n8k16_uu = (_mma("m16n8k16", "", mix) for mix in TYPES)
mma_m16n8k32_ss, mma_m16n8k32_su, mma_m16n8k32_us, mma_m16n8k32_uu = (_mma("m16n8k32", "", mix) for mix in TYPES)
mma_m8n8k16_satfinite_ss, mma_m8n8k16_satfinite_su, mma_m8n8k16_satfinite_us, mma_m8n8k16_satfinite_uu = (
    _mma("m8n8k16", "satfinite", mix) for mix in TYPES
)
mma_m16n8k16_satfinite_ss, mma_m16n8k16_satfinite_su, mma_m16n8k16_satfinite_us, mma_m16n8k16_satfinite_uu = (
    _mma("m16n8k16", "satfinite", mix) for mix in TYPES
)
mma_m16n8k32_satfinite_ss, mma_m16n8k32_satfinite_su, mma_m16n8k32_satfinite_us, mma_m16n8k32_satfinite_uu = (
    _mma("m16n8k32", "satfinite", mix) for mix in TYPES
)


FOUR = types.UniTuple(types.int32, 4)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def word(_: Any, value: Any) -> Any:
    """An integer's low 32 bits, as an int32: what sums of registers begin with."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], types.int32)

    return types.int32(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def shared_words(_: Any, count: Any) -> Any:
    """int32 [count], a constant, in shared memory, aligned to 16 bytes: a block's, with no values yet.

    Never two on one source line.
    """
    if not isinstance(count, types.IntegerLiteral):  # Numba asks again, with the constant
        return None
    array = types.int32[::1]
    call = array(count, types.NumberClass(types.int32), types.literal(16))

    def code(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        return context.get_function(cuda.shared.array, call)(builder, [None] * len(call.args))

    return array(count), code


def _place(context: Any, builder: Any, signature: Any, arguments: Any, at: int) -> Any:
    """The pointer to a value of a contiguous array: arguments `at` and `at` + 1 are the array and the value's index."""
    index = context.cast(builder, arguments[at + 1], signature.args[at + 1], types.int64)
    return builder.gep(context.make_array(signature.args[at])(context, builder, arguments[at]).data, [index])


def _address(builder: Any, pointer: Any, space: int) -> Any:
    """A pointer as an address in a state space, 32 bits in shared memory, else 64."""
    byte, there = (ir.PointerType(ir.IntType(8), each) for each in (0, space))
    inside = builder.addrspacecast(builder.bitcast(pointer, byte), there)
    return builder.ptrtoint(inside, INT32 if space == SHARED else INT64)


def _vector(builder: Any, pointer: Any) -> Any:
    return builder.bitcast(pointer, ir.PointerType(ir.VectorType(INT32, 4)))


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def load_16(_: Any, array: Any, index: Any) -> Any:
    """The 16 bytes at array[index] as four int32, in one load; the address is a multiple of 16."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _vector(builder, _place(context, builder, signature, arguments, 0))
        vector = builder.load(pointer, align=16)
        return context.make_tuple(builder, FOUR, [builder.extract_element(vector, INT32(i)) for i in range(4)])

    return FOUR(array, index), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def store_16(_: Any, array: Any, index: Any, words: Any) -> Any:
    """Four integers' low words to the 16 bytes at array[index], in one store; the address is a multiple of 16."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.Constant(ir.VectorType(INT32, 4), ir.Undefined)
        for i, word in enumerate(_words(context, builder, signature.args[2], arguments[2])):
            vector = builder.insert_element(vector, word, INT32(i))
        builder.store(vector, _vector(builder, _place(context, builder, signature, arguments, 0)), align=16)
        return context.get_dummy_value()

    return types.void(array, index, words), code


def _copy(name: str, opcode: str, size: int) -> Any:
    """cp.async of so many bytes."""
    text = f"{opcode} [$0], [$1], {size}, $2;"

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to = _address(builder, _place(context, builder, signature, arguments, 0), SHARED)
        source = _address(builder, _place(context, builder, signature, arguments, 2), GLOBAL)
        given = context.cast(builder, arguments[4], signature.args[4], types.int32)
        assembled(builder, text, ir.VoidType(), [to, source, given], moves=False)
        return context.get_dummy_value()

    return named(name, lambda _, shared, index, array, at, given: (types.void(shared, index, array, at, given), code))


cp_async_16 = _copy("cp_async_16", "cp.async.cg.shared.global", 16)
"""(shared, index, array, at, given): 16 bytes at array[at] begin to be copied to shared[index]; both are aligned to 16.

Only the first `given` bytes are read, 0 .. 16; the others become 0. Capability 8.0.
"""
cp_async_4 = _copy("cp_async_4", "cp.async.ca.shared.global", 4)
"""As `cp_async_16`, 4 bytes."""


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def cp_async_commit(_: Any) -> Any:
    """The thread's copies since the last commit are a group of their own."""

    def code(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        assembled(builder, "cp.async.commit_group;", ir.VoidType(), [], moves=False)
        return context.get_dummy_value()

    return types.void(), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def cp_async_wait(_: Any, pending: Any) -> Any:
    """Wait until at most `pending`, a constant, of the thread's newest groups are still being copied."""
    if not isinstance(pending, types.IntegerLiteral):  # Numba asks again, with the constant
        return None

    def code(context: Any, builder: Any, signature: Any, _arguments: Any) -> Any:
        text = f"cp.async.wait_group {signature.args[0].literal_value};"
        assembled(builder, text, ir.VoidType(), [], moves=False)
        return context.get_dummy_value()

    return types.void(pending), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def ldmatrix_x4(_: Any, shared: Any, index: Any) -> Any:
    """Four matrices of 8 rows, by a whole warp: thread 8 * m + r names row r of matrix m, 16 bytes at shared[index].

    Thread t receives word t % 4 of row t // 4 of each matrix. Rows are aligned to 16 bytes.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row = _address(builder, _place(context, builder, signature, arguments, 0), SHARED)
        text = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];"
        found = assembled(builder, text, ir.LiteralStructType([INT32] * 4), [row], moves=False)
        return context.make_tuple(builder, FOUR, cgutils.unpack_tuple(builder, found, 4))

    return FOUR(shared, index), code
