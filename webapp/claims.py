"""Which worker is at which segment of a film: rows that are claimed as films themselves are.

The worker that has the film's own row leads: it listens, lays the segments out, paints, and puts
the film together. Others help it to paint. Whoever asks is given the next segment of the stretch
that it is at, since a worker paints a second more on either side of what it paints in a row:

    segment   0  1  2  3 | 4  5  6  7 | 8  9 10 11 |
    leads     ▉  ▉  ▉  ▉               ▉  ▉  ▉  ▉      the first stretch that is free
    helps                  ▉  ▉  ▉  ▉
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, or_, select, update

from film.segments import Segment
from spectro.errors import TonfilmError
from webapp.leases import MAX_TRIES, SignsOfLife, TurnOverError
from webapp.tables import Film, FilmSegment, State

STRETCH: Final = 4  # segments, some 16 s: a helper paints an eighth for the flash guard alone
WAIT_S: Final = 0.5  # taste: how often a worker looks whether others are done


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a segment stands."""

    segment: Segment
    is_free: bool
    is_whole: bool
    n_tries: int


class Claims:
    """The segments of a film, as one worker sees them; see `film.desk.Desk`.

    Parameters
    ----------
    signs : the worker's signs of life for the film, which keep its claims too
    call_help : wakes another worker for the film's segments
    """

    def __init__(
        self,
        engine: Engine,
        film_id: str,
        signs: SignsOfLife,
        lease_s: float,
        call_help: Callable[[], object],
    ) -> None:
        self._engine, self._film_id, self._lease_s = engine, film_id, lease_s
        self._signs, self._call_help = signs, call_help
        self._of_film = FilmSegment.film_id == film_id
        self._ours = and_(
            self._of_film, FilmSegment.lease == signs.token, FilmSegment.state == State.RUNNING
        )
        signs.keep_also(self._keep)

    def open(self, segments: Sequence[Segment], missing: Sequence[Segment]) -> None:
        """Lay out a film's segments; the rows of an earlier try stay, if it had the same ones."""
        known = {standing.segment for standing in self._look()}
        stale = [segment.first_frame for segment in known.difference(segments)]
        new = [
            {"film_id": self._film_id, **vars(segment), "state": State.QUEUED}
            for segment in segments
            if segment not in known
        ]
        # The files are the truth: a row may say more than they do, or less.
        is_missing = FilmSegment.first_frame.in_([segment.first_frame for segment in missing])
        is_done = FilmSegment.state == State.DONE
        with self._engine.begin() as connection:
            at_stale = and_(self._of_film, FilmSegment.first_frame.in_(stale))
            connection.execute(delete(FilmSegment).where(at_stale))
            if new:
                connection.execute(insert(FilmSegment), new)
            for which, state in ((is_missing & is_done, State.QUEUED), (~is_missing, State.DONE)):
                wrong = and_(self._of_film, which)
                connection.execute(update(FilmSegment).where(wrong).values(state=state, lease=""))
        if len(missing) > STRETCH:
            self._call_help()

    def take(self) -> Iterator[Segment]:
        """Claim segments, one by one, until none is free or this worker's turn is over.

        Raises
        ------
        TonfilmError
            A segment has taken its worker down with it too often.
        """
        before: Segment | None = None
        while before is None or not self._signs.turn_is_over:
            while (standing := choose(self._look(), before)) and not self._claim(standing):
                pass  # another worker was quicker
            if standing is None:
                return
            before = standing.segment
            yield before

    def finish(self, segment: Segment) -> None:
        """Note that a segment is whole, whoever has painted it."""
        this = and_(self._of_film, FilmSegment.first_frame == segment.first_frame)
        with self._engine.begin() as connection:
            connection.execute(update(FilmSegment).where(this).values(state=State.DONE, lease=""))
            # A film that comes on is not one that takes its workers down.
            connection.execute(update(Film).where(Film.id == self._film_id).values(n_tries=1))

    def wait(self) -> None:
        """Wait for the segments that others are at.

        Raises
        ------
        TurnOverError
            Other jobs wait, and this film has had its turn.
        """
        if self._signs.turn_is_over:
            raise TurnOverError
        time.sleep(WAIT_S)

    def give_back(self) -> None:
        """Let others have what was claimed and is not whole."""
        free = {"state": State.QUEUED, "lease": "", "n_tries": FilmSegment.n_tries - 1}
        with self._engine.begin() as connection:
            connection.execute(update(FilmSegment).where(self._ours).values(free))

    def any_is_free(self) -> bool:
        """Claim that there is something to paint."""
        return any(standing.is_free for standing in self._look())

    def _keep(self) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(FilmSegment).where(self._ours).values(heartbeat_s=time.time())
            )

    def _look(self) -> list[Standing]:
        expired_s = time.time() - self._lease_s
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(
                    FilmSegment.first_frame,
                    FilmSegment.stop_frame,
                    FilmSegment.state,
                    FilmSegment.heartbeat_s,
                    FilmSegment.n_tries,
                )
                .where(self._of_film)
                .order_by(FilmSegment.first_frame)
            ).all()
        return [
            Standing(
                segment=Segment(first_frame=row.first_frame, stop_frame=row.stop_frame),
                is_free=row.state == State.QUEUED
                or (row.state == State.RUNNING and row.heartbeat_s < expired_s),
                is_whole=row.state == State.DONE,
                n_tries=row.n_tries,
            )
            for row in rows
        ]

    def _claim(self, standing: Standing) -> bool:
        if standing.n_tries >= MAX_TRIES:
            raise TonfilmError(
                f"A part of this film stopped its worker {MAX_TRIES} times, so it was given up: "
                "try a smaller picture."
            )
        now_s = time.time()
        claimed = {
            "state": State.RUNNING,
            "lease": self._signs.token,
            "heartbeat_s": now_s,
            "n_tries": FilmSegment.n_tries + 1,
        }
        this = and_(
            self._of_film,
            FilmSegment.first_frame == standing.segment.first_frame,
            _is_free(now_s - self._lease_s),
        )
        with self._engine.begin() as connection:
            done = connection.execute(update(FilmSegment).where(this).values(claimed))
        return done.rowcount == 1


def choose(standings: Sequence[Standing], before: Segment | None) -> Standing | None:
    """Choose what a worker paints next.

    Parameters
    ----------
    standings : of all segments of the film, in order
    before : what it has painted before, if anything
    """
    stretches = [standings[i : i + STRETCH] for i in range(0, len(standings), STRETCH)]
    for stretch in stretches:
        for place, standing in enumerate(stretch):
            goes_on = before and place and standing.segment.first_frame == before.stop_frame
            if goes_on and standing.is_free:
                return standing
    # Somebody may be at a stretch that is free in part.
    quiet = (s for s in stretches if all(part.is_free or part.is_whole for part in s))
    for stretch in [*quiet, *stretches]:
        for standing in stretch:
            if standing.is_free:
                return standing
    return None


def _is_free(expired_s: float) -> ColumnElement[bool]:
    return or_(
        FilmSegment.state == State.QUEUED,
        and_(FilmSegment.state == State.RUNNING, FilmSegment.heartbeat_s < expired_s),
    )
