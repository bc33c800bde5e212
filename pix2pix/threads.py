"""One thread for torch, where more would only wait, or would add up in another order."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[int]:
    """Let torch work with one thread; give the number that it had.

    Some products of matrices come out with other last bits on three threads than on one or two.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield n_threads
    finally:
        torch.set_num_threads(n_threads)
