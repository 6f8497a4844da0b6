"""Counts requests in one small file that every process of this machine maps: reading a page writes no row."""

import fcntl
import hashlib
import mmap
import os
import struct
import time
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from threading import Lock

_SLOTS = 1 << 16
_SLOT = struct.Struct("<QII")  # a digest of who asks, the window, how often
_SIZE = _SLOTS * _SLOT.size
# A lock of the file holds off other processes only, and one thread's closing it would free it for all of ours.
_threads = Lock()


@dataclass(frozen=True, slots=True)
class Metered:
    """What one more request comes to: how many are left, and the seconds until there are more."""

    is_allowed: bool
    n_left: int
    seconds: int


def meter(path: Path, who: str, *, most: int, span: int = 60) -> Metered:
    """Count a request of `who` in the present window of `span` seconds.

    Two askers whose digests meet in one slot take it from each other, which gives either a little more.
    """
    digest = int.from_bytes(hashlib.blake2b(who.encode(), digest_size=8).digest(), "little")
    now = time.time()
    window = int(now) // span
    place = digest % _SLOTS * _SLOT.size
    with _threads, _opened(path) as file:
        # The lock is on this slot alone, and goes with the process that holds it.
        fcntl.lockf(file, fcntl.LOCK_EX, _SLOT.size, place)
        with mmap.mmap(file.fileno(), _SIZE) as slots:
            owner, since, n = _SLOT.unpack_from(slots, place)
            n = n + 1 if (owner, since) == (digest, window) else 1
            _SLOT.pack_into(slots, place, digest, window, min(n, most + 1))
    return Metered(n <= most, max(most - n, 0), span - int(now) % span)


def _opened(path: Path) -> BufferedRandom:
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.open("ab").close()
        file = path.open("r+b")
    # Whoever made the file may not have stretched it yet; stretching it twice is harmless.
    if os.fstat(file.fileno()).st_size < _SIZE:
        file.truncate(_SIZE)
    return file
