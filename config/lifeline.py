"""Locks that the kernel releases when their holder dies, and children that die with their parent."""

import ctypes
import fcntl
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def hold(path: Path, *, shared: bool = False, wait: bool = True) -> int | None:
    """Lock the file; the descriptor holds the lock until it is closed. None if another holds it and wait is off."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_held(path: Path, *, shared: bool = False) -> bool:
    """Whether a lock of this kind would have to wait now."""
    descriptor = hold(path, shared=shared, wait=False)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def die_with(parent: int, sign: signal.Signals = signal.SIGKILL) -> None:
    """Called in a child before it becomes its program: the kernel sends it `sign` when the parent dies of anything."""
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
    # The parent may have died before the call; then nobody would ever send the signal.
    if os.getppid() != parent:
        os._exit(1)
