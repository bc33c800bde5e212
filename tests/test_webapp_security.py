"""Visitors see their own things only, forms cannot be forged, and pages stay on this machine."""

import re
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from web_service import Visitor, work

from webapp.settings import Settings
from webapp.tables import db

pytest_plugins = ["web_fixtures"]

ROOM = Path(__file__).resolve().parents[1] / "webapp"


def addresses(app: Flask, method: str) -> list[str]:
    """List the addresses of a method that name something of a visitor's."""
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if method in (rule.methods or ()) and re.search("<(song|film|picture)_id>", rule.rule)
    ]


def fill(address: str, song_id: str, film_id: str) -> str:
    """Put identities into an address."""
    filled = address.replace("<song_id>", song_id).replace("<film_id>", film_id)
    return filled.replace("<int:place>", "0").replace("<picture_id>", "0" * 32)


def test_nobody_sees_what_belongs_to_another(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    film_id = visitor.new_film(song_id)
    stranger = Visitor(app)
    stranger.get("/")
    for address in addresses(app, "GET"):
        assert stranger.get(fill(address, song_id, film_id)).status_code == 404, address
        assert stranger.get(fill(address, "0" * 32, "../x")).status_code == 404, address
    for address in addresses(app, "POST"):
        assert stranger.post(fill(address, song_id, film_id)).status_code == 404, address
    assert visitor.get(f"/songs/{song_id}").status_code == 200
    assert visitor.get(f"/films/{film_id}").status_code == 200
    assert len(addresses(app, "GET")) >= 10
    assert len(addresses(app, "POST")) >= 6


def test_the_first_page_lists_the_visitors_own_songs(app: Flask, visitor: Visitor) -> None:
    visitor.new_song(0.3, name="Nachtlied.wav")
    assert "Nachtlied" in visitor.get("/").text
    assert "Nachtlied" not in Visitor(app).get("/").text


def test_a_forged_form_is_refused(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    film_id = visitor.new_film(song_id)
    for address in [*addresses(app, "POST"), "/songs", "/songs/demo"]:
        answer = visitor._client.post(fill(address, song_id, film_id), data={"csrf_token": "x"})
        assert answer.status_code == 400, address
        assert "This page had grown old" in answer.text


def test_titles_cannot_smuggle_markup_into_a_page(visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3, name="<script>alert(1)<script>.wav")
    for page in ("/", f"/songs/{song_id}", f"/songs/{song_id}/film"):
        assert "<script>alert" not in visitor.get(page).text


def test_every_answer_carries_the_headers(app: Flask, visitor: Visitor) -> None:
    for path in ("/", "/nowhere", "/static/tonfilm.css", "/galleries/tiny/0.json"):
        with visitor.get(path) as answer:
            headers = answer.headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    cookie = visitor.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_no_page_names_another_host_or_carries_code(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    film_id = visitor.new_film(song_id)
    work(app)
    pages = ["/", f"/songs/{song_id}", f"/songs/{song_id}/film", f"/films/{film_id}", "/nowhere"]
    for page in pages:
        text = visitor.get(page).text
        assert not re.findall(r'(?:src|href|action|poster)="(?:[a-z]+:)?//', text), page
        assert not re.findall(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style", text), page


def test_no_file_of_ours_loads_from_another_host() -> None:
    files = [*ROOM.rglob("*.html"), *ROOM.rglob("*.css"), *ROOM.rglob("*.js")]
    assert len(files) > 8
    for path in files:
        found = re.findall(r"https?://[\w.]+", path.read_text())
        assert set(found) <= {"http://www.w3.org"}, path  # the name of SVG, which nobody loads


@pytest.mark.parametrize("path", ["/nowhere", "/songs/x", "/films/x", "/stills/tiny/999.jpg"])
def test_unknown_addresses_are_answered_by_a_page(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_a_bug_is_answered_without_a_trace(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("webapp.song_pages.draw_soundtrack", fail)
    answer = visitor.get("/")
    assert answer.status_code == 500
    assert "Something went wrong inside Tonfilm" in answer.text
    assert "ZeroDivision" not in answer.text


def test_the_migrations_make_the_tables_of_the_code(app: Flask, settings: Settings) -> None:
    with app.app_context():
        db.drop_all()
        flask_migrate.upgrade()
        flask_migrate.check()
