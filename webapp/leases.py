"""Who works at which row: claims, signs of life, and the sweep for what was lost.

The message that wakes a worker may be lost (the filesystem broker loses it when a worker is
killed) or arrive twice (Redis sends a long task again). Neither matters: a worker first claims the
row by compare-and-set, and a thread renews the claim while the work goes on.

    queued ──claim──▶ running ──finish──▶ done | failed
       ▲                │  │
       └── give back ───┘  └── cancel (by the visitor) ──▶ cancelled

It is given back when the worker has to stop, or when a long film has had its turn.
"""

import logging
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Engine, and_, or_, select, update
from sqlalchemy.exc import OperationalError

from webapp.tables import TABLES, Job, State

RENEW_S = 1.0  # taste: the page asks once a second
TURN_S = 12.0  # taste: three segments or so, against the seconds that it takes to begin again
DISK_FULL = "disk"  # the stage of a job that waits for room
MAX_TRIES = 5  # taste: a job that takes its worker down with it five times is given up

log = logging.getLogger(__name__)

# Set when this process was asked to stop.
stopping = threading.Event()


class InterruptedWorkError(Exception):
    """The work must end here, though nothing is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job has come."""

    stage: str = ""
    n_done: int = 0
    n_steps: int = 0
    stage_began_s: float = 0.0
    stage_began_done: int = 0


class TurnOverError(InterruptedWorkError):
    """The work has had its turn, and others wait for theirs."""


class SignsOfLife(ABC):
    """A thread that says once a second that a worker is still at its work, and hears if it may be.

    Calling it reports progress, and ends the work that is no longer wanted.
    """

    others_wait = False  # for a worker, as last seen

    def __init__(self, engine: Engine) -> None:
        self.token = uuid.uuid4().hex  # names this claim
        self.began_s = time.monotonic()
        self._engine = engine
        self._progress = Progress()
        self._kept: list[Callable[[], object]] = []
        self._is_lost, self._is_over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    @property
    def turn_is_over(self) -> bool:
        """Claim that this work has gone on for long enough while others wait."""
        return self.others_wait and time.monotonic() - self.began_s > TURN_S

    def keep_also(self, keep: Callable[[], object]) -> None:
        """Call a function with every sign of life."""
        self._kept.append(keep)

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report progress, as `film.pipeline` does.

        Raises
        ------
        InterruptedWorkError
            The work was cancelled or given away, or this process shall stop.
        """
        if self._is_lost.is_set() or stopping.is_set():
            raise InterruptedWorkError
        before = self._progress
        is_new = stage != before.stage
        self._progress = Progress(
            stage=stage,
            n_done=done,
            n_steps=total,
            stage_began_s=time.time() if is_new else before.stage_began_s,
            stage_began_done=done if is_new else before.stage_began_done,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._is_over.wait(RENEW_S):
            try:
                is_wanted = self._sign()
                for keep in self._kept:
                    keep()
                self.others_wait = is_any_queued(self._engine)
            except OperationalError:
                log.warning("The database did not take a sign of life", exc_info=True)
                continue
            if not is_wanted:
                self._is_lost.set()
                return

    @abstractmethod
    def _sign(self) -> bool:
        """Give a sign of life; return whether the work is still wanted."""


class Lease(SignsOfLife):
    """A claim on a row."""

    def __init__(self, engine: Engine, table: type[Job], identity: str) -> None:
        super().__init__(engine)
        self._table = table
        self._ours = and_(
            table.id == identity, table.lease == self.token, table.state == State.RUNNING
        )

    def keep(self, **values: str) -> None:
        """Write into the row what the work has reached, for whoever goes on if it ends here."""
        self._write(**values)

    def finish(self, state: State, **values: str) -> bool:
        """Write the end of the work; return whether the row was still ours."""
        return self._write(state=state, finished_s=time.time(), **values)

    def give_back(self) -> None:
        """Let the next worker go on at once; if the row was cancelled, leave it so."""
        self._write(state=State.QUEUED, n_tries=self._table.n_tries - 1, sent_s=0.0)

    def put_off(self, stage: str) -> None:
        """Let a worker go on later, when the sweep comes by; `stage` says what for."""
        self._write(
            state=State.QUEUED, n_tries=self._table.n_tries - 1, sent_s=time.time(), stage=stage
        )

    def _sign(self) -> bool:
        return self._write(heartbeat_s=time.time(), **vars(self._progress))

    def _write(self, **values: object) -> bool:
        return _update(self._engine, self._table, self._ours, values)


class Help(SignsOfLife):
    """Help for a job whose row another worker has: wanted while that one gives signs of life."""

    def __init__(self, engine: Engine, table: type[Job], identity: str, lease_s: float) -> None:
        super().__init__(engine)
        self._lease_s = lease_s
        self._led = and_(table.id == identity, table.state == State.RUNNING)
        self._heartbeat = select(table.heartbeat_s)

    def is_wanted(self) -> bool:
        """Claim that another worker leads."""
        alive = self._heartbeat.where(self._led)
        with self._engine.connect() as connection:
            heartbeat_s = connection.scalar(alive)
        return heartbeat_s is not None and heartbeat_s > time.time() - self._lease_s

    def _sign(self) -> bool:
        return self.is_wanted()


def claim(engine: Engine, table: type[Job], identity: str, lease_s: float) -> Lease | None:
    """Claim a row that waits, or whose worker has given no sign of life for `lease_s` seconds.

    Returns
    -------
    None where there is nothing to do: another worker has it, it was cancelled, or given up
    """
    now_s = time.time()
    lease = Lease(engine, table, identity)
    is_free = and_(table.id == identity, _is_free(table, now_s - lease_s))
    given_up = {
        "state": State.FAILED,
        "finished_s": now_s,
        "error": f"This job stopped its worker {MAX_TRIES} times, so it was given up: "
        "try a shorter song or a smaller picture.",
    }
    if _update(engine, table, and_(is_free, table.n_tries >= MAX_TRIES), given_up):
        return None
    claimed = {
        "state": State.RUNNING,
        "lease": lease.token,
        "heartbeat_s": now_s,
        "n_tries": table.n_tries + 1,
        **vars(Progress()),
    }
    return lease if _update(engine, table, is_free, claimed) else None


def cancel(engine: Engine, table: type[Job], identity: str) -> bool:
    """Take back a job that is not done yet; its worker hears of it at the next sign of life."""
    waits = and_(table.id == identity, table.state.in_((State.QUEUED, State.RUNNING)))
    return _update(engine, table, waits, {"state": State.CANCELLED, "finished_s": time.time()})


def find_lost(engine: Engine, table: type[Job], lease_s: float, unsent_s: float) -> list[str]:
    """Find the rows that a worker should be woken for once more, and note that it was.

    Parameters
    ----------
    lease_s : a running row without a sign of life for this long has lost its worker
    unsent_s : a queued row for which nobody was woken for this long may have lost its message
    """
    now_s = time.time()
    lost = or_(
        and_(table.state == State.QUEUED, table.sent_s <= now_s - unsent_s),
        and_(
            table.state == State.RUNNING,
            table.heartbeat_s < now_s - lease_s,
            table.sent_s < now_s - lease_s,
        ),
    )
    with engine.begin() as connection:
        found = connection.scalars(select(table.id).where(lost).order_by(table.created_s)).all()
        connection.execute(update(table).where(table.id.in_(found)).values(sent_s=now_s))
    return list(found)


def is_any_queued(engine: Engine) -> bool:
    """Claim that some job waits for a worker."""
    with engine.connect() as connection:
        return any(
            connection.scalar(select(table.id).where(table.state == State.QUEUED).limit(1))
            for table in TABLES
        )


def _is_free(table: type[Job], expired_s: float) -> ColumnElement[bool]:
    return or_(
        table.state == State.QUEUED,
        and_(table.state == State.RUNNING, table.heartbeat_s < expired_s),
    )


def _update(
    engine: Engine, table: type[Job], which: ColumnElement[bool], values: dict[str, Any]
) -> bool:
    with engine.begin() as connection:
        return connection.execute(update(table).where(which).values(**values)).rowcount == 1
