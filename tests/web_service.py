"""What the tests of the web room share: visitors, songs, and a worker in the same process."""

import io
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import soundfile
from conftest import music
from flask import Flask
from werkzeug.test import TestResponse

from spectro.audio import load
from spectro.routes import Route
from webapp import create_app, leases
from webapp.checking import note
from webapp.jobs import TASKS
from webapp.leases import Lease
from webapp.service import service
from webapp.settings import Settings
from webapp.tables import Film, Job, Song, State, db


class Visitor:
    """A browser: its cookies, and the CSRF token that its pages hold."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._client = app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        """Load a page."""
        return self._client.get(path, headers=headers, buffered=True)

    def post(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Send a form of a page."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/").text)
        assert token
        data = {"csrf_token": token[1], **(fields or {})}
        return self._client.post(path, data=data, content_type="multipart/form-data", buffered=True)

    def upload(self, content: bytes, name: str = "song.wav") -> TestResponse:
        """Send a song."""
        return self.post("/songs", {"song": (io.BytesIO(content), name)})

    def new_song(
        self, duration_s: float = 1.0, name: str = "song.wav", sample_rate: int = 44_100
    ) -> str:
        """Send a good song, have it checked but not listened to; return its identity."""
        samples = music(duration_s, sample_rate=sample_rate)
        answer = self.upload(wav(samples, sample_rate), name)
        assert answer.status_code == 303, sentence(answer)
        song_id: str = answer.location.rsplit("/", 1)[1]
        with self._app.app_context():
            note(db.session.get_one(Song, song_id), load(service().storage.song(song_id)))
            db.session.commit()
        return song_id

    def new_film(self, song_id: str, **changes: Any) -> str:
        """Ask for a film; return its identity."""
        answer = self.post(f"/songs/{song_id}/film", film_fields(**changes))
        assert answer.status_code == 303, sentence(answer)
        return answer.location.rsplit("/", 1)[1]


def film_fields(**changes: Any) -> dict[str, Any]:
    """Fill in the form of a small film."""
    fields = {
        "theme": "tiny",
        "keyframes": "3, 1",
        "level": "0.5",
        "frequency": "0.5",
        "timbre": "0.5",
        "size": "640x360",
        "fps": "24",
        "quality": "draft",
        "blend": "crossfade",
        "start_s": "0",
        "duration_s": "",
        "seed": "0",
    }
    return {**fields, **changes}


def route_fields(routes: Iterable[Route]) -> dict[str, str]:
    """Fill in the table of routes."""
    return {
        f"routes-{place}-{name}": str(value)
        for place, route in enumerate(routes)
        for name, value in vars(route).items()
    }


def routes_on(page: str) -> list[Route]:
    """Read the table of routes off a page."""
    start = page.index("data-routes")
    table = page[start : page.index("<template", start)]
    routes = []
    for row in table.split('role="group"')[1:]:
        numbers = re.findall(r'<input [^>]*name="routes-\d+-(\w+)"[^>]*value="([^"]*)"', row)
        chosen = [
            (name, re.findall(r'value="(\w+)"', option)[0])
            for name, options in re.findall(
                r'<select [^>]*name="routes-\d+-(\w+)"(.*?)</select>', row, re.DOTALL
            )
            for option in re.findall(r"<option [^>]*>", options)
            if " selected" in option
        ]
        values: dict[str, Any] = {name: float(value) for name, value in numbers}
        routes.append(Route(**values, **dict(chosen)))
    return routes


def wav(samples: np.ndarray, sample_rate: int = 44_100, subtype: str = "PCM_16") -> bytes:
    """Write samples (n,) or (n, n_channels) as the bytes of a WAV."""
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, subtype=subtype, format="WAV")
    return file.getvalue()


def sentence(answer: TestResponse) -> str:
    """Read the one sentence of what went wrong off a page."""
    found = re.findall(r'class="notice" role="alert">([^<]+)</p>', answer.text)
    return "".join(found)


def work(app: Flask, *tables: type[Job]) -> None:
    """Do every queued job in this process, as a worker would; or those of some tables alone."""
    with app.app_context():
        for table, task in TASKS.items():
            if tables and table not in tables:
                continue
            waiting = db.session.scalars(db.select(table.id).filter_by(state=State.QUEUED))
            for identity in waiting.all():
                task(identity)


def leave_half_made(app: Flask, visitor: Visitor, sample_rate: int = 44_100, **fields: str) -> str:
    """Ask for a film of two seconds and end the worker when the first one is painted."""
    report = Lease.__call__

    def stop_in_the_middle(lease: Lease, stage: str, done: int, total: int) -> None:
        if stage == "paint" and done >= 32:
            leases.stopping.set()
        report(lease, stage, done, total)

    film_id = visitor.new_film(visitor.new_song(2.0, sample_rate=sample_rate), **fields)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lease, "__call__", stop_in_the_middle)
        work(app)
    leases.stopping.clear()
    return film_id


def film_row(app: Flask, film_id: str) -> Film:
    """Read a film's row."""
    with app.app_context():
        return db.session.get_one(Film, film_id)


def make_app(settings: Settings) -> Flask:
    """Build an application with its tables."""
    app = create_app(settings)
    with app.app_context():
        db.create_all()
    return app
