"""A preview shows the choices soon, and a short job does not wait for a long one."""

import re
from pathlib import Path

import av
import pytest
from flask import Flask
from web_service import Visitor, film_row, sentence, work

from film.recipe import build_recipe, parse_recipe
from webapp import leases
from webapp.jobs import render
from webapp.leases import Lease
from webapp.previews import preview_of
from webapp.service import service
from webapp.tables import Film, Song, State, db

pytest_plugins = ["web_fixtures"]


def test_a_preview_is_five_seconds_small_and_leads_to_the_film(
    app: Flask, visitor: Visitor
) -> None:
    song_id = visitor.new_song(2.0)
    choices = {"size": "1280x720", "fps": "30", "seed": "3", "level": "0.8"}
    preview_id = visitor.new_film(song_id, preview="yes", preview_s="0", **choices)
    row = film_row(app, preview_id)
    recipe, whole = parse_recipe(row.recipe), parse_recipe(row.whole)
    assert (recipe.width, recipe.height, recipe.quality) == (640, 360, "draft")
    assert (recipe.start_s, recipe.duration_s) == (0.0, 5.0)
    assert (recipe.seed, recipe.level, recipe.fps) == (3, 0.8, 24)
    assert (whole.width, whole.fps, whole.start_s, whole.duration_s) == (1280, 30, 0.0, None)
    work(app)
    page = visitor.get(f"/films/{preview_id}").text
    assert "Render the whole film" in page
    assert "Download MP4" not in page
    with app.app_context(), av.open(service().storage.film(preview_id)) as film:
        assert film.streams.video[0].frames == 48

    again = visitor.get(f"/songs/{song_id}/film?again={preview_id}").text
    (wide,) = re.findall(r'<input[^>]*value="1280x720"[^>]*>', again)
    assert "checked" in wide
    answer = visitor.post(f"/films/{preview_id}/whole")
    film_id = answer.location.rsplit("/", 1)[1]
    assert parse_recipe(film_row(app, film_id).recipe) == whole
    assert film_row(app, film_id).whole == ""
    assert visitor.post(f"/films/{film_id}/whole").status_code == 404


@pytest.mark.parametrize(("asked_s", "start_s"), [(0.0, 0.0), (31.0, 31.0), (58.0, 55.0)])
def test_a_preview_begins_where_it_is_asked_to_if_five_seconds_are_left(
    asked_s: float, start_s: float
) -> None:
    song = Song(n_samples=60 * 44_100, sample_rate=44_100)
    recipe = build_recipe({"theme": "tiny", "keyframes": [1]})
    assert preview_of(recipe, song, asked_s).start_s == start_s


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1280x720", (640, 360)), ("720x1280", (360, 640)), ("720x720", (640, 640))],
)
def test_a_preview_has_the_shape_of_its_film(
    app: Flask, visitor: Visitor, size: str, expected: tuple[int, int]
) -> None:
    preview = visitor.new_film(visitor.new_song(0.5), preview="yes", preview_s="0", size=size)
    recipe = parse_recipe(film_row(app, preview).recipe)
    assert (recipe.width, recipe.height, recipe.start_s) == (*expected, 0.0)


def test_a_new_preview_takes_the_place_of_the_last_one(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.5)
    film_id = visitor.new_film(song_id)
    first = visitor.new_film(song_id, preview="yes", preview_s="0")
    work(app)
    second = visitor.new_film(song_id, preview="yes", preview_s="0")
    assert visitor.get(f"/films/{first}").status_code == 404
    third = visitor.new_film(song_id, preview="yes", preview_s="0")
    assert film_row(app, second).state == State.CANCELLED
    assert visitor.get("/").text.count("Film ·") == 1, "films alone are listed"
    work(app)
    with app.app_context():
        assert {film.id for film in db.session.scalars(db.select(Film))} == {
            film_id,
            second,
            third,
        }
        assert not service().storage.film(first).exists()


def test_a_wrong_start_of_a_preview_is_one_sentence(visitor: Visitor) -> None:
    song_id = visitor.new_song(0.5)
    fields = {"preview": "yes", "preview_s": "soon", "theme": "tiny", "keyframes": "1"}
    answer = visitor.post(f"/songs/{song_id}/film", fields)
    assert answer.status_code == 400
    assert sentence(answer).startswith("Preview from: give a number")


def test_long_films_take_turns_and_lose_nothing(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "TURN_S", 0.0)
    monkeypatch.setattr(Lease, "others_wait", True)
    song_id = visitor.new_song(2.0)
    first, second = (visitor.new_film(song_id, seed=str(seed)) for seed in (1, 2))
    with app.app_context():
        render(first)
        folder: Path = service().storage.work(first)
    assert film_row(app, first).state == State.QUEUED
    assert film_row(app, first).n_tries == 0
    assert [path.name for path in folder.glob("*.mp4")] == ["00000000-00000008.mp4"]
    monkeypatch.setattr(Lease, "others_wait", False)
    monkeypatch.setattr("webapp.leases.is_any_queued", lambda _: False)
    work(app)
    assert film_row(app, first).state == film_row(app, second).state == State.DONE
    page = visitor.get(f"/films/{first}").text
    assert "found from an earlier try" in page


def test_nobody_gives_way_to_nobody(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "TURN_S", 0.0)
    film_id = visitor.new_film(visitor.new_song(2.0))
    work(app)
    assert film_row(app, film_id).state == State.DONE
