"""Which worker is at which segment: nobody paints what another paints, and nothing is left over."""

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import music
from flask import Flask
from sqlalchemy import Engine
from web_service import Visitor, film_row, sentence, wav, work

from film.encoding import SegmentWriter
from film.segments import Segment
from spectro.errors import TonfilmError
from webapp import jobs, leases
from webapp.claims import STRETCH, Claims, Standing, choose
from webapp.jobs import help_render, render
from webapp.leases import MAX_TRIES, Help, Lease, TurnOverError
from webapp.service import service
from webapp.sweeper import sweep
from webapp.tables import Film, FilmSegment, Song, State, db

pytest_plugins = ["web_fixtures"]

SEGMENTS = tuple(Segment(first_frame=n, stop_frame=n + 8) for n in range(0, 80, 8))


def stand(signs: str) -> list[Standing]:
    """Read where segments stand: "." is free, "x" whole, "o" in somebody's hands."""
    return [
        Standing(segment=segment, is_free=sign == ".", is_whole=sign == "x", n_tries=0)
        for segment, sign in zip(SEGMENTS, signs, strict=False)
    ]


@pytest.mark.parametrize(
    ("signs", "before", "chosen"),
    [
        ("........", None, 0),
        ("xo......", 1, 2),  # the next of the stretch
        ("xxxx....", 3, 4),  # the first stretch that is free, which goes on
        ("xo......", None, 4),  # not the stretch that another is at
        ("xo..oooo", None, 2),  # but rather that than nothing
        ("oooo....", 0, 4),
        ("x..xx...", None, 1),  # what somebody has left
        ("xoxoxxxx", 1, None),
        ("xoooxxo.", 6, 7),
    ],
)
def test_stretches_are_kept_together(signs: str, before: int | None, chosen: int | None) -> None:
    found = choose(stand(signs), None if before is None else SEGMENTS[before])
    assert (found and found.segment) == (None if chosen is None else SEGMENTS[chosen])


@pytest.fixture
def film_id(app: Flask, visitor: Visitor) -> Iterator[str]:
    """Return a film of which nothing is made, and no worker at it."""
    identity = visitor.new_film(visitor.new_song(0.5))
    with app.app_context():
        yield identity


def lead(engine: Engine, film_id: str) -> tuple[Lease, Claims]:
    """Let a worker lead the making of a film."""
    lease = leases.claim(engine, Film, film_id, 20)
    assert lease is not None
    return lease, Claims(engine, film_id, lease, 20, lambda: None)


def aid(engine: Engine, film_id: str) -> Claims:
    """Let a worker help with it."""
    return Claims(engine, film_id, Help(engine, Film, film_id, 20), 20, lambda: None)


def states() -> str:
    """Read where the rows stand, as `stand` writes it."""
    db.session.rollback()
    rows = db.session.scalars(db.select(FilmSegment).order_by(FilmSegment.first_frame))
    return "".join({"queued": ".", "running": "o", "done": "x"}[row.state] for row in rows)


def test_two_workers_share_a_film(film_id: str) -> None:
    _, first = lead(db.engine, film_id)
    first.open(SEGMENTS, SEGMENTS[1:])
    assert states() == "x........."
    second = aid(db.engine, film_id)
    ours, theirs = first.take(), second.take()
    taken = [next(ours), next(theirs), next(ours), next(theirs), next(ours), next(ours)]
    assert taken == [SEGMENTS[n] for n in (1, 4, 2, 5, 3, 8)]
    for segment in taken[:3]:
        first.finish(segment)
    assert states() == "xxx.xo..o.".replace(".", "o", 1)
    second.give_back()
    assert states() == "xxxox...o."
    assert [s.first_frame // 8 for s in second.take()] == [5, 6, 7, 9]


def test_a_dead_workers_segments_go_to_others(film_id: str) -> None:
    _, first = lead(db.engine, film_id)
    first.open(SEGMENTS, SEGMENTS)
    dead = aid(db.engine, film_id)
    assert len([segment for segment, _ in zip(dead.take(), range(3), strict=False)]) == 3
    assert len(list(first.take())) == len(SEGMENTS) - 4
    assert list(first.take()) == []
    with db.engine.begin() as connection:
        connection.execute(db.update(FilmSegment).values(heartbeat_s=time.time() - 21))
    assert next(first.take()) == SEGMENTS[0]


def test_signs_of_life_keep_the_claims(film_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_S", 0.02)
    lease, claims = lead(db.engine, film_id)
    claims.open(SEGMENTS, SEGMENTS)
    next(claims.take())
    with db.engine.begin() as connection:
        connection.execute(db.update(FilmSegment).values(heartbeat_s=0.0))
    with lease:
        deadline_s = time.monotonic() + 3
        while time.monotonic() < deadline_s:
            db.session.rollback()
            row = db.session.get_one(FilmSegment, (film_id, 0))
            if row.heartbeat_s:
                break
    assert row.heartbeat_s > time.time() - 20


def test_a_segment_that_kills_its_workers_is_given_up(film_id: str) -> None:
    _, claims = lead(db.engine, film_id)
    claims.open(SEGMENTS, SEGMENTS)
    for _ in range(MAX_TRIES):
        assert next(claims.take()) == SEGMENTS[0]
        with db.engine.begin() as connection:
            connection.execute(db.update(FilmSegment).values(heartbeat_s=0.0))
    with pytest.raises(TonfilmError, match="a smaller picture"):
        next(claims.take())


def test_a_film_that_comes_on_is_not_given_up(film_id: str) -> None:
    for place in range(MAX_TRIES + 2):  # each time a worker dies after a segment
        _, claims = lead(db.engine, film_id)
        claims.open(SEGMENTS, SEGMENTS[place:])
        segment = next(claims.take())
        assert segment == SEGMENTS[place]
        claims.finish(segment)
        with db.engine.begin() as connection:
            connection.execute(db.update(Film).values(heartbeat_s=0.0))


def test_another_plan_replaces_the_rows(film_id: str) -> None:
    _, claims = lead(db.engine, film_id)
    claims.open(SEGMENTS, SEGMENTS[4:])
    claims.open(SEGMENTS[:2], SEGMENTS[:2])
    assert states() == ".."


def test_a_turn_ends_between_segments(film_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TURN_S", 0.0)
    monkeypatch.setattr(Lease, "others_wait", True)
    _, claims = lead(db.engine, film_id)
    claims.open(SEGMENTS, SEGMENTS)
    assert list(claims.take()) == [SEGMENTS[0]]
    with pytest.raises(TurnOverError):
        claims.wait()


def test_help_is_called_for_long_films_alone(film_id: str) -> None:
    lease, _ = lead(db.engine, film_id)
    called: list[str] = []
    claims = Claims(db.engine, film_id, lease, 20, lambda: called.append("help"))
    claims.open(SEGMENTS, SEGMENTS[:STRETCH])
    assert not called
    claims.open(SEGMENTS, SEGMENTS)
    assert called == ["help"]


def test_deleting_a_film_deletes_its_segments(film_id: str, visitor: Visitor) -> None:
    _, claims = lead(db.engine, film_id)
    claims.open(SEGMENTS, SEGMENTS)
    leases.cancel(db.engine, Film, film_id)
    assert visitor.post(f"/films/{film_id}/delete").status_code == 303
    assert states() == ""


def ask_for_a_long_film(app: Flask, visitor: Visitor) -> str:
    """Ask for a film of four segments; its song is small enough for a test to send from memory."""
    song = wav(music(7.5, sample_rate=8_000)[:, 0], 8_000)
    song_id = visitor.upload(song).location.rsplit("/", 1)[1]
    work(app, Song)
    return visitor.new_film(song_id)


def test_two_workers_make_one_film(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One leads; the other, woken by it, paints a stretch that the first then finds there."""
    monkeypatch.setattr("webapp.claims.STRETCH", 1)
    helped, led, finish = threading.Event(), threading.Event(), SegmentWriter.finish
    paths: dict[str, list[str]] = {"leads": [], "helps": []}

    def note(writer: SegmentWriter) -> None:
        name = threading.current_thread().name
        if name == "leads":  # so that the other one comes to something
            led.set()
            helped.wait(60)
        finish(writer)
        paths[name].append(writer._path.name)

    monkeypatch.setattr(SegmentWriter, "finish", note)
    film_id = ask_for_a_long_film(app, visitor)

    def do(task: object) -> None:
        with app.app_context():
            assert callable(task)
            task(film_id)
        if threading.current_thread().name == "helps":
            helped.set()

    threads = [
        threading.Thread(target=do, args=(task,), name=name)
        for name, task in (("leads", render), ("helps", help_render))
    ]
    threads[0].start()
    assert led.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join()
    assert film_row(app, film_id).state == State.DONE
    assert paths["leads"]
    assert paths["helps"]
    assert not set(paths["leads"]) & set(paths["helps"])


def test_nobody_helps_where_nobody_leads(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(jobs, "_call_help", called.append)
    film_id = visitor.new_film(visitor.new_song(0.5))
    with app.app_context():
        help_render(film_id)
        assert not service().storage.work(film_id).exists()
    assert not called
    assert film_row(app, film_id).state == State.QUEUED


def test_a_full_disk_puts_a_film_off(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    film_id = visitor.new_film(visitor.new_song(2.5))
    finish = SegmentWriter.finish
    n_left = [1]

    def fill_up(writer: SegmentWriter) -> None:
        if not n_left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n_left[0] -= 1
        finish(writer)

    monkeypatch.setattr(SegmentWriter, "finish", fill_up)
    work(app)
    film = film_row(app, film_id)
    assert (film.state, film.n_tries, film.error) == (State.QUEUED, 0, "")
    assert "The disk is full" in visitor.get(f"/films/{film_id}").text
    assert visitor.get(f"/films/{film_id}/status.json").json["words"].startswith("The disk is full")
    n_left[0] = 9  # somebody has made room
    woken: list[str] = []
    monkeypatch.setattr("webapp.sweeper.wake", lambda _, identity: woken.append(identity))
    sweep(app, unsent_s=60.0)
    assert not woken, "not at once"
    sweep(app, unsent_s=0.0)
    assert woken == [film_id]
    work(app)
    assert film_row(app, film_id).state == State.DONE
    assert "found from an earlier try" in visitor.get(f"/films/{film_id}").text


def test_what_was_killed_leaves_no_trace(app: Flask, visitor: Visitor) -> None:
    """Files that a power cut has left half written do not come into the film."""
    film_id = visitor.new_film(visitor.new_song(2.5))
    with app.app_context():
        folder: Path = service().storage.work(film_id)
        folder.mkdir(parents=True)
        (folder / "recipe.json").write_bytes(b"")
        (folder / "00000000-00000008.mp4").write_bytes(b"\0" * 1000)
        (folder / ".00000008-00000024.mp4.0123abcd.part").write_bytes(b"half")
    work(app)
    assert film_row(app, film_id).state == State.DONE
    assert not folder.exists()
    assert sentence(visitor.get(f"/films/{film_id}")) == ""
