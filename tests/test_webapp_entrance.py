"""Who comes in, by which name, and how long things are kept."""

from pathlib import Path

import pytest
from flask import Flask
from web_service import Visitor, make_app

from webapp.settings import LOOPBACK, Settings
from webapp.sweeper import sweep
from webapp.tables import Film, Song, State, db

pytest_plugins = ["web_fixtures"]

SECRET = "open sesame"  # noqa: S105, of these tests


def _app(folder: Path, **changes: str | float) -> Flask:
    return make_app(Settings(instance=folder / "instance", **changes))  # type: ignore[arg-type]


@pytest.fixture
def closed(tmp_path: Path, tiny_theme: str, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr("webapp.entrance.WAIT_S", 0.0)
    return _app(tmp_path, password=SECRET)


def _enter(visitor: Visitor, password: str) -> int:
    page = visitor._client.get("/enter").text
    token = page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    answer = visitor._client.post("/enter", data={"csrf_token": token, "password": password})
    return answer.status_code


def test_without_the_password_there_is_nothing_but_the_door(closed: Flask) -> None:
    stranger = Visitor(closed)
    for rule in closed.url_map.iter_rules():
        if rule.endpoint in ("static", "bootstrap.static", "entrance.enter"):
            continue
        if rule.endpoint.startswith("guests."):  # a link is a key of its own
            continue
        address = rule.rule
        for part in (
            "<song_id>",
            "<film_id>",
            "<upload_id>",
            "<theme>",
            "<int:first_seed>",
            "<int:seed>",
        ):
            address = address.replace(part, "0")
        address = address.replace("<int:place>", "0").replace("<kind>", "0")
        address = address.replace("<identity>", "0")
        if "GET" in (rule.methods or ()):
            answer = stranger.get(address)
            assert (answer.status_code, answer.location) == (303, "/enter"), address
    assert _enter(stranger, "open barley") == 403
    assert stranger.get("/").status_code == 303
    assert _enter(stranger, SECRET) == 303
    assert stranger.get("/").status_code == 200


def test_another_password_asks_everybody_anew(closed: Flask, tmp_path: Path) -> None:
    visitor = Visitor(closed)
    assert _enter(visitor, SECRET) == 303
    changed = _app(tmp_path, password="another")  # noqa: S106, the same folder, so the same secret
    cookie = visitor._client.get_cookie("tonfilm")
    assert cookie is not None
    later = changed.test_client()
    later.set_cookie("tonfilm", cookie.value)
    assert later.get("/").status_code == 303


def test_a_forged_visit_is_refused(closed: Flask) -> None:
    answer = closed.test_client().post("/enter", data={"password": SECRET})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_on_ones_own_machine_only_its_own_names_are_answered(app: Flask, host: str) -> None:
    client = app.test_client()
    assert client.get("/", base_url=f"http://{host}:8000").status_code == 400
    for name in LOOPBACK:
        assert client.get("/", base_url=f"http://{name}:8000").status_code == 200


def test_behind_a_proxy_cookies_are_for_https_alone(tmp_path: Path, tiny_theme: str) -> None:
    app = _app(tmp_path, address="https://films.example.org", host="0.0.0.0")  # noqa: S104, only compared
    client = app.test_client()
    seen = {"X-Forwarded-Proto": "https"}
    answer = client.get("/", base_url="http://films.example.org", headers=seen)
    assert answer.status_code == 200
    cookie = answer.headers["Set-Cookie"]
    for flag in ("Secure", "HttpOnly", "SameSite=Lax"):
        assert flag in cookie
    assert client.get("/", base_url="http://evil.example", headers=seen).status_code == 400


def test_what_is_old_is_deleted_and_the_page_says_when(tmp_path: Path, tiny_theme: str) -> None:
    app = _app(tmp_path, keep_days=2.0)
    visitor = Visitor(app)
    old, kept, busy = (visitor.new_song(0.3) for _ in range(3))
    assert "Kept until" not in visitor.get(f"/songs/{old}").text, "while it is listened to"
    with app.app_context():
        for song in db.session.scalars(db.select(Song)):
            song.created_s -= 3 * 24 * 3600
            song.state = State.RUNNING if song.id == busy else State.DONE
        db.session.add(Film(song_id=kept, recipe="{}", state=State.DONE))
        db.session.commit()
    sweep(app, 1e9)
    assert visitor.get(f"/songs/{old}").status_code == 404
    assert visitor.get(f"/songs/{busy}").status_code == 200
    files = [path.name for path in Path(app.instance_path).rglob("*.wav")]
    assert sorted(files) == sorted(f"{name}.wav" for name in (kept, busy))


def test_on_ones_own_machine_everything_is_kept(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    with app.app_context():
        song = db.session.get_one(Song, song_id)
        song.created_s, song.state = 0.0, State.DONE
        db.session.commit()
    sweep(app, 1e9)
    assert (Path(app.instance_path) / "songs" / f"{song_id}.wav").exists()
