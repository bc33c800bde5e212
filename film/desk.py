"""Who paints which segments of a film, where several workers may be at it. No torch."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from film.segments import Segment


class Desk(Protocol):
    """Gives out the segments of one film; asked from any thread."""

    def open(self, segments: Sequence[Segment], missing: Sequence[Segment]) -> None:
        """Lay out a film's segments, of which some are missing."""

    def take(self) -> Iterator[Segment]:
        """Give missing segments, one by one, until none is free that nobody is at."""

    def finish(self, segment: Segment) -> None:
        """Note that a segment is whole."""

    def wait(self) -> None:
        """Wait a little for segments that others are at; raises to end the work."""


class Alone:
    """The desk of a film that one process makes."""

    def __init__(self) -> None:
        self._missing: list[Segment] = []

    def open(self, segments: Sequence[Segment], missing: Sequence[Segment]) -> None:  # noqa: ARG002
        """Lay out a film's segments, of which some are missing."""
        self._missing = list(missing)

    def take(self) -> Iterator[Segment]:
        """Give every missing segment, in order."""
        while self._missing:
            yield self._missing.pop(0)

    def finish(self, segment: Segment) -> None:
        """Do nothing: nobody asks."""

    def wait(self) -> None:
        """Refuse: all were given, so nobody else is at one."""
        raise RuntimeError("a segment was painted and is not there")
