"""Stages that run beside each other: an iterator on a thread of its own."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Item(Generic[T]):
    value: T


def ahead(items: Iterator[T], n_ahead: int) -> Generator[T, None, None]:
    """Run an iterator on a thread of its own, at most `n_ahead` items before the caller.

    What it raises is raised here, in the place of the item. Close the result (`contextlib.closing`)
    where it may not be read to its end: then the thread ends after the item that it is at.
    """
    # Wrapped, since None or a future's StopIteration would not tell an end from an item.
    wrapped = (_Item(item) for item in items)
    with ThreadPoolExecutor(1) as thread:
        pending = deque(thread.submit(next, wrapped, None) for _ in range(n_ahead))
        try:
            while (item := pending.popleft().result()) is not None:
                pending.append(thread.submit(next, wrapped, None))
                yield item.value
        finally:
            for future in pending:
                future.cancel()
