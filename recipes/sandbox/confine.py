"""Giving up rights: limits of memory, time and file size, no new sockets, no new programs.

Memory, time and file size hold on every POSIX system. Sockets and programs are refused by a seccomp filter, on Linux
on x86-64 and arm64; elsewhere that part is not there, and `confine` says so in its answer.
"""

import ctypes
import os
import platform
import signal
import struct
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 38, 22
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE_WITH_EPERM, KILL = 0x7FFF0000, 0x00050001, 0x80000000
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
SYSCALLS = {
    "x86_64": (0xC000003E, {"socket": 41, "connect": 42, "execve": 59, "execveat": 322, "ptrace": 101}),
    "aarch64": (0xC00000B7, {"socket": 198, "connect": 203, "execve": 221, "execveat": 281, "ptrace": 117}),
}
SOCKETS = {"socket", "connect"}
IO_URING = (425, 426, 427)
"""the same numbers everywhere; a ring could open sockets past the filter"""
X32_BIT = 0x40000000
"""x86-64's other numbering of the same calls: refused whole"""


def confine(memory_bytes: int, cpu_seconds: int, file_bytes: int, network: bool = False) -> bool:
    """Limit this process for good. `memory_bytes` come on top of what is mapped now. True: the filter holds as well:
    no new programs, and no new sockets unless `network`.
    """
    if sys.platform == "win32":
        return False
    _limit(memory_bytes, cpu_seconds, file_bytes)
    if sys.platform != "linux":
        return False
    libc = _libc()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, None, 0, 0)
    return _filtered(libc, network)


def die_with_parent(parent: int) -> None:
    """For a process that a confined one has forked: it inherits every limit, but not the wish to die with it."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, None, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it died before this process asked to die with it


def _libc():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong]
    return libc


def _limit(memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    import resource  # not there on Windows

    space = _mapped_bytes() + memory_bytes
    for what, value in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        ceiling = resource.getrlimit(what)[1]
        value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
        resource.setrlimit(what, (value, value))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows too large is an OSError instead


def _mapped_bytes() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * 4096
    except OSError:
        return 512 * 2**20


def _filtered(libc, network: bool) -> bool:
    """Install a filter that answers EPERM to the calls above. False where machine or kernel have no such thing."""
    if platform.machine() not in SYSCALLS:
        return False
    architecture, calls = SYSCALLS[platform.machine()]
    refused = [number for name, number in calls.items() if not (network and name in SOCKETS)]
    program = _program(architecture, [*refused, *IO_URING])

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    kept = ctypes.create_string_buffer(program, len(program))
    program_of = Filter(len(program) // 8, ctypes.cast(kept, ctypes.c_char_p))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, None, 0, 0):
        return False
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program_of), 0, 0) == 0


def _program(architecture: int, refused: list[int]) -> bytes:
    """A classic BPF program over `struct seccomp_data` (call number at 0, architecture at 4)."""
    instructions = [
        (LOAD, 0, 0, 4),
        (JUMP_IF_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),
        (JUMP_IF_AT_LEAST, len(refused) + 1, 0, X32_BIT),
    ]
    for index, number in enumerate(refused):
        instructions.append((JUMP_IF_EQUAL, len(refused) - index, 0, number))
    instructions += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE_WITH_EPERM)]
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in instructions)
