"""Songs at the door: good ones are taken, bad ones are answered by one sentence."""

import hashlib
import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import clicks, music
from flask import Flask
from kombu.exceptions import OperationalError
from web_service import Visitor, film_fields, sentence, wav, work

from webapp import leases
from webapp.settings import Settings
from webapp.storage import title_of
from webapp.tables import Song, State, db

pytest_plugins = ["web_fixtures"]

SECOND = 44_100


def header_only() -> bytes:
    """Write a WAV that promises samples and has none."""
    return wav(music(0.1))[:44]


def with_samples(value: float) -> bytes:
    """Write a float WAV that holds one odd sample."""
    samples = np.zeros(SECOND, np.float32)
    samples[SECOND // 2] = value
    return wav(samples, subtype="FLOAT")


BAD = {
    "text": (b"This is no sound at all, whatever its name says.", "not a WAV"),
    "mp3": (b"ID3\x04\x00\x00" + bytes(4000), "not a WAV"),
    "empty": (b"", "is empty"),
    "header only": (header_only(), "no sound"),
    "no samples": (wav(np.zeros(0, np.float32)), "no sound"),
    "not a number": (with_samples(float("nan")), "not numbers"),
    "infinite": (with_samples(float("inf")), "endless"),
    "too long": (wav(np.zeros(9 * 8000, np.float32), 8000), "too long"),
    "nine channels": (wav(np.zeros((100, 9), np.float32)), "9 channels"),
    "broken header": (b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(30), "WAV"),
}


SEEN_AT_ONCE = {"text", "mp3", "empty"}


def files(app: Flask, folder: str) -> list[str]:
    """List what a folder of the instance holds."""
    return [path.name for path in (Path(app.instance_path) / folder).iterdir()]


@pytest.mark.parametrize(("kind", "content", "reason"), [(k, *v) for k, v in BAD.items()])
def test_a_bad_song_is_refused_by_one_sentence(
    app: Flask, visitor: Visitor, kind: str, content: bytes, reason: str
) -> None:
    """At once where its first bytes tell, else on its page when the worker has looked into it."""
    answer = visitor.upload(content, "my song.wav")
    assert answer.status_code == (400 if kind in SEEN_AT_ONCE else 303)
    if answer.status_code == 303:
        work(app, Song)
        page = answer.location
        answer = visitor.get(page)
        assert "Listen again" not in answer.text
        assert "cannot be used" in visitor.get("/").text
        assert visitor.get(f"{page}/song.wav").status_code == 404
        visitor.post(f"{page}/again")
        work(app, Song)
        assert sentence(visitor.get(page)) == sentence(answer), "what is gone is not looked for"
    said = sentence(answer)
    assert reason in said
    assert "“my song”" in said
    assert said.endswith(".")
    assert said.count(". ") == 0
    assert "Traceback" not in answer.text
    with app.app_context():
        songs = db.session.scalars(db.select(Song)).all()
        assert [song.state for song in songs] == [State.FAILED] * (kind not in SEEN_AT_ONCE)
    assert files(app, "uploads") == []
    assert files(app, "songs") == []


def test_a_song_is_checked_by_the_worker_before_films_can_be_ordered(
    app: Flask, visitor: Visitor
) -> None:
    page = visitor.upload(wav(music(1.0)), "song.wav").location
    assert "Listening …" in visitor.get(page).text
    assert "listening …" in visitor.get("/").text
    for answer in (visitor.get(f"{page}/film"), visitor.post(f"{page}/film", film_fields())):
        assert (answer.status_code, answer.location) == (303, page)
    work(app, Song)
    text = visitor.get(page).text
    assert "<span>0:01</span>" in text
    assert "44.1 kHz, stereo" in text
    assert visitor.get(f"{page}/film").status_code == 200
    assert visitor.post(f"{page}/film", film_fields()).location.startswith("/films/")


def test_the_pages_do_not_decode_what_strangers_send(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a page has opened a stranger's sound")

    monkeypatch.setattr("soundfile.SoundFile", refuse)
    page = visitor.upload(b"RIFF\0\0\0\0WAVE" + bytes(100), "song.wav").location
    assert visitor.get(page).status_code == 200
    assert visitor.get("/").status_code == 200


def test_a_worker_told_to_stop_leaves_a_song_that_it_looks_into(
    app: Flask, visitor: Visitor
) -> None:
    page = visitor.upload(wav(music(1.0))).location
    leases.stopping.set()
    try:
        work(app, Song)
    finally:
        leases.stopping.clear()
    with app.app_context():
        assert db.session.scalars(db.select(Song)).one().state == State.QUEUED
    work(app, Song)
    assert "Choose pictures" in visitor.get(page).text


def test_a_good_song_outlives_lower_limits(
    app: Flask, visitor: Visitor, settings: Settings
) -> None:
    """Its films were made from it; only what never was a song is thrown away."""
    song_id = visitor.new_song(2.0)
    parts = replace(app.extensions["tonfilm"], settings=replace(settings, max_song_s=1.0))
    app.extensions["tonfilm"] = parts
    work(app, Song)
    page = visitor.get(f"/songs/{song_id}")
    assert "is too long" in sentence(page)
    assert "Listen again" in page.text
    assert files(app, "songs") == [f"{song_id}.wav"]


def test_a_form_without_a_file_is_refused(visitor: Visitor) -> None:
    answer = visitor.post("/songs", {"song": (io.BytesIO(b""), "")})
    assert (answer.status_code, sentence(answer)) == (400, "Choose a WAV file first.")


def test_too_large_a_file_is_refused(app: Flask, visitor: Visitor) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10_000  # the real limit would take a real megabyte
    answer = visitor.upload(wav(music(0.5)))
    assert answer.status_code == 413
    assert sentence(answer) == "The file is too large: choose one of at most 2 MB."


def test_a_song_is_taken_under_a_name_of_our_own(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(name="../../etc/Meine Lieder/Frühling.wav")
    with app.app_context():
        song = db.session.get_one(Song, song_id)
        assert (song.title, song.state) == ("Frühling", State.QUEUED)
    names = [path.name for path in Path(app.instance_path).rglob("*") if path.is_file()]
    assert f"{song_id}.wav" in names
    assert not [name for name in names if "Fr" in name]


def test_the_message_is_sent_after_the_row_is_there(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is quicker than the page must find the row."""
    seen = []

    def send_task(_name: str, args: tuple[str]) -> None:
        with db.engine.connect() as other:
            seen.append(other.scalar(db.select(Song.state).where(Song.id == args[0])))

    monkeypatch.setattr(app.extensions["celery"], "send_task", send_task)
    visitor.upload(wav(clicks(1.0)))
    assert State.QUEUED in seen


def test_a_song_waits_while_the_broker_is_down(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is there, so the sweep will find it."""

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("nobody is there")

    monkeypatch.setattr(app.extensions["celery"], "send_task", fail)
    song_id = visitor.new_song()
    with app.app_context():
        assert leases.find_lost(db.engine, Song, lease_s=20, unsent_s=0) == [song_id]


def test_what_the_check_finds_stands_in_the_row(app: Flask, visitor: Visitor) -> None:
    content = wav(music(1.0))
    visitor.upload(content)
    work(app, Song)
    with app.app_context():
        song = db.session.scalars(db.select(Song)).one()
        assert (song.sample_rate, song.n_channels, song.n_samples) == (44_100, 2, 44_100)
        assert song.n_promised_samples == 44_100
        assert song.sha256 == hashlib.sha256(content).hexdigest()


def test_a_truncated_song_is_taken_and_the_page_says_so(app: Flask, visitor: Visitor) -> None:
    answer = visitor.upload(wav(music(2.0))[: SECOND * 4])
    assert answer.status_code == 303
    work(app, Song)
    assert "ends before its header promised" in visitor.get(answer.location).text


@pytest.mark.parametrize("samples", [np.zeros(SECOND), np.ones(1), np.full(SECOND, 9.0)])
def test_silence_one_sample_and_loud_floats_are_songs(
    app: Flask, visitor: Visitor, samples: np.ndarray
) -> None:
    page = visitor.upload(wav(samples, subtype="FLOAT")).location
    work(app, Song)
    assert "Choose pictures" in visitor.get(page).text


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("song.wav", "song"),
        ('C:\\Music\\A: the "best"?.WAV', "A the best"),
        ("../../secret.wav", "secret"),
        ("two\r\nlines\x00.wav", "two lines"),
        (".wav", "Untitled"),
        ("", "Untitled"),
        ("ünïcödé 音楽.wav", "ünïcödé 音楽"),
        ("x" * 300 + ".wav", "x" * 80),
    ],
)
def test_titles_are_safe_file_names(name: str, title: str) -> None:
    assert title_of(name) == title


def test_the_demo_song_is_one_click_away(app: Flask, visitor: Visitor) -> None:
    assert "Try the demo song" not in visitor.get("/").text
    assert visitor.post("/songs/demo").status_code == 400
    (Path(app.instance_path) / "demo.wav").write_bytes(wav(music(1.0)))
    assert "Try the demo song" in visitor.get("/").text
    answer = visitor.post("/songs/demo")
    assert "Demo song" in visitor.get(answer.location).text


def test_a_full_disk_is_told_in_plain_words(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, path: Path) -> None:
        path.write_bytes(b"half a song")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("werkzeug.datastructures.FileStorage.save", refuse)
    answer = visitor.upload(wav(music(0.2)))
    assert not list((Path(app.instance_path) / "uploads").iterdir())
    assert answer.status_code == 413
    assert sentence(answer).startswith("The disk is full")
