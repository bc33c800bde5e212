"""Visitors see their own things only, forms cannot be forged, and pages stay on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from web_service import Visitor, work
from werkzeug.test import TestResponse

from webapp.settings import Settings
from webapp.tables import db

pytest_plugins = ["web_fixtures"]

ROOM = Path(__file__).resolve().parents[1] / "webapp"


# Routes that are there for everybody. They are looked through for traces of a visitor's things.
FOR_EVERYBODY = {
    "static",
    "bootstrap.static",
    "entrance.enter",
    "songs.home",
    "songs.upload",
    "songs.use_demo",
    "uploads.begin",
    "galleries.still",
    "galleries.status",
}
# What names something of a visitor's.
OWN = {"song_id", "film_id", "upload_id", "picture_id"}
# Rooms with a key of their own, which strangers do not have: see test_webapp_sharing, _admin.
WITH_A_KEY = {"guests", "admin"}
TITLE = "Nachtlied"


@dataclass(frozen=True)
class Request:
    """One way to ask a route for something."""

    method: str
    path: str
    endpoint: str

    def send(self, visitor: Visitor) -> TestResponse:
        """Ask for it as a visitor."""
        if self.method in ("GET", "POST"):
            return visitor.get(self.path) if self.method == "GET" else visitor.post(self.path)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get("/").text)
        assert token
        headers = {"X-CSRFToken": token[1]}
        return visitor._client.open(self.path, method=self.method, headers=headers)


def walk(app: Flask, song_id: str, film_id: str) -> list[Request]:
    """List every way to ask for anything, with a visitor's identities put into the addresses.

    Raises
    ------
    AssertionError
        There is a route of a kind that nobody has thought of.
    """
    known = {
        "song_id": song_id,
        "upload_id": song_id,
        "picture_id": song_id,
        "film_id": film_id,
        "place": 0,
        "theme": "tiny",
        "seed": 0,
        "first_seed": 0,
        "link": film_id,
        "kind": "films",
        "stream": "sound",
        "identity": film_id,
        "filename": "tonfilm.css",
    }
    site = app.url_map.bind("localhost")
    requests = []
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        is_own = bool(OWN & rule.arguments)
        is_known = rule.endpoint in FOR_EVERYBODY or rule.endpoint.split(".")[0] in WITH_A_KEY
        assert is_own != is_known, f"whose is {rule}? Nobody has thought of it"
        assert rule.arguments <= set(known), f"nobody has thought of what {rule} names"
        values = {name: known[name] for name in rule.arguments}
        for method in sorted(methods):
            path = site.build(rule.endpoint, values, method=method)
            requests.append(Request(method=method, path=path, endpoint=rule.endpoint))
    return requests


def test_nobody_sees_what_belongs_to_another(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3, name=f"{TITLE}.wav")
    film_id = visitor.new_film(song_id)
    stranger = Visitor(app)
    requests = walk(app, song_id, film_id)
    for request in requests:
        if request.endpoint not in FOR_EVERYBODY:
            assert request.send(stranger).status_code == 404, request
        elif request.method == "GET":
            text = request.send(stranger).text
            assert not [word for word in (song_id, film_id, TITLE) if word in text], request
    for request in walk(app, "0" * 32, "../x"):
        if request.endpoint not in FOR_EVERYBODY:
            assert request.send(stranger).status_code == 404, request
    assert visitor.get(f"/songs/{song_id}").status_code == 200
    assert visitor.get(f"/films/{film_id}").status_code == 200
    assert len([it for it in requests if it.endpoint not in FOR_EVERYBODY]) >= 25


@pytest.mark.parametrize("route", ["/newest", "/newest/<title>", "/films/<film_id>/<title>"])
def test_a_route_that_nobody_has_thought_of_is_found(app: Flask, route: str) -> None:
    app.add_url_rule(route, "films.newest", lambda **_: "")
    with pytest.raises(AssertionError, match="obody has thought of"):
        walk(app, "0", "0")


def test_a_route_that_lets_strangers_in_is_found(app: Flask, visitor: Visitor) -> None:
    for method in ("GET", "DELETE"):
        app.add_url_rule(f"/films/<film_id>/{method}", method, lambda **_: "", methods=[method])
    open_to_all = [
        request.method
        for request in walk(app, "0" * 32, "0" * 32)
        if request.endpoint not in FOR_EVERYBODY
        if request.send(Visitor(app)).status_code != 404
    ]
    assert sorted(open_to_all) == ["DELETE", "GET"]


def test_the_first_page_lists_the_visitors_own_songs(app: Flask, visitor: Visitor) -> None:
    visitor.new_song(0.3, name="Nachtlied.wav")
    assert "Nachtlied" in visitor.get("/").text
    assert "Nachtlied" not in Visitor(app).get("/").text


def test_a_forged_form_is_refused(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    film_id = visitor.new_film(song_id)
    forms = [request for request in walk(app, song_id, film_id) if request.method != "GET"]
    for form in forms:
        data = {"csrf_token": "x"}
        answer = visitor._client.open(form.path, method=form.method, data=data)
        assert answer.status_code == 400, form
        assert "This page had grown old" in answer.text
    assert len(forms) >= 12


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
