"""Broken files and odd words: each is answered by a page, and the program goes on."""

import io
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running import ROOT
from web_service import Visitor, film_fields, wav

from spectro.audio import load
from spectro.errors import TonfilmError
from spectro.guarded import MEMORY_BYTES
from webapp.jobs import analyse
from webapp.service import service
from webapp.tables import Song, State, db

pytest_plugins = ["web_fixtures"]

N_BROKEN = 500
N_HEARD = 12  # of those that are good, and of those that are not
MAX_GROWTH_MB = 60.0
SUBTYPES = ("PCM_16", "PCM_24", "PCM_U8", "FLOAT", "ULAW")
# Numbers that programs stumble over: the largest of their kinds, and their neighbours.
ODD = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)


def _plain(rng: np.random.Generator) -> bytearray:
    """Write a good WAV of a twentieth of a second."""
    n_channels = int(rng.integers(1, 4))
    samples = 0.3 * rng.standard_normal((400, n_channels)).astype(np.float32)
    subtype = str(rng.choice(SUBTYPES))
    return bytearray(wav(samples.clip(-1, 1), 8_000, subtype))


def _flip(content: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, min(len(content), 60), int(rng.integers(1, 5))):
        content[place] = int(rng.integers(256))


def _set_number(content: bytearray, rng: np.random.Generator) -> None:
    place, width = int(rng.integers(0, 56)), int(rng.choice([2, 4]))
    number = int(rng.choice(ODD)) & (256**width - 1)
    content[place : place + width] = number.to_bytes(width, "little")


def _cut(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(0, len(content))) :]


def _take_out(content: bytearray, rng: np.random.Generator) -> None:
    place = int(rng.integers(0, 60))
    del content[place : place + int(rng.integers(1, 40))]


def _double(content: bytearray, rng: np.random.Generator) -> None:
    start, stop = sorted(int(place) for place in rng.integers(0, len(content), 2))
    content[start:start] = content[start:stop]


def _put_in(content: bytearray, rng: np.random.Generator) -> None:
    name = bytes(rng.choice([b"LIST", b"data", b"fmt ", b"fact", b"bext", b"\0\0\0\0"]))
    size = int(rng.choice([0, 1, 7, 2**31, 2**32 - 1]))
    chunk = name + size.to_bytes(4, "little") + rng.bytes(int(rng.integers(0, 20)))
    place = int(rng.choice([12, 36, len(content)]))
    content[place:place] = chunk


BREAK: tuple[Callable[[bytearray, np.random.Generator], None], ...] = (
    *(_flip, _set_number, _cut, _take_out, _double, _put_in),
)


def _broken(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    content = _plain(rng)
    for _ in range(int(rng.integers(1, 4))):
        change = BREAK[int(rng.integers(len(BREAK)))]
        if len(content) > 60:
            change(content, rng)
    return bytes(content)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _send_broken(app: Flask) -> dict[int, str]:
    """Send every broken song; return the page of each, or "" where it is refused at once."""
    client = app.test_client()
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/").text)[0]
    pages: dict[int, str] = {}
    before_mb = 0.0
    for seed in range(N_BROKEN):
        if seed == N_BROKEN // 5:
            before_mb = _peak_mb()  # by then everything that is made once is there
        song = (io.BytesIO(_broken(seed)), "broken.wav")
        answer = client.post("/songs", data={"csrf_token": token, "song": song})
        assert answer.status_code in (303, 400), seed
        pages[seed] = answer.location or ""
        if answer.status_code == 400:
            _expect_sentence(re.findall(r'role="alert">([^<]+)</p>', answer.text), seed)
    assert _peak_mb() - before_mb < MAX_GROWTH_MB
    return pages


def _expect_sentence(said: list[str], seed: int) -> None:
    assert len(said) == 1, seed
    assert said[0].endswith("."), seed
    assert "inside Tonfilm" not in said[0], seed


def _check(app: Flask, pages: list[str]) -> list[dict[str, object]]:
    """Have songs looked into as the worker does, but all of them by one child."""
    folder = Path(app.instance_path) / "songs"
    paths = [str(folder / f"{page.rsplit('/', 1)[1]}.wav") for page in pages]
    limits = {"cpu_s": 60, "memory_bytes": MEMORY_BYTES, "max_duration_s": 8.0}
    done = subprocess.run(
        [sys.executable, "-m", "spectro.guarded", json.dumps(limits), *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_five_hundred_broken_songs_are_each_answered(app: Flask) -> None:
    sent = _send_broken(app)
    pages = [page for page in sent.values() if page]
    found = _check(app, pages)
    assert len(found) == len(pages), "the child has outlived all of them"
    good = [page for page, entry in zip(pages, found, strict=True) if "sentence" not in entry]
    bad = [page for page, entry in zip(pages, found, strict=True) if "sentence" in entry]
    for page, entry in zip(pages, found, strict=True):
        _expect_sentence([str(entry.get("sentence", "It is good."))], pages.index(page))
    # Neither all are refused nor all are taken, or this would prove little.
    assert 50 < len(good) < N_BROKEN - 50
    assert len(bad) > 50
    with app.app_context():
        for page in (*good[:: len(good) // N_HEARD], *bad[:: len(bad) // N_HEARD]):
            identity = page.rsplit("/", 1)[1]
            analyse(identity)
            row = db.session.get_one(Song, identity)
            db.session.refresh(row)
            assert row.state == (State.DONE if page in good else State.FAILED), row.error
            assert "inside Tonfilm" not in row.error, row.error
            assert service().storage.song(identity).exists() == (page in good)


def test_what_is_taken_can_be_read_to_its_end(tmp_path: Path) -> None:
    """What is promised at the door holds later: nothing is found broken only while it is read."""
    for seed in range(0, N_BROKEN, 2):
        path = tmp_path / "song.wav"
        path.write_bytes(_broken(seed))
        try:
            audio = load(path)
        except TonfilmError:
            continue
        n_read = sum(len(block) for block in audio.blocks())
        assert n_read == audio.n_samples, seed


FIELDS = sorted(film_fields())
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["nan", "inf", "-1", "1e999", "0x10", "١٢", "", " ", "\0", "a" * 10_000]),
    st.integers().map(str),
    st.floats().map(str),
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "preset", "layer", "preview_s"]), WORDS))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_odd_words_in_any_field_are_answered(
    app: Flask, visitor: Visitor, changes: dict[str, str]
) -> None:
    song_id = _song_of(app, visitor)
    answer = visitor.post(f"/songs/{song_id}/film", film_fields(**changes))
    assert answer.status_code in (303, 400, 404)


def _song_of(app: Flask, visitor: Visitor) -> str:
    with app.app_context():
        known = db.session.scalar(db.select(Song.id).limit(1))
    return known or visitor.new_song(0.3)


@pytest.mark.parametrize("address", ["/songs/%00/film", "/films/..%2f..%2fsecret", "/songs/'--"])
def test_odd_addresses_are_answered(visitor: Visitor, address: str) -> None:
    assert visitor.get(address).status_code in (400, 404)
