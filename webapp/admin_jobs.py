"""All jobs as an administrator sees them: what they are and take, and nothing of their content."""

import contextlib
import hmac
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask import current_app
from sqlalchemy import func, select

from spectro.errors import TonfilmError
from webapp.retention import forget_film, forget_picture, forget_song, is_at_work
from webapp.service import service
from webapp.tables import N_STILLS, Film, Gallery, Job, Picture, Song, State, db
from webapp.wording import clock, describe, in_words

N_ENTRIES: Final = 50  # of a page
KINDS: Final[Mapping[str, type[Job]]] = {
    "songs": Song,
    "galleries": Gallery,
    "pictures": Picture,
    "films": Film,
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A job in the list."""

    kind: str  # of `KINDS`
    identity: str
    what: str
    visitor: str  # a pseudonym, or "" where a job is nobody's
    state: str
    words: str  # what is happening
    part: float | None  # share of the stage that is done in [0, 1], where that is known
    age: str
    n_tries: int
    n_bytes: int  # on the disk
    error: str
    is_waiting: bool


def list_entries(page: int) -> tuple[list[Entry], bool]:
    """List a page of jobs, the newest first, and say whether there are older ones."""
    stop = (page + 1) * N_ENTRIES
    jobs: list[tuple[str, Job]] = []
    for kind, table in KINDS.items():
        newest = select(table).order_by(table.created_s.desc()).limit(stop + 1)
        jobs += [(kind, job) for job in db.session.scalars(newest)]
    jobs.sort(key=lambda it: it[1].created_s, reverse=True)
    return [_describe(kind, job) for kind, job in jobs[stop - N_ENTRIES : stop]], len(jobs) > stop


def count_states() -> dict[str, int]:
    """Count the jobs by their states."""
    counts: Counter[str] = Counter()
    for table in KINDS.values():
        for state, n in db.session.execute(select(table.state, func.count()).group_by(table.state)):
            counts[state.value] += n
    return {state.value: counts[state.value] for state in State if counts[state.value]}


def delete(job: Job) -> None:
    """Delete a job with its files; the caller commits.

    Raises
    ------
    TonfilmError
        A worker is at it.
    """
    if job.is_waiting or (isinstance(job, Song) and is_at_work(job)):
        raise TonfilmError("A worker is at this job, or at a film of it: cancel that first.")
    if isinstance(job, Song):
        forget_song(job)
    elif isinstance(job, Film):
        forget_film(job)
    elif isinstance(job, Picture):
        forget_picture(job)
    else:
        for path in _files(job):
            path.unlink(missing_ok=True)
        db.session.delete(job)


def _describe(kind: str, job: Job) -> Entry:
    status = describe(job)
    return Entry(
        kind=kind,
        identity=job.id,
        what=_name(job),
        visitor=_pseudonym(job),
        state=job.state.value,
        words=status["words"],
        part=status["part"],
        age=in_words(time.time() - job.created_s),
        n_tries=job.n_tries,
        n_bytes=sum(_sizes(_files(job))),
        error=job.error,
        is_waiting=job.is_waiting,
    )


def _name(job: Job) -> str:
    if isinstance(job, Song):
        return f"Song, {clock(job.duration_s)}"
    if isinstance(job, Film):
        return f"{'Preview' if job.whole else 'Film'}, song of {clock(job.song.duration_s)}"
    if isinstance(job, Gallery):
        return f"Stills of {job.theme}, from {job.first_seed}"
    if isinstance(job, Picture):
        return f"Picture for {job.theme}"
    raise TypeError(job)


def _pseudonym(job: Job) -> str:
    """Name a visitor so that their jobs can be told from others', and nothing else can."""
    owned = job.song if isinstance(job, Film) else job
    if not isinstance(owned, Song | Picture):
        return ""
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.new(secret, owned.visitor.encode(), "sha256").hexdigest()[:6]


def _files(job: Job) -> list[Path]:
    storage = service().storage
    if isinstance(job, Song):
        return storage.files_of_song(job.id)
    if isinstance(job, Film):
        return storage.files_of_film(job.id)
    if isinstance(job, Picture):
        return storage.files_of_picture(job.id)
    if isinstance(job, Gallery):
        seeds = range(job.first_seed, job.first_seed + N_STILLS)
        return [storage.still(job.theme, job.weights, seed) for seed in seeds]
    raise TypeError(job)


def _sizes(paths: Iterable[Path]) -> Iterable[int]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            yield path.stat().st_size
