"""What must be settled for the whole process before torch is imported."""

import ctypes
import os

# The parameters of mallopt(3), and the values that they get. glibc gives blocks above 128 kB back
# to the system as soon as they are freed, and maps them anew, page for page, at the next use:
# every map of a network, every frame. Kept, films are made in some 5 to 9 % less time.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT, MAPPED = 2**29, 2**28  # bytes: free at the heap's end; a block that is still mapped


def settle_process() -> None:
    """Let torch's waiting threads sleep and keep freed memory; call it before importing torch.

    By default the threads spin while they wait. Beside another busy process (the encoder, a
    second worker) each then keeps a core from the one that has work: a small network went from
    6 ms to 560 ms. OpenMP reads the setting once, when it is loaded; a setting that stands is
    kept. A C library without `mallopt` keeps its ways.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, MAPPED)
