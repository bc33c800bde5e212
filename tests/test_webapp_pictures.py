"""Pictures of the visitor's own on the page: taken, read, chosen, filmed, brought back, deleted."""

import io
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from PIL import Image
from web_service import Visitor, film_fields, film_row, make_app, sentence, work
from werkzeug.test import TestResponse

from film.own_pictures import OwnPicture
from film.recipe import parse_recipe
from spectro.pins import Pin
from webapp import own_pictures, sweeper
from webapp.settings import Settings
from webapp.tables import Picture, State, db

pytest_plugins = ["web_fixtures"]


@pytest.fixture(autouse=True)
def quick_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit pictures roughly: what is tested is where they go."""
    monkeypatch.setattr("keyframes.fitting.N_STEPS", 8)
    monkeypatch.setattr("keyframes.fitting.N_TRIED", 8)


def picture(kind: str = "JPEG", size: tuple[int, int] = (80, 60), **options: Any) -> bytes:
    """Draw a bright square on a dark ground."""
    image = Image.new("RGB", size, (20, 30, 60))
    image.paste((250, 220, 150), (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def send(visitor: Visitor, song_id: str, *files: tuple[bytes, str], **changes: Any) -> TestResponse:
    """Add pictures as the page does: with everything that is chosen."""
    fields = film_fields(**changes) | {
        "pictures": [(io.BytesIO(data), name) for data, name in files]
    }
    return visitor.post(f"/songs/{song_id}/pictures", fields)


def names(page: str) -> list[str]:
    """Read how the visitor's pictures are called in the order."""
    return re.findall(r'data-own="([^"]+)"', page)


def line(page: str) -> str:
    """Read the order of the pictures off a page."""
    (found,) = re.findall(r'<input[^>]*name="keyframes"[^>]*value="([^"]*)"', page)
    return str(found)


def rows(app: Flask) -> list[Picture]:
    with app.app_context():
        return list(db.session.scalars(db.select(Picture).order_by(Picture.created_s)))


def files(app: Flask) -> list[str]:
    return sorted(path.suffix for path in (Path(app.instance_path) / "pictures").iterdir())


def test_a_picture_becomes_a_keyframe_and_comes_back(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.5)
    answer = send(visitor, song_id, (picture(), "Ferien.jpg"), keyframes="3@0:10, 1", level="0.8")
    assert answer.status_code == 200
    (name,) = names(answer.text)
    assert line(answer.text) == f"3@0:10, 1, {name}"
    assert 'value="0.8"' in answer.text, "nothing that was chosen is lost"
    early = visitor.post(f"/songs/{song_id}/film", film_fields(keyframes=f"3, {name}"))
    assert (early.status_code, line(early.text)) == (400, f"3, {name}")
    assert "Ferien.jpg is still being read" in sentence(early)
    work(app)
    (row,) = rows(app)
    assert visitor.get(f"/pictures/{row.id}/status.json").json["state"] == "done"
    assert visitor.get(f"/pictures/{row.id}/portrait.jpg").data[:2] == b"\xff\xd8"
    assert files(app) == [".jpg"], "the visitor's own file is not kept"

    film_id = visitor.new_film(song_id, keyframes=f"{name}@0:00-0:20, 3, {name}")
    recipe = parse_recipe(film_row(app, film_id).recipe)
    first, seed, last = recipe.keyframes
    assert isinstance(first, OwnPicture)
    assert (first.name, seed, last) == ("Ferien.jpg", 3, first)
    assert recipe.pins == (Pin(picture=1, start_s=0.0, stop_s=20.0),)
    work(app)
    assert film_row(app, film_id).state == State.DONE
    assert f"/pictures/{row.id}/portrait.jpg" in visitor.get(f"/films/{film_id}").text
    again = visitor.get(f"/songs/{song_id}/film?again={film_id}").text
    assert line(again) == f"{name}@0:00-0:20, 3, {name}"


def test_a_deleted_picture_comes_back_with_its_film(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.5)
    (name,) = names(send(visitor, song_id, (picture(), "a.jpg")).text)
    work(app)
    film_id = visitor.new_film(song_id, keyframes=f"3, {name}")
    (row,) = rows(app)
    answer = visitor.post(
        f"/songs/{song_id}/pictures/{row.id}/delete", film_fields(keyframes=f"{name}@0:10, 5")
    )
    assert (answer.status_code, names(answer.text), line(answer.text)) == (200, [], "5")
    assert (rows(app), files(app)) == ([], [])
    again = visitor.get(f"/songs/{song_id}/film?again={film_id}").text
    (new_name,) = names(again)
    assert line(again) == f"3, {new_name}"
    visitor.get(f"/songs/{song_id}/film?again={film_id}")
    assert len(rows(app)) == 1, "it comes back once"
    work(app)
    (back,) = rows(app)
    assert (back.state, files(app)) == (State.DONE, [".jpg"])
    again_id = visitor.new_film(song_id, keyframes=f"3, {new_name}")
    recipes = [parse_recipe(film_row(app, it).recipe) for it in (film_id, again_id)]
    assert recipes[0] == recipes[1]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + bytes(70)}),
    ],
)
def test_usual_pictures_are_read(
    app: Flask, visitor: Visitor, kind: str, options: dict[str, Any]
) -> None:
    send(visitor, visitor.new_song(0.3), (picture(kind, **options), "a"))
    work(app)
    (row,) = rows(app)
    assert (row.state, row.error) == (State.DONE, "")


def _odd(kind: str) -> bytes:
    """Write a picture of a form that few programs write."""
    file = io.BytesIO()
    if kind == "CMYK":
        Image.new("CMYK", (80, 60), (10, 90, 90, 0)).save(file, "JPEG")
    elif kind == "16 bit":
        Image.fromarray(np.full((60, 80), 30_000, np.uint16)).save(file, "PNG")
    elif kind == "palette":
        Image.new("RGB", (80, 60), (10, 90, 90)).convert("P").save(file, "PNG")
    elif kind == "cut off":
        return picture()[:700]
    elif kind == "small":
        return picture(size=(20, 60))
    else:
        frames = [Image.new("RGB", (80, 60), (90 * n, 20, 60)) for n in range(3)]
        form = {"animated": "WEBP", "animated png": "PNG"}[kind]
        frames[0].save(file, form, save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    "kind", ["CMYK", "16 bit", "palette", "cut off", "small", "animated", "animated png"]
)
def test_an_odd_picture_is_read_or_answered_by_one_sentence(
    app: Flask, visitor: Visitor, kind: str
) -> None:
    song_id = visitor.new_song(0.3)
    (name,) = names(send(visitor, song_id, (_odd(kind), "Odd.jpg")).text)
    work(app)
    (row,) = rows(app)
    page = visitor.get(f"/songs/{song_id}/film").text
    if row.state == State.DONE:
        assert kind not in {"palette", "small"}
        assert files(app) == [".jpg"]
        return
    assert row.error.startswith("Odd.jpg ")
    assert row.error.count(". ") == 0
    assert row.error in page
    assert files(app) == []
    answer = visitor.post(f"/songs/{song_id}/film", film_fields(keyframes=name))
    assert "Odd.jpg could not be read: take it out" in sentence(answer)


WRONG = {
    "text": (b"hello", "a.jpg is no picture that can be read: choose a JPEG"),
    "nothing": (b"", "a.jpg is no picture that can be read"),
    "a song": (b"RIFF\0\0\0\0WAVEfmt ", "a.jpg is no picture that can be read"),
    "a GIF": (picture("GIF"), "a.jpg is no picture that can be read"),
    "half a header": (picture()[:12], "a.jpg is no picture that can be read"),
    "a page of markup": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no picture"),
    "gigantic": (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\x08\x02\0\0\0",
        "a.jpg has 65536×65536 pixels: choose one of at most 100 million",
    ),
}


@pytest.mark.parametrize(("data", "reason"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_picture_is_refused_at_the_door(
    app: Flask, visitor: Visitor, data: bytes, reason: str
) -> None:
    song_id = visitor.new_song(0.3)
    answer = send(visitor, song_id, (picture(), "good.jpg"), (data, "a.jpg"), keyframes="7")
    assert answer.status_code == 400
    assert reason in sentence(answer)
    (good,) = names(answer.text)
    assert line(answer.text) == f"7, {good}", "what came before it is kept"
    assert len(rows(app)) == 1


def test_too_large_a_file_is_refused(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_pictures, "MAX_MB", 0)
    answer = send(visitor, visitor.new_song(0.3), (picture(), "a.jpg"))
    assert "a.jpg is too large: choose a picture of at most 0 MB." in sentence(answer)
    assert rows(app) == []


def test_a_visitor_has_room_for_so_many(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_pictures, "MAX_PICTURES", 2)
    song_id = visitor.new_song(0.3)
    answer = send(visitor, song_id, *[(picture(), f"{n}.jpg") for n in range(3)])
    assert "You have 2 pictures of your own" in sentence(answer)
    assert len(rows(app)) == 2


def test_adding_nothing_is_answered(visitor: Visitor) -> None:
    assert sentence(send(visitor, visitor.new_song(0.3))) == "Choose a picture first."


def test_names_of_files_are_words_alone(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    page = send(visitor, song_id, (picture(), "../../<u> x.jpg")).text
    (row,) = rows(app)
    assert row.name == "<u> x.jpg"
    assert "<u>" not in page
    assert not list(Path(app.instance_path).rglob("*x.jpg*"))


def test_a_picture_belongs_to_its_visitor_and_theme(app: Flask, visitor: Visitor) -> None:
    (name,) = names(send(visitor, visitor.new_song(0.3), (picture(), "a.jpg")).text)
    work(app)
    (row,) = rows(app)
    stranger = Visitor(app)
    song_id = stranger.new_song(0.3)
    assert names(stranger.get(f"/songs/{song_id}/film").text) == []
    answer = stranger.post(f"/songs/{song_id}/film", film_fields(keyframes=name))
    assert f"There is no picture {name} of yours" in sentence(answer)
    for path in (f"/pictures/{row.id}/portrait.jpg", f"/pictures/{row.id}/status.json"):
        assert stranger.get(path).status_code == 404
    fields = film_fields()
    assert stranger.post(f"/songs/{song_id}/pictures/{row.id}/delete", fields).status_code == 404
    with app.app_context():
        db.session.get_one(Picture, row.id).weights = "0" * 64  # the theme was trained anew
        db.session.commit()
    assert names(visitor.get(f"/songs/{visitor.new_song(0.3)}/film").text) == []


def test_pictures_go_when_they_have_not_been_used_for_long(
    settings: Settings, tiny_theme: str
) -> None:
    app = make_app(replace(settings, keep_days=2))
    visitor = Visitor(app)
    song_id = visitor.new_song(0.3)
    (name,) = names(send(visitor, song_id, (picture(), "a.jpg")).text)
    work(app)

    def age(days: float) -> None:
        with app.app_context():
            for row in db.session.scalars(db.select(Picture)):
                row.used_s = time.time() - days * 24 * 3600
            db.session.commit()

    age(3)
    visitor.new_film(song_id, keyframes=name)
    sweeper.sweep(app, 1e9)
    assert len(rows(app)) == 1, "a film was ordered with it"
    age(3)
    sweeper.sweep(app, 1e9)
    assert (rows(app), files(app)) == ([], [])
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
