"""Figures and states in words that a musician reads without a manual."""

import time
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from webapp.leases import DISK_FULL
from webapp.tables import TABLES, Job, State, db

# By the stages that the pipeline, the analysis and the gallery report.
STAGES = {
    "": "Getting ready",
    "check": "Looking into the file",
    "analysis": "Listening to the song",
    "load": "Waking the networks",
    "stills": "Painting pictures",
    "paint": "Painting the film",
    "join": "Putting the film together",
    "measure": "Measuring how tight it is",
    DISK_FULL: "The disk is full: free some space, and it goes on by itself",
}
# By the stages of a film's report.
REPORT_WORDS = {
    "load": "Loading",
    "analysis": "Listening",
    "score": "Score",
    "windows": "Spectrum",
    "paint": "Painting",
    "post": "Effects",
    "encode": "Encoding",
    "join": "Joining",
}
CHANNELS = {1: "mono", 2: "stereo"}


def register(app: Flask) -> None:
    """Offer these words to the templates."""
    for word in (clock, in_words, decimal, channels, day, size):
        app.add_template_filter(word)


def clock(seconds: float) -> str:
    """Write a time as a player does: 3:07, or 1:02:03."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    start = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{start}:{whole % 60:02d}"


def in_words(seconds: float) -> str:
    """Write a duration in words, as exact as one cares to know."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return _count(round(seconds), "second")
    if seconds < 5400:
        return _count(round(seconds / 60), "minute")
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{_count(hours, 'hour')} {minutes} min" if minutes else _count(hours, "hour")


def decimal(value: float) -> str:
    """Write a number with at most two digits behind the point: 44.1, 0.5, 2."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def size(n_mebibytes: int) -> str:
    """Write a file's size: 200 MB, or 1 GB."""
    return f"{n_mebibytes} MB" if n_mebibytes % 1024 else f"{n_mebibytes // 1024} GB"


def channels(n_channels: int) -> str:
    """Name a number of channels."""
    return CHANNELS.get(n_channels, f"{n_channels} channels")


def day(seconds: float) -> str:
    """Write a moment, in seconds since 1970, as this machine's clock showed it."""
    moment = datetime.fromtimestamp(seconds).astimezone()
    return f"{moment.day} {moment:%B}, {moment:%H:%M}"


def describe(job: Job) -> dict[str, Any]:
    """Say where a job stands, for the page that asks every second.

    Returns
    -------
    state : the job's state
    words : what is happening, in a few words
    part : share of the stage that is done in [0, 1], or None while that is not known
    left : time left in words, or ""
    """
    is_running = job.state == State.RUNNING
    known = is_running and job.n_steps > 0
    return {
        "state": job.state.value,
        "words": STAGES.get(job.stage, job.stage) if is_running else _waiting_words(job),
        "part": job.n_done / job.n_steps if known else None,
        # Of the one stage that takes long; what a short one has left says nothing of the whole.
        "left": _time_left(job) if known and job.stage == "paint" else "",
    }


def _waiting_words(job: Job) -> str:
    if job.state != State.QUEUED:
        return job.state.value.capitalize()
    if job.stage == DISK_FULL:
        return STAGES[DISK_FULL]
    n_ahead = 0
    for table in TABLES:
        ahead = (table.state == State.RUNNING) | (
            (table.state == State.QUEUED) & (table.created_s < job.created_s)
        )
        n_ahead += db.session.scalar(select(func.count()).where(ahead, table.id != job.id)) or 0
    if n_ahead == 0:
        return "Starting"
    return f"Waiting: {_count(n_ahead, 'other job')} first"


def _time_left(job: Job) -> str:
    n_new = job.n_done - job.stage_began_done
    spent_s = time.time() - job.stage_began_s
    if n_new <= 0 or spent_s < 2:  # taste: an estimate from less jumps about
        return ""
    left_s = spent_s / n_new * (job.n_steps - job.n_done)
    return f"about {in_words(left_s)} left" if left_s >= 1 else "nearly done"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
