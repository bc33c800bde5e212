"""A song that comes in pieces: it goes on where it was, and is its owner's alone."""

import io
import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from conftest import music
from flask import Flask
from web_service import wav, work
from werkzeug.test import TestResponse

from webapp.retention import UNFINISHED_S
from webapp.sweeper import sweep
from webapp.tables import Song, State, Upload, db

pytest_plugins = ["web_fixtures"]

SONG = wav(music(1.0))
JSON = {"Accept": "application/json"}


class Sender:
    """The script of the first page."""

    def __init__(self, app: Flask, client: Any = None) -> None:
        self._client = client or app.test_client()
        page = self._client.get("/").text
        self._token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)[0]

    @property
    def _headers(self) -> dict[str, str]:
        return {**JSON, "X-CSRFToken": self._token}

    def begin(self, n_bytes: int, name: str = "My song.wav", changed: str = "1") -> TestResponse:
        """Open an upload."""
        fields = {"name": name, "size": str(n_bytes), "changed": changed}
        answer: TestResponse = self._client.post("/uploads", data=fields, headers=self._headers)
        return answer

    def send(self, address: str, place: int | str, piece: bytes, **headers: str) -> TestResponse:
        """Send a piece."""
        answer: TestResponse = self._client.patch(
            address,
            data=piece,
            content_type="application/offset+octet-stream",
            headers={**self._headers, "Upload-Offset": str(place), **headers},
        )
        return answer

    def ask(self, address: str) -> TestResponse:
        """Ask how much is there."""
        answer: TestResponse = self._client.get(address, headers=JSON)
        return answer

    def forget(self, address: str) -> TestResponse:
        """Stop an upload."""
        answer: TestResponse = self._client.post(f"{address}/delete", headers=self._headers)
        return answer

    def home(self) -> str:
        """Load the first page."""
        return str(self._client.get("/").text)


@pytest.fixture
def sender(app: Flask) -> Sender:
    return Sender(app)


def begun(sender: Sender, content: bytes = SONG, **changes: str) -> str:
    """Open an upload; return its address."""
    answer = sender.begin(len(content), **changes)
    assert answer.status_code == 201, answer.text
    assert answer.json["offset"] == 0
    address: str = answer.json["address"]
    return address


def arrived(app: Flask) -> list[Path]:
    """List the files that are still arriving."""
    return list((Path(app.instance_path) / "uploads").iterdir())


def test_a_song_comes_in_pieces(app: Flask, sender: Sender) -> None:
    address, size = begun(sender), 50_000
    for place in range(0, len(SONG), size):
        assert sender.ask(address).json["offset"] == place
        answer = sender.send(address, place, SONG[place : place + size])
        assert answer.status_code == 200
    page = answer.json["song"]
    assert page.startswith("/songs/")
    work(app, Song)
    with app.app_context():
        song = db.session.scalars(db.select(Song)).one()
        assert (song.title, song.state, song.n_samples) == ("My song", State.DONE, 44_100)
        assert not db.session.scalars(db.select(Upload)).all()
    stored = Path(app.instance_path) / "songs" / f"{page.rsplit('/', 1)[1]}.wav"
    assert stored.read_bytes() == SONG
    assert arrived(app) == []


def test_a_piece_at_a_wrong_place_is_told_the_right_one(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    sender.send(address, 0, SONG[:1000])
    for place in (0, 999, 1001, len(SONG), -1, "x", ""):
        answer = sender.send(address, place, b"never written")
        assert (answer.status_code, answer.json["offset"]) == (409, 1000)
    assert arrived(app)[0].read_bytes() == SONG[:1000]


class Breaking(io.RawIOBase):
    """A body of which only a part comes."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readinto(self, buffer: Any) -> int:
        """Read on; the line breaks at the end."""
        n_read = self._content.readinto(buffer)
        if not n_read:
            raise ConnectionResetError
        return n_read

    def readable(self) -> bool:
        """Say that it can be read."""
        return True


def test_what_came_before_a_break_is_kept(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    environment = {
        "wsgi.input": io.BufferedReader(Breaking(SONG[:100_000])),
        "CONTENT_LENGTH": str(len(SONG)),
        "CONTENT_TYPE": "application/offset+octet-stream",
    }
    headers = {**sender._headers, "Upload-Offset": "0"}
    answer = sender._client.patch(address, headers=headers, environ_overrides=environment)
    assert answer.status_code == 400
    there = sender.ask(address).json["offset"]
    assert 0 < there <= 100_000
    assert sender.send(address, there, SONG[there:]).json["song"]


def test_the_same_file_goes_on_after_the_page_was_loaded_again(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    sender.send(address, 0, SONG[: len(SONG) // 2])
    assert "50 % of “My song”" in sender.home()
    later = Sender(app, sender._client).begin(len(SONG)).json
    assert (later["address"], later["offset"]) == (address, len(SONG) // 2)
    for other in (
        sender.begin(len(SONG), changed="2"),
        sender.begin(len(SONG), name="Other.wav"),
        sender.begin(len(SONG) + 1),
        Sender(app).begin(len(SONG)),
    ):
        assert other.json["address"] != address
        assert other.json["offset"] == 0


def test_a_lost_last_answer_is_given_again(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    page = sender.send(address, 0, SONG).json["song"]
    assert sender.ask(address).json["song"] == page
    assert sender.send(address, len(SONG), b"").json["song"] == page
    with app.app_context():
        assert len(db.session.scalars(db.select(Song)).all()) == 1


def test_a_whole_file_whose_song_was_not_made_yet_is_finished(
    app: Flask, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun(sender)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("webapp.arrivals.finish", fail)
        assert sender.send(address, 0, SONG).status_code == 500
    assert sender.ask(address).json["offset"] == len(SONG)
    assert sender.send(address, len(SONG), b"").json["song"]


def test_a_late_block_of_a_broken_connection_changes_nothing(
    app: Flask, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one request waits for the network another one may have written on."""
    address = begun(sender)
    overtaken = []

    class Slow(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            n_read = super().readinto(buffer)
            if not overtaken:
                overtaken.append(sender.send(address, 0, SONG[:5000]).json["offset"])
            return n_read

    answer = sender._client.patch(
        address,
        headers={**sender._headers, "Upload-Offset": "0"},
        environ_overrides={
            "wsgi.input": Slow(bytes(7000)),
            "CONTENT_LENGTH": "7000",
            "CONTENT_TYPE": "application/offset+octet-stream",
        },
    )
    assert overtaken == [5000]
    assert (answer.status_code, answer.json["offset"]) == (409, 5000)
    assert arrived(app)[0].read_bytes() == SONG[:5000]


def test_more_than_was_promised_is_refused(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    answer = sender.send(address, 0, SONG + b"more")
    assert answer.status_code == 400
    assert answer.json == {"sentence": "The file has grown since it was chosen: choose it again."}
    assert sender.ask(address).status_code == 404
    assert arrived(app) == []


@pytest.mark.parametrize(
    ("n_bytes", "reason"),
    [(0, "“My song” is empty"), (-5, "is empty"), ((2 << 20) + 1, "“My song” is too large")],
)
def test_a_file_that_cannot_be_taken_is_not_even_begun(
    app: Flask, sender: Sender, n_bytes: int, reason: str
) -> None:
    answer = sender.begin(n_bytes)
    assert answer.status_code == 400
    assert reason in answer.json["sentence"]
    with app.app_context():
        assert not db.session.scalars(db.select(Upload)).all()


@pytest.mark.parametrize("fields", [{}, {"size": "many"}, {"name": "x" * 10_000, "size": "1e9"}])
def test_odd_words_are_answered(sender: Sender, fields: dict[str, str]) -> None:
    answer = sender._client.post("/uploads", data=fields, headers=sender._headers)
    assert answer.status_code == 400
    assert answer.json["sentence"].endswith(".")


@pytest.mark.parametrize("first", [4, 12, 30_000])
def test_what_is_no_wav_is_refused_with_its_first_bytes(
    app: Flask, sender: Sender, first: int
) -> None:
    content = b"ID3\x04\x00\x00" + bytes(100_000)
    address = begun(sender, content)
    answer = sender.send(address, 0, content[:first])
    if first < 12:
        assert answer.json["offset"] == first
        answer = sender.send(address, first, content[first:5000])
    assert answer.status_code == 400
    assert answer.json["sentence"].startswith("“My song” is not a WAV file")
    assert sender.ask(address).status_code == 404
    assert arrived(app) == []


def test_a_short_file_that_is_no_wav_is_refused(app: Flask, sender: Sender) -> None:
    address = begun(sender, b"short")
    answer = sender.send(address, 0, b"short")
    assert "is not a WAV file" in answer.json["sentence"]
    assert sender.ask(address).status_code == 404
    with app.app_context():
        assert not db.session.scalars(db.select(Song)).all()


def test_nobody_else_sees_an_upload(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    stranger = Sender(app)
    for answer in (
        stranger.ask(address),
        stranger.send(address, 0, SONG),
        stranger.forget(address),
    ):
        assert answer.status_code == 404
    assert sender.send(address, 0, SONG).json["song"]
    assert stranger.ask(address).status_code == 404


def test_a_request_without_the_pages_token_is_refused(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    for method, path in (("post", "/uploads"), ("patch", address), ("post", f"{address}/delete")):
        answer = getattr(sender._client, method)(path, headers={**JSON, "X-CSRFToken": "x"})
        assert answer.status_code == 400
        assert "This page had grown old" in answer.json["sentence"]


def test_an_upload_can_be_stopped(app: Flask, sender: Sender) -> None:
    address = begun(sender)
    sender.send(address, 0, SONG[:1000])
    assert sender.forget(address).status_code == 303
    assert sender.ask(address).status_code == 404
    assert arrived(app) == []
    assert "has arrived" not in sender.home()


def test_what_does_not_go_on_for_a_day_is_swept(app: Flask, sender: Sender) -> None:
    old, fresh, silent = (begun(sender, changed=changed) for changed in ("1", "2", "3"))
    for address in (old, fresh):
        sender.send(address, 0, SONG[:1000])
    left = Path(app.instance_path) / "uploads" / "left.wav"
    left.write_bytes(b"of a page that was ended")
    folder = Path(app.instance_path) / "uploads"
    with app.app_context():
        for upload in db.session.scalars(db.select(Upload)):
            upload.created_s -= UNFINISHED_S + 60
        db.session.commit()
    for path in (folder / f"{old.rsplit('/', 1)[1]}.wav", left):
        os.utime(path, (0, 0))
    sweep(app, 1e9)
    assert [sender.ask(address).status_code for address in (old, fresh, silent)] == [404, 200, 404]
    assert len(arrived(app)) == 1
    again = sender.begin(len(SONG), changed="1").json
    assert (again["address"] != old, again["offset"]) == (True, 0)


def test_a_large_piece_is_never_held_in_memory(app: Flask, sender: Sender) -> None:
    content = SONG[:44] + bytes((2 << 20) - 44)
    address = begun(sender, content)
    tracemalloc.start()
    try:
        answer = sender._client.patch(
            address,
            headers={**sender._headers, "Upload-Offset": "0"},
            environ_overrides={
                "wsgi.input": io.BytesIO(content),
                "CONTENT_LENGTH": str(len(content)),
                "CONTENT_TYPE": "application/offset+octet-stream",
            },
        )
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert answer.json["song"]


def test_a_full_disk_is_told_and_what_came_is_kept(
    app: Flask, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = begun(sender)
    sender.send(address, 0, SONG[:1000])

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("webapp.arrivals._append", refuse)
        answer = sender.send(address, 1000, SONG[1000:])
    assert answer.status_code == 413
    assert answer.json["sentence"].startswith("The disk is full")
    assert sender.ask(address).json["offset"] == 1000
