"""Taking from the training process what it does not need: other people's files, the network, other processes.

Landlock, part of Linux since 5.13, lets a process give up rights for good without being root. After `confine` this
process reads Python and its libraries, reads and writes its own folder, opens no TCP connection, signals nobody, and
neither it nor a process it starts gets any of it back. Elsewhere nothing is taken, and `confine` says so.
"""

from __future__ import annotations

import ctypes
import os
import site
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
"""System calls; the same numbers on every architecture."""

_PATH_BENEATH, _VERSION_FLAG, _NO_NEW_PRIVS = 1, 1, 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _DEVICE = 1 << 13, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE
_TCP, _OTHERS = 3, 3
"""Binding and connecting; abstract sockets and signals."""

SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/passwd",
    "/etc/nsswitch.conf", "/dev/urandom", "/dev/random", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/sys/devices/system/cpu",
)  # fmt: skip
"""What Python and numerical libraries read of a Linux system."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(folder: Path) -> bool:
    """Give up everything but libraries and `folder`, for good; False where this system cannot do that.

    Raises:
        OSError: the system can, and refused.
    """
    version = _version()
    if version < 1:
        return False
    rights = (_REFER - 1) | (_REFER if version >= 2 else 0)
    rights |= (_TRUNCATE if version >= 3 else 0) | (_DEVICE if version >= 5 else 0)
    about = _Ruleset(rights, _TCP if version >= 4 else 0, _OTHERS if version >= 6 else 0)
    ruleset = _call(_CREATE, ctypes.byref(about), ctypes.c_size_t(ctypes.sizeof(about)), 0)
    try:
        for path in (*SYSTEM, *libraries()):
            _allow(ruleset, path, _READ & rights)
        _allow(ruleset, "/dev/null", _OF_FILES & rights)
        _allow(ruleset, str(folder), rights & ~_DEVICE)
        if _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs was refused")
        _call(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def libraries() -> Iterator[str]:
    """Where Python's own files and importable ones are.

    Of a folder on the path that is no installation, only what can be imported: it may hold a workspace as well.
    """
    homes = [*{sys.prefix, sys.base_prefix, sys.exec_prefix}, *site.getsitepackages(), site.getusersitepackages()]
    yield from homes
    yield str(Path(__file__).parents[2])
    for entry in sys.path:
        if entry and not any(Path(entry).is_relative_to(home) for home in homes):
            yield from importable(Path(entry))


def importable(folder: Path) -> Iterable[str]:
    """The packages and modules in a folder, or the folder itself where it is a file (a zip)."""
    if not folder.is_dir():
        return [str(folder)]
    return [str(p) for p in folder.iterdir() if (p / "__init__.py").is_file() or p.suffix in (".py", ".so", ".pth")]


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        there = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this system: nothing to allow
    try:
        rule = _Beneath(rights if Path(path).is_dir() else rights & _OF_FILES, there)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(there)


def _version() -> int:
    if not sys.platform.startswith("linux"):
        return 0
    return int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG))


def _call(number: int, *arguments: object) -> int:
    done = int(_libc().syscall(number, *arguments))
    if done < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}")
    return done


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
