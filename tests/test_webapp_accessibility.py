"""Every page can be seen and used by everybody: judged by axe, by keys alone, and at rest."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from browsing import OpenPage, fits, wait_for
from conftest import WriteWav, music
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from web_service import Visitor, leave_half_made, make_app, work
from werkzeug.serving import make_server

from webapp.jobs import TASKS
from webapp.settings import Settings
from webapp.tables import Film, Song, State, db

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest_plugins = ["browser_fixtures"]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# What axe finds and holds to keep somebody out.
GRAVE = ("serious", "critical")
WIDTHS = (360, 1440)  # pixels
SCHEMES = ("light", "dark")
SECRET = "open sesame"  # noqa: S105, of these tests


def _close_every_answer(app: Flask) -> "WSGIApplication":
    """Close what is sent when nobody reads it any more.

    A browser that leaves a page drops the pictures it asked for. Werkzeug's server, which only
    these tests use, then forgets to close the file that it was sending (3.1, `run_wsgi`).
    """

    def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterator[bytes]:
        return _send(app(environ, start_response))

    return serve


def _send(answer: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from answer
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


class Site:
    """An application that is served, without a worker: its jobs stand where the test wants them."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._server = make_server("127.0.0.1", 0, _close_every_answer(app), threaded=True)
        self.address = f"http://127.0.0.1:{self._server.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


@dataclass(frozen=True, kw_only=True)
class Things:
    """What the visitor has, by the state that it is in."""

    songs: dict[str, str]
    films: dict[str, str]
    link: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[Site]:
    """Serve Tonfilm without a password."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TONFILM_MODELS", str(tiny_models))
        site = Site(make_app(Settings(instance=tmp_path_factory.mktemp("service") / "instance")))
        yield site
        site.stop()


@pytest.fixture(scope="module")
def closed(site: Site) -> Iterator[Site]:
    """Serve the same with a password."""
    closed = Site(
        make_app(
            Settings(instance=Path(site.app.instance_path), password=SECRET, admin_password=SECRET)
        )
    )
    yield closed
    closed.stop()


@pytest.fixture(scope="module")
def visitor(site: Site) -> Visitor:
    """Return a visitor."""
    return Visitor(site.app)


@pytest.fixture(scope="module")
def things(site: Site, visitor: Visitor) -> Things:
    """Bring songs and films into every state that a page shows."""
    song_id = visitor.new_song(2.0, name="Nachtlied.wav")
    films = {"done": visitor.new_film(song_id, duration_s="1", unguarded="y")}
    films["preview"] = visitor.new_film(song_id, preview="yes")
    work(site.app)
    films["live"] = leave_half_made(site.app, visitor)
    for state in ("waiting", "failed", "cancelled"):
        films[state] = visitor.new_film(song_id)
    songs = {state: visitor.new_song(0.3) for state in ("waiting", "failed")}
    with site.app.app_context():
        for table, identity in ((Film, films["failed"]), (Song, songs["failed"])):
            job = db.session.get_one(table, identity)
            job.state, job.error = State.FAILED, "The disk is full: make room and try again."
        db.session.get_one(Film, films["cancelled"]).state = State.CANCELLED
        live = db.session.get_one(Film, films["live"])
        live.state, live.stage, live.n_done, live.n_steps = State.RUNNING, "paint", 24, 48
        live.stage_began_s = time.time() - 10
        db.session.commit()
    visitor.post(f"/films/{films['done']}/share", {"days": "7"})
    page = visitor.get(f"/films/{films['done']}").text
    link = page.split('id="share-link" value="http://localhost')[1].split('"')[0]
    return Things(songs={"done": song_id, **songs}, films=films, link=link)


@pytest.fixture
def open_page(browser: Browser, visitor: Visitor) -> Iterator[OpenPage]:
    """Return a function that opens a page of a site, as the visitor or as a stranger."""
    contexts = []

    def open_page(site: Site, path: str, *, is_stranger: bool = False, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        cookie = visitor._client.get_cookie("tonfilm")
        if cookie and not is_stranger:
            context.add_cookies([{"name": "tonfilm", "value": cookie.value, "url": site.address}])
        page = context.new_page()
        page.goto(site.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def judge(page: Page) -> list[str]:
    """Let axe look at a page, narrow and wide, by day and by night; list what is grave."""
    found = []
    page.evaluate(AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for violation in page.evaluate("axe.run({ resultTypes: ['violations'] })")[
                "violations"
            ]:
                places = [node["target"] for node in violation["nodes"]]
                if violation["impact"] in GRAVE:
                    found.append(f"{violation['id']} at {width} {scheme}: {places}")
    return found


@pytest.mark.parametrize("path", ["/", "/nowhere", "/shared/nothing", "LINK"])
def test_what_strangers_see(site: Site, things: Things, open_page: OpenPage, path: str) -> None:
    page = open_page(site, path.replace("LINK", things.link), is_stranger=True)
    assert judge(page) == []


def test_the_door(closed: Site, open_page: OpenPage) -> None:
    page = open_page(closed, "/", is_stranger=True)
    assert judge(page) == []
    page.get_by_label("Password").fill("open barley")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert judge(page) == []


def test_the_list_of_all_jobs(closed: Site, things: Things, open_page: OpenPage) -> None:
    page = open_page(closed, "/", is_stranger=True)
    for path in ("/enter", "/admin/enter"):
        page.goto(closed.address + path)
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Enter").click()
    assert page.locator(".job").count() >= 10
    page.locator(".job summary").first.click()
    assert judge(page) == []
    assert fits(page)


def test_the_first_page(site: Site, things: Things, open_page: OpenPage) -> None:
    page = open_page(site, "/")
    assert page.locator(".card-film").count() >= 6
    assert judge(page) == []


@pytest.mark.parametrize("state", ["waiting", "done", "failed"])
def test_a_song(site: Site, things: Things, open_page: OpenPage, state: str) -> None:
    page = open_page(site, f"/songs/{things.songs[state]}")
    assert page.locator(".lane").count() == (4 if state == "done" else 0)
    assert judge(page) == []


@pytest.mark.parametrize("state", ["waiting", "live", "done", "preview", "failed", "cancelled"])
def test_a_film(site: Site, things: Things, open_page: OpenPage, state: str) -> None:
    page = open_page(site, f"/films/{things.films[state]}")
    if state == "live":
        page.wait_for_selector(".live video")
    for summary in page.locator("summary").all():
        summary.click()
    assert judge(page) == []


def test_the_choices(site: Site, things: Things, open_page: OpenPage) -> None:
    page = open_page(site, f"/songs/{things.songs['done']}/film")
    page.locator(".still").nth(3).click()
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.get_by_role("button", name="Add a route")).to_be_visible()
    assert judge(page) == []
    page.get_by_role("group", name="Route 1", exact=True).get_by_label("Amount").fill("7")
    page.get_by_role("button", name="Render the film").click()
    page.wait_for_selector(".route-problem")
    assert judge(page) == []


# What has the focus, and whether one sees that: the mark may be on the label around it.
FOCUS = """() => {
  const it = document.activeElement;
  const marks = [it, it.closest("label")].filter(Boolean).map((one) => getComputedStyle(one));
  const isMarked = marks.some((now) => now.outlineStyle !== "none" || now.boxShadow !== "none");
  return [it.matches(WANTED), isMarked || it.matches("[type=range], [type=file], body")];
}"""


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until something of a selector has the focus; all on the way shows that it has."""
    look = FOCUS.replace("WANTED", repr(wanted))
    for _ in range(120):
        page.keyboard.press("Tab")
        is_there, is_seen = page.evaluate(look)
        assert is_seen, page.evaluate("document.activeElement.outerHTML")
        if is_there:
            return
    raise AssertionError(f"Tab never comes to {wanted}")


def choose_by_keys(page: Page) -> None:
    """Choose two pictures, a slider's place, a size and a quality, and ask for the film."""
    page.wait_for_selector(".still")
    for place in (0, 1):
        tab_to(page, "[name=picked]")
        page.keyboard.press("Space")
        expect(page.locator(".still-mark").nth(place)).to_have_text(str(place + 1))
    tab_to(page, "[name=level]")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".slider-level output")).to_have_text("55 %")
    tab_to(page, "[name=size]")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Small")).to_be_checked()
    tab_to(page, ".more-options summary")
    page.keyboard.press("Enter")
    tab_to(page, "[name=quality]")
    page.keyboard.press("ArrowDown")
    tab_to(page, ".go .btn-primary")
    page.keyboard.press("Enter")


def watch_by_keys(page: Page) -> None:
    """Play a film and download it."""
    tab_to(page, "video")
    page.keyboard.press("Space")
    wait_for(page, "document.querySelector('video').currentTime > 0")
    tab_to(page, "a[download]")
    with page.expect_download():
        page.keyboard.press("Enter")


def test_keys_alone_make_a_film(
    site: Site, things: Things, open_page: OpenPage, write_wav: WriteWav
) -> None:
    page = open_page(site, "/", viewport={"width": 1440, "height": 900})
    # Playwright asks the browser for choosers when somebody listens; a key may come before that.
    page.on("filechooser", lambda _: None)
    tab_to(page, "a[href='#content']")
    tab_to(page, "input[type=file]")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(write_wav(music(1.0), name="Tasten.wav"))
    expect(page.locator("h1")).to_have_text("Tasten")
    work_but(site.app, things)
    page.wait_for_selector(".lane")
    tab_to(page, "a.next")
    page.keyboard.press("Enter")
    choose_by_keys(page)
    page.wait_for_selector("[data-status]")
    work_but(site.app, things)
    page.wait_for_selector("video[src$='film.mp4']")
    watch_by_keys(page)
    recipe = page.request.get(f"{page.url}/recipe.json").json()
    assert (recipe["keyframes"], recipe["width"], recipe["quality"]) == ([0, 1], 640, "draft")


def test_a_link_is_copied_by_key(site: Site, things: Things, open_page: OpenPage) -> None:
    page = open_page(
        site,
        f"/films/{things.films['done']}",
        permissions=["clipboard-read", "clipboard-write"],
    )
    tab_to(page, "[data-copy]")
    page.keyboard.press("Enter")
    expect(page.locator("[data-copied]")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == site.address + things.link


def work_but(app: Flask, things: Things) -> None:
    """Work at what this test has asked for, and leave what stands still for the others."""
    others = {*things.songs.values(), *things.films.values()}
    with app.app_context():
        for table, task in TASKS.items():
            waiting = db.session.scalars(db.select(table.id).filter_by(state=State.QUEUED)).all()
            for identity in set(waiting) - others:
                task(identity)


def n_moving(page: Page) -> int:
    """Count what moves by itself."""
    return int(page.evaluate("document.getAnimations().length"))


def test_nothing_moves_for_whoever_wants_it_so(
    site: Site, things: Things, open_page: OpenPage
) -> None:
    path = f"/songs/{things.songs['waiting']}"
    assert n_moving(open_page(site, path)) > 0
    assert n_moving(open_page(site, path, reduced_motion="reduce")) == 0
    path = f"/films/{things.films['live']}"
    plays = "!document.querySelector('.live video').paused"
    page = open_page(site, path)
    page.wait_for_selector(".live video")
    wait_for(page, plays)
    page = open_page(site, path, reduced_motion="reduce")
    expect(page.locator(".live-words")).to_have_text("It can be played while it is painted")
    assert not page.evaluate(plays)
    assert n_moving(page) == 0
    page.locator("video").press("Space")
    wait_for(page, plays)
