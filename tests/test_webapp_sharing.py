"""A film's link shows others the film alone, for as long as it shall, and not a day longer."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from flask import Flask
from web_service import Visitor, film_row, make_app, sentence, work

from webapp.settings import Settings
from webapp.tables import Film, State, db

DAY_S = 24 * 3600
SECRET = "open sesame"  # noqa: S105, of these tests


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[Flask]:
    """Return an application for all of these tests, since a film takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONFILM_MODELS", str(tiny_models))
        app = make_app(Settings(instance=tmp_path_factory.mktemp("service") / "instance"))
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="module")
def visitor(app: Flask) -> Visitor:
    """Return a visitor."""
    return Visitor(app)


@pytest.fixture(scope="module")
def film_id(app: Flask, visitor: Visitor) -> str:
    """Return a finished film of the visitor's, of a song called Nachtlied."""
    film_id = visitor.new_film(visitor.new_song(0.5, name="Nachtlied.wav"))
    work(app)
    return film_id


def again(app: Flask, **changes: str) -> Flask:
    """Return another application in the same folder."""
    return make_app(Settings(instance=Path(app.instance_path), **changes))  # type: ignore[arg-type]


def same_browser(visitor: Visitor, app: Flask) -> Visitor:
    """Return a visitor of an application who has the cookie of another one."""
    cookie = visitor._client.get_cookie("tonfilm")
    assert cookie is not None
    twin = Visitor(app)
    twin._client.set_cookie("tonfilm", cookie.value)
    return twin


def share(visitor: Visitor, film_id: str, days: str = "7") -> str:
    """Make a link to a film; return the path that it leads to."""
    answer = visitor.post(f"/films/{film_id}/share", {"days": days})
    assert answer.status_code == 303, sentence(answer)
    found = re.search(r'value="http://localhost(/shared/[^"]+)"', visitor.get(answer.location).text)
    assert found
    return found[1]


def test_whoever_has_the_link_sees_the_film_and_nothing_else(
    app: Flask, visitor: Visitor, film_id: str, tmp_path: Path
) -> None:
    link = share(visitor, film_id)
    guest = Visitor(app)
    page = guest.get(link)
    assert page.status_code == 200
    assert "<h1>Nachtlied</h1>" in page.text
    assert "Set-Cookie" not in page.headers, "a guest is nobody"
    # Neither addresses of the visitor's own pages, nor what names the song, the film or the choice.
    with app.app_context():
        film = db.session.get_one(Film, film_id)
        own = (film.id, film.song_id, film.song.sha256, film.song.visitor, "ecipe", 'href="/"')
    assert not [word for word in own if word in page.text]
    addresses = re.findall(r'(?:src|href|poster)="(/shared[^"]+)"', page.text)
    assert len(addresses) == 3
    assert {guest.get(address).status_code for address in addresses} == {200}
    (tmp_path / "film.mp4").write_bytes(guest.get(f"{link}/download").data)
    with av.open(tmp_path / "film.mp4") as container:
        assert container.streams.video[0].frames == 12


def test_a_guest_may_jump_within_the_film(app: Flask, visitor: Visitor, film_id: str) -> None:
    link = share(visitor, film_id)
    whole = visitor.get(f"/films/{film_id}/film.mp4").data
    answer = Visitor(app).get(f"{link}/film.mp4", Range="bytes=100-299")
    assert (answer.status_code, answer.data) == (206, whole[100:300])
    answer = Visitor(app).get(f"{link}/download")
    assert answer.headers["Content-Disposition"] == "attachment; filename=Nachtlied.mp4"


def paths(link: str) -> list[str]:
    """List all that a link leads to."""
    return [link, f"{link}/film.mp4", f"{link}/download", f"{link}/poster.jpg"]


def assert_no_film(app: Flask, link: str, status: int, words: str) -> None:
    """See that a link leads to nothing but a sentence."""
    for path in paths(link):
        answer = Visitor(app).get(path)
        assert answer.status_code == status, path
        assert words in sentence(answer)
        assert 'href="/"' not in answer.text


@pytest.mark.parametrize(("days", "n_days"), [("1", 1), ("7", 7), ("30", 30)])
def test_a_link_expires(
    app: Flask,
    visitor: Visitor,
    film_id: str,
    monkeypatch: pytest.MonkeyPatch,
    days: str,
    n_days: int,
) -> None:
    link = share(visitor, film_id, days)
    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + n_days * DAY_S - 60)
    assert Visitor(app).get(link).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now_s + n_days * DAY_S + 60)
    assert_no_film(app, link, 410, "This link has expired")
    assert "Make a link" in same_browser(visitor, app).get(f"/films/{film_id}").text


def test_a_link_can_be_taken_back(app: Flask, visitor: Visitor, film_id: str) -> None:
    link = share(visitor, film_id)
    assert visitor.post(f"/films/{film_id}/unshare").status_code == 303
    assert_no_film(app, link, 410, "no longer shared")
    assert link not in visitor.get(f"/films/{film_id}").text
    later = share(visitor, film_id)
    assert Visitor(app).get(later).status_code == 200
    assert_no_film(app, link, 410, "no longer shared")
    newest = share(visitor, film_id, "1")
    assert_no_film(app, later, 410, "no longer shared")
    assert Visitor(app).get(newest).status_code == 200


def test_a_link_that_was_tampered_with_leads_nowhere(
    app: Flask, visitor: Visitor, film_id: str
) -> None:
    link = share(visitor, film_id)
    content, signature = link.removeprefix("/shared/").split(".")
    other = "B" if content[8] == "A" else "A"
    changed = f"{content[:8]}{other}{content[9:]}"
    for torn in (f"{changed}.{signature}", content, f"{content}.", f"{content}.{signature[:-1]}"):
        assert_no_film(app, f"/shared/{torn}", 404, "This link is not whole")


def test_a_link_of_another_service_leads_nowhere(
    app: Flask, visitor: Visitor, film_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = share(visitor, film_id)
    monkeypatch.setitem(app.config, "SECRET_KEY", "another")
    assert_no_film(app, link, 404, "This link is not whole")


def test_only_a_finished_film_can_be_shared(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    preview_id = visitor.new_film(visitor.new_song(0.5), preview="yes")
    for waiting in (film_id, preview_id):
        assert "Make a link" not in visitor.get(f"/films/{waiting}").text
        answer = visitor.post(f"/films/{waiting}/share", {"days": "7"})
        assert answer.status_code == 400
        assert "Only a finished film can be shared" in sentence(answer)
    work(app)
    assert film_row(app, preview_id).state == State.DONE
    assert visitor.post(f"/films/{preview_id}/share", {"days": "7"}).status_code == 400
    assert "Make a link" not in visitor.get(f"/films/{preview_id}").text
    link = share(visitor, film_id)
    visitor.post(f"/films/{film_id}/delete")
    assert_no_film(app, link, 410, "no longer shared")


@pytest.mark.parametrize("days", ["", "0", "365", "-1", "a week"])
def test_a_link_works_for_one_of_three_times(
    app: Flask, visitor: Visitor, film_id: str, days: str
) -> None:
    link = share(visitor, film_id)
    answer = visitor.post(f"/films/{film_id}/share", {"days": days})
    assert (answer.status_code, sentence(answer)[:31]) == (400, "Choose how long the link shall ")
    assert Visitor(app).get(link).status_code == 200, "what was shared stays so"


def test_a_link_opens_a_site_with_a_password_for_its_film_alone(
    app: Flask, visitor: Visitor, film_id: str
) -> None:
    link = share(visitor, film_id)
    closed = again(app, password=SECRET)
    guest = Visitor(closed)
    assert [guest.get(path).status_code for path in paths(link)] == [200] * 4
    assert guest.get("/").location == "/enter"
    assert_no_film(closed, "/shared/nothing", 404, "This link is not whole")


def test_the_link_begins_with_the_public_address(
    app: Flask, visitor: Visitor, film_id: str
) -> None:
    link = share(visitor, film_id)
    assert "from this machine alone" in visitor.get(f"/films/{film_id}").text
    public = same_browser(visitor, again(app, address="https://films.example.org/"))
    page = public.get(f"/films/{film_id}").text
    assert f'value="https://films.example.org{link}"' in page
    assert "from this machine alone" not in page
