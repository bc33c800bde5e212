"""Stages that run beside each other: iterators and functions on threads of their own."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")
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


def side_by_side(
    function: Callable[[S], T], items: Iterator[S], n_threads: int
) -> Generator[T, None, None]:
    """Apply a function to items on some threads; give the results in the order of the items.

    At most twice `n_threads` items are taken before the caller. What is raised is raised here, in
    the place of the item; close the result where it may not be read to its end.
    """
    with ThreadPoolExecutor(n_threads) as threads:
        pending: deque[Future[T]] = deque()
        try:
            for item in items:
                pending.append(threads.submit(function, item))
                if len(pending) == 2 * n_threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
