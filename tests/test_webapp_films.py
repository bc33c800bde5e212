"""From the choice of pictures to a film that can be downloaded, page by page."""

import io
import json
import re
from pathlib import Path

import av
import pytest
from flask import Flask
from PIL import Image
from test_film_own_pictures import make_picture
from web_service import Visitor, film_fields, film_row, sentence, work

from film.recipe import Recipe, parse_recipe
from film.report import Report
from spectro.pins import Pin
from webapp import leases
from webapp.curves import Analysis
from webapp.forms import FilmForm
from webapp.jobs import render
from webapp.service import service
from webapp.tables import Film, State, db

pytest_plugins = ["web_fixtures"]


def test_a_song_becomes_a_film(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(1.0, name="Ein Lied.wav")
    assert "data-status" in visitor.get(f"/songs/{song_id}").text
    work(app)
    page = visitor.get(f"/songs/{song_id}").text
    assert "Choose pictures" in page
    assert page.count("<figure") == 4

    page = visitor.get(f"/songs/{song_id}/film").text
    assert page.count('name="picked"') == 24
    work(app)
    assert visitor.get("/stills/tiny/23.jpg").data[:2] == b"\xff\xd8"
    assert visitor.get("/galleries/tiny/0.json").json["ready"] == list(range(24))

    film_id = visitor.new_film(song_id)
    status = visitor.get(f"/films/{film_id}/status.json").json
    assert (status["state"], status["words"], status["part"]) == ("queued", "Starting", None)
    assert visitor.get(f"/films/{film_id}/film.mp4").status_code == 404
    work(app)
    assert visitor.get(f"/films/{film_id}/status.json").json["state"] == "done"

    page = visitor.get(f"/films/{film_id}").text
    assert "<video" in page
    assert "24 frames in" in page
    answer = visitor.get(f"/films/{film_id}/download")
    assert 'filename="Ein Lied.mp4"' in answer.headers["Content-Disposition"]
    with av.open(_film_path(app, film_id)) as film:
        assert film.streams.video[0].frames == 24
        assert (film.streams.video[0].width, film.streams.video[0].height) == (640, 360)
        assert film.metadata["title"] == "Ein Lied"
    assert not (Path(app.instance_path) / "work" / film_id).exists()
    assert visitor.get(f"/films/{film_id}/poster.jpg").data[:2] == b"\xff\xd8"


def test_a_film_comes_with_its_report_and_a_sheet_of_pictures(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song(2.0, name="Ein Lied.wav"))
    for ending in ("report.json", "sheet.jpg"):
        assert visitor.get(f"/films/{film_id}/{ending}").status_code == 404
    work(app)
    page = visitor.get(f"/films/{film_id}").text
    assert f"/films/{film_id}/report.json" in page
    assert f"/films/{film_id}/sheet.jpg" in page
    report = Report.model_validate_json(visitor.get(f"/films/{film_id}/report.json").data)
    assert (report.n_frames, report.measured is not None) == (48, True)
    sheet = visitor.get(f"/films/{film_id}/sheet.jpg")
    assert 'filename="Ein Lied.jpg"' in sheet.headers["Content-Disposition"]
    with Image.open(io.BytesIO(sheet.data)) as picture:
        assert picture.size == (3 * 320, 180), "one picture of each segment"
        halves = [picture.crop((left, 0, left + 320, 180)) for left in (0, 320)]
        assert halves[0].tobytes() != halves[1].tobytes()


def test_who_asks_for_the_newest_frame_as_the_film_ends_gets_its_poster(
    app: Flask, visitor: Visitor
) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    work(app)
    latest, poster = f"/films/{film_id}/latest.jpg?version=1", f"/films/{film_id}/poster.jpg"
    assert visitor.get(latest).data == visitor.get(poster).data
    _film_path(app, film_id).with_suffix(".jpg").unlink()
    assert visitor.get(latest).status_code == 204


def _film_path(app: Flask, film_id: str) -> Path:
    return Path(app.instance_path) / "films" / f"{film_id}.mp4"


@pytest.fixture
def finished(app: Flask, visitor: Visitor) -> str:
    """Return a film that stands as finished, without the work."""
    song_id = visitor.new_song(0.5, name="Song: “one”.wav")
    film_id = visitor.new_film(song_id)
    recipe = parse_recipe(film_row(app, film_id).recipe)
    report = Report(
        n_frames=12,
        film_s=0.5,
        wall_s=0.2,
        real_time_factor=2.5,
        peak_memory_mb=900,
        n_resumed_segments=0,
        stages=(),
        notes=("The sound was mixed down.",),
        recipe=recipe.bind(song_sha256="0" * 64, stems={}, weights={}),
    )
    _film_path(app, film_id).write_bytes(bytes(range(100)))
    with app.app_context():
        film = db.session.get_one(Film, film_id)
        film.state, film.report = State.DONE, report.model_dump_json()
        db.session.commit()
    return film_id


def test_a_player_may_ask_for_a_part_of_the_film(visitor: Visitor, finished: str) -> None:
    answer = visitor.get(f"/films/{finished}/film.mp4", Range="bytes=10-19")
    assert (answer.status_code, answer.data) == (206, bytes(range(10, 20)))
    assert answer.headers["Content-Range"] == "bytes 10-19/100"
    assert answer.mimetype == "video/mp4"


def test_the_page_of_a_film_says_what_was_done(visitor: Visitor, finished: str) -> None:
    page = visitor.get(f"/films/{finished}").text
    assert "The sound was mixed down." in page
    assert "2.5 times as fast as it plays" in page
    name = visitor.get(f"/films/{finished}/download").headers["Content-Disposition"]
    assert "Song" in name
    assert not set(name) & set(":/")


def test_the_page_of_a_film_stands_without_the_users_own_pictures(
    app: Flask, visitor: Visitor
) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    picture = make_picture()
    for keyframes, n_shown in (((picture,), 0), ((picture, 7, picture), 1)):
        with app.app_context():
            film = db.session.get_one(Film, film_id)
            recipe = parse_recipe(film.recipe).model_copy(update={"keyframes": keyframes})
            film.recipe = recipe.to_json()
            db.session.commit()
        page = visitor.get(f"/films/{film_id}")
        assert page.status_code == 200
        assert f"<span>{len(keyframes)} picture" in page.text
        assert page.text.count("<li><span>7</span></li>") == n_shown
        assert parse_recipe(visitor.get(f"/films/{film_id}/recipe.json").data) == recipe


def test_the_recipe_can_be_saved_and_used_again(visitor: Visitor, finished: str) -> None:
    recipe = parse_recipe(visitor.get(f"/films/{finished}/recipe.json").data)
    assert recipe.keyframes == (3, 1)
    assert recipe.song_sha256 == "0" * 64


CHOICES = {
    "theme": ("tiny", "tiny"),
    "keyframes": ("7, 7;2", (7, 7, 2)),
    "level": ("0.1", 0.1),
    "frequency": ("0.2", 0.2),
    "timbre": ("1", 1.0),
    "before": ("0", 0.0),
    "inside": ("0.35", 0.35),
    "after": ("0.9", 0.9),
    "layer": ("fine", "fine"),
    "blend": ("colour", "colour"),
    "seed": ("4294967295", 4294967295),
    "fps": ("24000/1001", "24000/1001"),
    "start_s": ("0.25", 0.25),
    "duration_s": ("0.5", 0.5),
    "quality": ("final", "final"),
}


@pytest.mark.parametrize(("field", "choice"), CHOICES.items(), ids=CHOICES.keys())
def test_every_choice_reaches_the_recipe(
    app: Flask, visitor: Visitor, field: str, choice: tuple[str, object]
) -> None:
    film_id = visitor.new_film(visitor.new_song(), **{field: choice[0]})
    recipe = parse_recipe(film_row(app, film_id).recipe)
    value = getattr(recipe, field)
    assert (str(value) if field == "fps" else value) == choice[1]


def test_pictures_that_are_pinned_come_back_with_their_times(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song()
    line = "3, 17@0:00-0:12.5+0:24, 3@1:04"
    film_id = visitor.new_film(song_id, keyframes=line)
    recipe = parse_recipe(film_row(app, film_id).recipe)
    assert recipe.keyframes == (3, 17, 3)
    assert recipe.pins == (
        Pin(picture=2, start_s=0.0, stop_s=12.5),
        Pin(picture=2, start_s=24.0),
        Pin(picture=3, start_s=64.0),
    )
    page = visitor.get(f"/songs/{song_id}/film?again={film_id}").text
    assert f'value="{line}"' in page


def test_the_parts_of_the_song_can_be_pinned_to(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(1.0)
    assert "data-part=" not in visitor.get(f"/songs/{song_id}/film").text, "nobody has listened yet"
    work(app)
    with app.app_context():
        path = service().storage.analysis(song_id)
    analysis = Analysis.model_validate_json(path.read_bytes())
    assert "data-part=" not in visitor.get(f"/songs/{song_id}/film").text, "it is one part"
    parts = {"sections_s": (0.0, 20.4, 60.0, 80.0), "section_kinds": (0, 1, 0, 1)}
    changed = analysis.model_copy(update={"duration_s": 100.0} | parts)
    path.write_text(changed.model_dump_json())
    page = visitor.get(f"/songs/{song_id}/film").text
    assert re.findall('data-part="([^"]*)"', page) == [
        "0:00-0:20",
        "0:20-1:00",
        "1:00-1:20",
        "1:20-1:40",
    ]
    assert '<option value="0:20-1:00+1:20-1:40">Every B</option>' in page


@pytest.mark.parametrize("size", ["1280x720", "720x1280", "720x720", "1920x1080", "640x360"])
def test_every_size_reaches_the_recipe(app: Flask, visitor: Visitor, size: str) -> None:
    recipe = parse_recipe(film_row(app, visitor.new_film(visitor.new_song(), size=size)).recipe)
    assert f"{recipe.width}x{recipe.height}" == size


def test_every_field_of_the_recipe_can_be_chosen(app: Flask) -> None:
    with app.test_request_context():
        in_the_form = {field.name for field in FilmForm()}
    # Nobody chooses these; stems are for the command line alone, so far.
    found_out = {"version", "song_sha256", "weights", "stems"} | {"pins"}  # beside `keyframes`
    chosen = set(Recipe.model_fields) - found_out - {"flash_guard"}  # which `unguarded` turns off
    assert chosen - {"width", "height"} <= in_the_form
    assert in_the_form - chosen == SET_OTHERWISE
    assert chosen - {"width", "height", "routes"} == set(CHOICES)


def test_ticks_alone_are_enough_without_javascript(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song()
    film_id = visitor.new_film(song_id, keyframes="", picked=["5", "2"])
    assert parse_recipe(film_row(app, film_id).recipe).keyframes == (5, 2)


# Fields of no name of the recipe's.
SET_OTHERWISE = {"preview_s", "size", "picked", "csrf_token", "preset", "filled", "unguarded"}

WRONG = {
    "no pictures": ({"keyframes": ""}, "Choose 1 to 64 pictures."),
    "too many pictures": ({"keyframes": "1," * 65}, "Choose 1 to 64 pictures."),
    "words for pictures": ({"keyframes": "one, two"}, "Order of the pictures: give numbers"),
    "a word that was ticked": ({"keyframes": "", "picked": "x"}, "Order of the pictures"),
    "a negative picture": ({"keyframes": "-1"}, "Order of the pictures"),
    "a large picture": ({"keyframes": "4294967296"}, "keyframes"),
    "a pin to no time": ({"keyframes": "1, 2@1:2:3:4"}, "write it as 2@1:04"),
    "a pin to nothing": ({"keyframes": "1@"}, "Order of the pictures: give numbers"),
    "a pin that ends first": ({"keyframes": "1@0:20-0:10"}, "a pin ends after it begins"),
    "two at once": ({"keyframes": "1@0:10-0:20, 2@0:10"}, "1 and 2 are both pinned to 0:10"),
    "two that overlap": ({"keyframes": "1@0:10-0:20, 2@0:15-0:30"}, "both pinned to 0:15-0:30"),
    "too many pins": ({"keyframes": "1@" + "+".join(f"{n}" for n in range(257))}, "256 times"),
    "a slider beyond": ({"level": "1.5"}, "Sound level: give a number from 0 to 1."),
    "a slider of nothing": ({"timbre": "nan"}, "Timbre: give a number from 0 to 1."),
    "a word for a slider": ({"frequency": "loud"}, "Frequency content: give a number"),
    "an unknown size": ({"size": "1x1"}, "Size: choose one"),
    "an unknown rate": ({"fps": "1000"}, "Frames a second: choose one"),
    "an unknown quality": ({"quality": "best"}, "Quality: choose one"),
    "a place beyond": ({"inside": "1.1"}, "Inside the networks: give a number from 0 to 1."),
    "an unknown layer": ({"layer": "top"}, "Layer: choose one"),
    "an unknown preset": ({"preset": "loud"}, "Preset: choose one"),
    "a preset that none showed": ({"filled": "loud"}, "Preset: choose one"),
    "an unknown blend": ({"blend": "xor"}, "Blend: choose one"),
    "a late start": ({"start_s": "5"}, "the song is only 1.0 s long"),
    "no length": ({"duration_s": "0"}, "Length, in seconds: give a number from 0.1"),
    "half a seed": ({"seed": "0.5"}, "Seed: give a whole number"),
    "a large seed": ({"seed": "4294967296"}, "Seed: give a whole number"),
    "an unknown theme": ({"theme": "nature"}, "There is no theme 'nature'"),
    "a path for a theme": ({"theme": "../tiny"}, "There is no theme"),
    "no theme": ({"theme": ""}, "There is no theme"),
}


@pytest.mark.parametrize(("changes", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_choice_is_answered_by_one_sentence(
    app: Flask, visitor: Visitor, changes: dict[str, str], reason: str
) -> None:
    song_id = visitor.new_song()
    answer = visitor.post(f"/songs/{song_id}/film", film_fields(**changes))
    assert answer.status_code == 400
    said = sentence(answer).replace("&#39;", "'")
    assert reason in said
    assert said.count(". ") == 0
    with app.app_context():
        assert not db.session.scalars(db.select(Film)).all()


def test_an_unknown_theme_in_the_address_is_answered_too(visitor: Visitor) -> None:
    answer = visitor.get(f"/songs/{visitor.new_song()}/film?theme=nature")
    assert (answer.status_code, "no theme" in sentence(answer)) == (400, True)


def test_more_pictures_come_by_the_page(visitor: Visitor) -> None:
    song_id = visitor.new_song()
    page = visitor.get(f"/songs/{song_id}/film?n=48").text
    assert page.count('name="picked"') == 48
    assert "n=72" in page
    assert visitor.get(f"/songs/{song_id}/film?n=100000").text.count('name="picked"') == 240


def test_a_cancelled_film_goes_on_when_asked(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song(0.3))
    assert "Cancel" in visitor.get(f"/films/{film_id}").text
    visitor.post(f"/films/{film_id}/cancel")
    work(app)
    assert film_row(app, film_id).state == State.CANCELLED
    assert "Go on rendering" in visitor.get(f"/films/{film_id}").text
    visitor.post(f"/films/{film_id}/again")
    assert film_row(app, film_id).state == State.QUEUED
    work(app)
    assert film_row(app, film_id).state == State.DONE


def test_a_film_with_damaged_weights_fails_by_one_sentence(
    app: Flask, visitor: Visitor, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film_id = visitor.new_film(visitor.new_song(0.3))
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    for path in (tiny_models / "tiny").iterdir():
        content = path.read_bytes()
        damaged = content[:-1] if path.suffix == ".safetensors" else content
        (folder / path.name).write_bytes(damaged)
    monkeypatch.setenv("TONFILM_MODELS", str(folder.parent))
    work(app)
    film = film_row(app, film_id)
    assert film.state == State.FAILED
    assert film.error.endswith(".")
    page = visitor.get(f"/films/{film_id}").text
    assert "Render it again" in page
    assert not _film_path(app, film_id).exists()


def test_a_worker_told_to_stop_leaves_the_film_for_the_next(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song(0.3))
    leases.stopping.set()
    try:
        with app.app_context():
            render(film_id)
    finally:
        leases.stopping.clear()
    assert film_row(app, film_id).state == State.QUEUED
    work(app)
    assert film_row(app, film_id).state == State.DONE


def test_films_and_songs_can_be_deleted_when_nobody_works_at_them(
    app: Flask, visitor: Visitor, finished: str
) -> None:
    song_id = film_row(app, finished).song_id
    waiting = visitor.new_film(song_id)
    assert visitor.post(f"/films/{waiting}/delete").status_code == 409
    assert visitor.post(f"/songs/{song_id}/delete").status_code == 409
    visitor.post(f"/films/{waiting}/cancel")
    visitor.post(f"/films/{finished}/delete")
    assert visitor.get(f"/films/{finished}").status_code == 404
    work(app)
    visitor.post(f"/songs/{song_id}/delete")
    assert visitor.get(f"/songs/{song_id}").status_code == 404
    left = [path for path in Path(app.instance_path).rglob(f"*{song_id}*") if path.is_file()]
    assert not left
    assert not _film_path(app, finished).exists()


def test_time_left_is_told_from_what_this_try_has_done(app: Flask, visitor: Visitor) -> None:
    """A film that goes on has frames from before, which took none of this try's time."""
    film_id = visitor.new_film(visitor.new_song(0.3))
    with app.app_context():
        film = db.session.get_one(Film, film_id)
        film.state, film.stage, film.n_done, film.n_steps = State.RUNNING, "paint", 600, 1000
        film.stage_began_done, film.stage_began_s = 500, film.created_s - 100
        db.session.commit()
    status = visitor.get(f"/films/{film_id}/status.json").json
    assert status["part"] == 0.6
    assert status["left"] == "about 7 minutes left"
    assert json.dumps(status)
