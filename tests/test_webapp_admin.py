"""The administrator's list: behind a password of its own, with all jobs and nobody's content."""

import re
import time
from pathlib import Path

import pytest
from flask import Flask
from web_service import Visitor, make_app, sentence
from werkzeug.test import TestResponse

from webapp.settings import Settings
from webapp.tables import Film, Gallery, Picture, Song, State, db

SECRET = "open sesame"  # noqa: S105, of these tests
TITLE = "Nachtlied"


class Clock:
    """A clock that goes when the test lets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead_s = 0.0
        for name in ("time", "monotonic"):
            tell = getattr(time, name)
            monkeypatch.setattr(time, name, lambda tell=tell: tell() + self._ahead_s)

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock for the application."""
    return Clock(monkeypatch)


@pytest.fixture
def app(tmp_path: Path, tiny_theme: str) -> Flask:
    """Return an application with an administrator."""
    return make_app(Settings(instance=tmp_path / "instance", admin_password=SECRET))


@pytest.fixture
def admin(app: Flask) -> Visitor:
    """Return an administrator who has come in."""
    admin = Visitor(app)
    assert enter(admin).status_code == 303
    return admin


def enter(visitor: Visitor, password: str = SECRET) -> TestResponse:
    """Give a password."""
    return visitor.post("/admin/enter", {"password": password})


def add_jobs(app: Flask) -> dict[str, str]:
    """Put jobs of every kind and state into the tables; return their identities."""
    with app.app_context():
        sound = {"title": TITLE, "sha256": "", "sample_rate": 44_100, "n_channels": 2}
        song = Song(visitor="v" * 32, n_samples=441_000, n_promised_samples=441_000, **sound)
        song.state = State.DONE
        film = Film(song=song, recipe="{}", state=State.RUNNING, stage="paint", n_tries=2)
        film.n_done, film.n_steps, film.created_s = 12, 48, time.time() - 600
        failed = Film(song=song, recipe="{}", state=State.FAILED, error="The disk is full.")
        gallery = Gallery(theme="tiny", weights="w", first_seed=24, state=State.DONE)
        shape = {"theme": "tiny", "weights": "w", "width": 640, "height": 360}
        picture = Picture(visitor="v" * 32, name=f"{TITLE}.jpg", state=State.DONE, **shape)
        db.session.add_all([song, film, failed, gallery, picture])
        db.session.commit()
        jobs = {"song": song.id, "film": film.id, "failed": failed.id, "gallery": gallery.id}
        jobs["picture"] = picture.id
    instance = Path(app.instance_path)
    (instance / "songs" / f"{jobs['song']}.wav").write_bytes(bytes(2_000_000))
    (instance / "work" / jobs["film"]).mkdir(parents=True)
    (instance / "work" / jobs["film"] / "0.mp4").write_bytes(bytes(300_000))
    stills = instance / "stills" / "tiny" / "w"
    stills.mkdir(parents=True)
    (stills / "24.jpg").write_bytes(bytes(100_000))
    return jobs


def entry(page: str, identity: str) -> str:
    """Read what the list says of a job, without its marks."""
    items = [item for item in page.split('<li class="job"')[1:] if identity in item]
    return " ".join(re.sub(r"<[^>]+>", " ", items[0].split(">", 1)[1]).split())


def test_without_a_password_in_the_settings_there_is_no_list(
    tmp_path: Path, tiny_theme: str
) -> None:
    visitor = Visitor(make_app(Settings(instance=tmp_path / "instance")))
    assert visitor.get("/admin").status_code == 404
    assert visitor.get("/admin/enter").status_code == 404
    assert enter(visitor, "").status_code == 404


def test_nobody_comes_in_without_the_password(app: Flask) -> None:
    jobs = add_jobs(app)
    stranger = Visitor(app)
    acts = [f"/admin/films/{jobs['failed']}/{act}" for act in ("cancel", "delete")]
    for answer in (stranger.get("/admin"), *map(stranger.post, acts)):
        assert (answer.status_code, answer.location) == (303, "/admin/enter")
    with app.app_context():
        assert db.session.get(Film, jobs["failed"])
    answer = enter(stranger, "open barley")
    assert (answer.status_code, sentence(answer)[:24]) == (403, "That is not the password")
    assert stranger.get("/admin").status_code == 303


def test_the_list_says_what_each_job_is_and_takes(app: Flask, admin: Visitor) -> None:
    jobs = add_jobs(app)
    page = admin.get("/admin").text
    film = entry(page, jobs["film"])
    for words in ("Film, song of 0:10", "Painting the film", "10 minutes old", "2 tries", "0.3 MB"):
        assert words in film
    assert 'value="0.25"' in page
    assert "Failed" in entry(page, jobs["failed"])
    assert "The disk is full." in entry(page, jobs["failed"])
    assert "2.0 MB" in entry(page, jobs["song"])
    assert "Stills of tiny, from 24" in entry(page, jobs["gallery"])
    assert "0.1 MB" in entry(page, jobs["gallery"])
    assert "1 running" in page


def test_the_list_tells_visitors_apart_and_nothing_of_them(app: Flask, admin: Visitor) -> None:
    jobs = add_jobs(app)
    other = Visitor(app).new_song(0.3, name=f"{TITLE}.wav")
    page = admin.get("/admin").text
    names = {
        name: entry(page, jobs[name]).split("visitor ")[1][:6]
        for name in ("song", "film", "picture")
    }
    assert len(set(names.values())) == 1
    assert entry(page, other).split("visitor ")[1][:6] != names["song"]
    assert TITLE not in page
    assert "v" * 32 not in page
    assert not re.findall(r"<(?:img|video|audio|source)", page)


def test_jobs_are_cancelled_and_deleted(app: Flask, admin: Visitor) -> None:
    jobs = add_jobs(app)
    refused = admin.post(f"/admin/songs/{jobs['song']}/delete")
    assert (refused.status_code, sentence(refused)[:26]) == (400, "A worker is at this job, o")
    assert admin.post(f"/admin/films/{jobs['film']}/delete").status_code == 400
    assert admin.post(f"/admin/films/{jobs['film']}/cancel").status_code == 303
    with app.app_context():
        assert db.session.get_one(Film, jobs["film"]).state == State.CANCELLED
    kinds = {"galleries": "gallery", "pictures": "picture", "films": "film", "songs": "song"}
    for kind, name in kinds.items():
        assert admin.post(f"/admin/{kind}/{jobs[name]}/delete").status_code == 303
    with app.app_context():
        left = [db.session.get(Song, jobs["song"]), db.session.get(Film, jobs["failed"])]
        assert [*left, db.session.get(Picture, jobs["picture"])] == [None] * 3
    instance = Path(app.instance_path)
    assert not [*instance.rglob("*.wav"), *instance.rglob("*.mp4"), *instance.rglob("24.jpg")]
    for nothing in ("films/nobody", "visitors/x"):
        assert admin.post(f"/admin/{nothing}/cancel").status_code == 404


def test_a_forged_form_does_nothing(app: Flask, admin: Visitor) -> None:
    jobs = add_jobs(app)
    for act in ("cancel", "delete"):
        answer = admin._client.post(f"/admin/films/{jobs['failed']}/{act}")
        assert answer.status_code == 400
    with app.app_context():
        assert db.session.get(Film, jobs["failed"])


def test_the_door_closes_after_an_hour(app: Flask, admin: Visitor, clock: Clock) -> None:
    clock.go(3500)
    assert admin.get("/admin").status_code == 200
    clock.go(200)
    assert admin.get("/admin").location == "/admin/enter"
    enter(admin)
    assert admin.get("/admin").status_code == 200
    assert "no-store" in admin.get("/admin").headers["Cache-Control"]
    assert admin.post("/admin/leave").status_code == 303
    assert admin.get("/admin").location == "/admin/enter"


def test_another_password_closes_the_door(app: Flask, admin: Visitor) -> None:
    settings = Settings(instance=Path(app.instance_path), admin_password="another")  # noqa: S106
    cookie = admin._client.get_cookie("tonfilm")
    assert cookie is not None
    later = Visitor(make_app(settings))
    later._client.set_cookie("tonfilm", cookie.value)
    assert later.get("/admin").location == "/admin/enter"


def test_whoever_tries_passwords_out_waits_longer_each_time(app: Flask, clock: Clock) -> None:
    guesser = Visitor(app)
    for wait_s in (1, 2, 4, 8, 16, 32, 60, 60):
        assert enter(guesser, "open barley").status_code == 403
        # Not even the right one is looked at, or guesses in a hurry would be answered.
        too_soon = enter(guesser)
        assert (too_soon.status_code, f"wait {wait_s} s" in sentence(too_soon)) == (429, True)
        clock.go(wait_s - 0.5)
        assert enter(guesser).status_code == 429
        clock.go(0.6)
    assert enter(guesser).status_code == 303
    assert enter(guesser, "open barley").status_code == 403, "it begins anew"
    clock.go(1.1)
    assert enter(guesser).status_code == 303


def test_older_jobs_are_on_the_next_page(app: Flask, admin: Visitor) -> None:
    jobs = add_jobs(app)
    with app.app_context():
        for n in range(50):
            made = Gallery(theme="tiny", weights="x", first_seed=n, state=State.DONE)
            db.session.add(made)
        db.session.commit()
    first, second = admin.get("/admin").text, admin.get("/admin?page=1").text
    assert first.count('class="job"') == 50
    assert jobs["film"] in second
    assert jobs["film"] not in first
    assert "Older" in first
    assert "Older" not in second


def test_a_job_that_was_cancelled_can_be_begun_again(app: Flask, admin: Visitor) -> None:
    visitor = Visitor(app)
    song_id = visitor.new_song(0.3)
    admin.post(f"/admin/songs/{song_id}/cancel")
    page = visitor.get(f"/songs/{song_id}").text
    assert "Tonfilm was stopped while it listened" in page
    visitor.post(f"/songs/{song_id}/again")
    with app.app_context():
        assert db.session.get_one(Song, song_id).state == State.QUEUED
