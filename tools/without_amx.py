"""Run a command as on a machine with AVX512-VNNI and without AMX: Linux on x86-64 only.

    python tools/without_amx.py int8sim bench ...

A program asks Linux for AMX's registers before it uses them. Here a filter refuses the request to the command and to
all that it starts: int8sim, ONNX Runtime, XNNPACK and torch alike take their next best instructions.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from int8sim.kernels.cpu.instruction_sets import ARCH_PRCTL, REQUEST_PERMISSION

NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2  # linux/prctl.h, linux/seccomp.h
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h: a word of the call, jump if equal, the answer
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # struct seccomp_data
X86_64, ALLOW, REFUSE = 0xC000003E, 0x7FFF0000, 0x00050000 | errno.EPERM

PROGRAM = (
    (LOAD, 0, 0, ARCHITECTURE),
    (EQUAL, 0, 5, X86_64),
    (LOAD, 0, 0, NUMBER),
    (EQUAL, 0, 3, ARCH_PRCTL),
    (LOAD, 0, 0, FIRST_ARGUMENT),
    (EQUAL, 0, 1, REQUEST_PERMISSION),
    (RETURN, 0, 0, REFUSE),
    (RETURN, 0, 0, ALLOW),
)
"""Operation, how many to skip if equal, and if not, operand."""


def refuse_amx() -> None:
    """For this process from now on, and for its children. Raises OSError."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *each) for each in PROGRAM))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(PROGRAM), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in (NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, FILTER, program, 0, 0):
        if prctl(*arguments):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main() -> None:
    """Become the command."""
    refuse_amx()
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
