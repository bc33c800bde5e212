"""The whole way in a real browser: upload, analysis, pictures, film, download."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from browsing import DESKTOP, PHONE, OpenPage, fits, wait_for
from conftest import WriteWav, music, write_theme
from playwright.sync_api import Locator, Page, expect

from film.presets import read_preset
from film.recipe import Recipe, parse_recipe
from spectro.routes import DEFAULT_ROUTES, MAX_ROUTES, Route

pytest_plugins = ["browser_fixtures"]
pytestmark = pytest.mark.browser


def marks(page: Page) -> list[str]:
    """Read the numbers on the chosen pictures, in the gallery's order."""
    texts = page.locator(".still-mark").all_text_contents()
    return [text for text in texts if text]


def listen(page: Page) -> None:
    """Look at the drawn song, and jump to a place in it."""
    page.wait_for_selector("[data-score]")
    assert page.locator(".lane").count() == 4
    wait_for(page, "document.querySelector('audio').duration > 1.9")
    page.locator("[data-score]").click(position={"x": 100, "y": 20})
    wait_for(page, "document.querySelector('audio').currentTime > 0.1")


def choose(page: Page) -> None:
    """Choose pictures by click and by key, change one's mind, and ask for more."""
    wait_for(page, "document.querySelectorAll('.still img').length == 24")
    stills = page.locator(".still")
    for place in (2, 0, 4):
        stills.nth(place).click()
    assert marks(page) == ["2", "1", "3"]
    page.locator("[name=picked]").nth(7).focus()
    page.keyboard.press("Space")
    stills.nth(0).click()
    assert marks(page) == ["1", "2", "3"]
    expect(page.locator("[name=keyframes]")).to_have_value("2, 4, 7")
    page.get_by_role("link", name="More pictures").click()
    wait_for(page, "document.querySelectorAll('.still').length == 48")
    assert marks(page) == ["1", "2", "3"], "what was chosen stays"


def play(page: Page) -> None:
    """Play the film."""
    page.evaluate("() => { const v = document.querySelector('video'); v.muted = true; v.play() }")
    wait_for(page, "document.querySelector('video').currentTime > 0.5")


def save(page: Page, path: Path) -> None:
    """Download the film."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP4").click()
    assert download.value.suggested_filename == "Abendlied.mp4"
    download.value.save_as(path)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_song_becomes_a_film(
    open_page: OpenPage, write_wav: WriteWav, tmp_path: Path, size: dict[str, int]
) -> None:
    page = open_page(size)
    assert fits(page)
    page.set_input_files("input[type=file]", write_wav(music(2.0), name="Abendlied.wav"))

    expect(page.locator("h1")).to_have_text("Abendlied")
    listen(page)
    assert fits(page)
    page.get_by_role("link", name="Choose pictures").click()

    choose(page)
    page.get_by_label("Sound level").fill("0.8")
    expect(page.locator(".slider-level output")).to_have_text("80 %")
    page.locator(".size", has_text="Small").click()
    page.get_by_text("More options").click()
    page.get_by_label("Quality").select_option("draft")
    assert fits(page)
    page.get_by_role("button", name="Render the film").click()

    page.wait_for_selector(".tight")
    expect(page.locator(".tight")).to_contain_text("In time with the music")
    assert fits(page)
    play(page)
    film = tmp_path / "film.mp4"
    save(page, film)
    with av.open(film) as container:
        assert container.streams.video[0].frames == 48
        assert len(container.streams.audio) == 1
    page.goto(page.url.split("/films")[0])
    assert page.locator(".card-film", has_text="Abendlied").count() == 1


def state_of(page: Page) -> str:
    """Ask where the film of this page stands."""
    return str(page.request.get(f"{page.url}/status.json").json()["state"])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["media source", "playlist"])
def test_a_film_plays_while_it_is_made_and_becomes_the_mp4(
    open_page: OpenPage, write_wav: WriteWav, way: str
) -> None:
    page = open_page(DESKTOP)
    if way == "playlist":
        page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
        page.reload()
    page.set_input_files("input[type=file]", write_wav(music(20.0), name="Lang.wav"))
    page.get_by_role("link", name="Choose pictures").click()
    page.locator(".still").nth(3).click()
    page.locator(".size", has_text="Small").click()
    page.get_by_text("More options").click()
    page.get_by_label("Quality").select_option("draft")
    page.get_by_role("button", name="Render the film").click()

    page.wait_for_selector(".live video")
    wait_for(page, "document.querySelector('video').currentTime > 0.3")
    assert state_of(page) == "running"
    assert page.evaluate("document.querySelector('video').webkitDecodedFrameCount") > 0
    assert page.evaluate("document.querySelector('video').webkitAudioDecodedByteCount") > 0
    # A playlist is as long as what it lists so far.
    longest = page.evaluate("document.querySelector('video').duration")
    assert longest == pytest.approx(20, abs=0.1) if way == "media source" else longest < 19
    # Back to where it began, and on from there.
    page.evaluate("() => { document.querySelector('video').currentTime = 0 }")
    wait_for(page, "document.querySelector('video').currentTime > 0.1")
    assert fits(page)

    page.wait_for_selector("video[src$='film.mp4']")
    page.get_by_role("link", name="Download MP4").wait_for()
    assert page.locator(".tight").is_visible()
    wait_for(page, "document.querySelector('video').currentTime > 0.1")


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_preview_leads_to_the_film_and_back(
    open_page: OpenPage, write_wav: WriteWav, size: dict[str, int]
) -> None:
    page = open_page(size)
    page.set_input_files("input[type=file]", write_wav(music(7.5), name="Probe.wav"))
    page.get_by_role("link", name="Choose pictures").click()
    page.locator(".still").nth(3).click()
    start = page.get_by_label("Preview from")
    start.fill("1")
    start.press("ArrowRight")
    expect(page.locator("[data-clock]")).to_have_text("0:02")
    assert fits(page)
    page.get_by_role("button", name="Preview 5 seconds").click()
    page.get_by_role("button", name="Render the whole film").wait_for()
    assert (read_recipe(page).start_s, read_recipe(page).duration_s) == (2.0, 5.0)
    assert fits(page)
    page.get_by_role("link", name="Back to the choices").click()
    expect(page.locator(".still").nth(3).locator(".still-mark")).to_have_text("1")


@pytest.fixture
def second_theme(tiny_models: Path) -> Iterator[str]:
    """Install a theme beside "tiny" for one test; return its title."""
    write_theme(tiny_models, "other", seed=1)
    yield "Other"
    shutil.rmtree(tiny_models / "other")


def read_recipe(page: Page) -> Recipe:
    """Read the recipe of the film whose page this is."""
    return parse_recipe(page.request.get(f"{page.url}/recipe.json").body())


def n_routes(page: Page) -> int:
    """Count the rows of the table."""
    return page.locator("[data-routes] .route").count()


def route(page: Page, place: int) -> Locator:
    """Find a row by the name that a screen reader says."""
    return page.get_by_role("group", name=f"Route {place}", exact=True)


def try_presets(page: Page) -> None:
    """Choose presets by mouse and by key; the page fills in what they set."""
    page.locator(".preset", has_text="Dream").click()
    expect(page.get_by_label("Blend")).to_have_value("displace")
    page.locator("[name=preset]:checked").press("ArrowLeft")
    expect(page.get_by_role("radio", name="Club")).to_be_checked()
    expect(page.get_by_label("Blend")).to_have_value("crossfade")
    expect(page.locator(".slider-level output")).to_have_text("75 %")
    page.get_by_label("Timbre").fill("0.2")
    expect(page.get_by_role("radio", name="Club")).to_be_checked()


def patch(page: Page) -> None:
    """Change, take away and add a route, by keyboard alone."""
    route(page, 2).get_by_label("Amount").fill("-0.5")
    expect(page.get_by_role("radio", name="Own")).to_be_checked()
    page.get_by_role("button", name="Take route 1 away").press("Enter")
    expect(page.get_by_role("button", name="Take route 1 away")).to_be_focused()
    expect(route(page, 1).get_by_label("Amount")).to_have_value("-0.5")
    page.get_by_role("button", name="Add a route").press("Enter")
    added = route(page, n_routes(page))
    expect(added.get_by_label("What is heard")).to_be_focused()
    added.get_by_label("Response").select_option("Strong only")
    added.get_by_label("What is heard").select_option("Sway sideways")
    expect(added.get_by_label("Response")).to_have_value("linear")
    added.get_by_label("What is seen").select_option("Grain")
    for label, value in (("Amount", "1"), ("Attack", "0.5"), ("Release", "2"), ("Delay", "0.25")):
        added.get_by_label(label).fill(value)


def switch(page: Page) -> None:
    """Switch things on and off by keys."""
    page.get_by_role("switch", name="Inside the networks: on").press("Space")
    expect(page.get_by_role("slider", name="Inside the networks")).to_have_value("0")
    page.get_by_role("radio", name="Fine").press("Space")
    page.get_by_role("checkbox", name="Switch the flash guard off").press("Space")


def come_back(page: Page, n: int) -> None:
    """Load the page anew; what was chosen is all there."""
    page.reload()
    page.get_by_text("Advanced").click()
    assert n_routes(page) == n
    expect(page.get_by_role("switch", name="Inside the networks: on")).not_to_be_checked()


@pytest.mark.slow
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_presets_and_routes_reach_the_film(
    open_page: OpenPage, write_wav: WriteWav, size: dict[str, int]
) -> None:
    page = open_page(size)
    page.set_input_files("input[type=file]", write_wav(music(0.5), name="Kabel.wav"))
    page.get_by_role("link", name="Choose pictures").click()
    page.locator(".still").nth(3).click()
    page.locator(".size", has_text="Small").click()
    try_presets(page)

    assert not page.get_by_role("button", name="Add a route").is_visible()
    page.get_by_text("Advanced").click()
    club = [Route(**values) for values in read_preset("club")["routes"]]
    assert n_routes(page) == len(club)
    patch(page)
    assert fits(page)
    page.locator(".preset", has_text="Calm").click()
    assert n_routes(page) == len(read_preset("calm")["routes"])
    page.locator(".preset", has_text="Own").click()
    assert n_routes(page) == len(club), "what was changed is still there"
    switch(page)
    come_back(page, len(club))
    page.get_by_role("button", name="Render the film").click()

    page.wait_for_selector("video")
    expect(page.locator(".notice + video")).to_be_visible()
    assert fits(page)
    recipe = read_recipe(page)
    added = Route(
        source="drift_x", target="noise", amount=1.0, attack_s=0.5, release_s=2.0, delay_s=0.25
    )
    assert recipe.routes == (replace(club[1], amount=-0.5), *club[2:], added)
    assert (recipe.level, recipe.timbre, recipe.blend) == (0.75, 0.2, "crossfade")
    assert (recipe.before, recipe.inside, recipe.after, recipe.layer) == (1.0, 0.0, 1.0, "fine")
    assert not recipe.flash_guard


@pytest.mark.slow
def test_another_theme_takes_over_what_was_set(
    open_page: OpenPage, write_wav: WriteWav, second_theme: str
) -> None:
    page = open_page(DESKTOP)
    page.set_input_files("input[type=file]", write_wav(music(0.5), name="Wechsel.wav"))
    page.get_by_role("link", name="Choose pictures").click()
    page.get_by_label("Timbre").fill("0.2")
    page.get_by_label("Frames a second").select_option("60")
    page.get_by_role("link", name=second_theme).click()
    expect(page.get_by_role("link", name=second_theme)).to_have_attribute("aria-current", "true")
    expect(page.get_by_label("Timbre")).to_have_value("0.2")
    expect(page.locator(".slider-timbre output")).to_have_text("20 %")
    expect(page.get_by_label("Frames a second")).to_have_value("60")
    page.get_by_role("link", name="Tonfilm", exact=True).click()
    page.get_by_role("link", name="Wechsel").first.click()
    page.get_by_role("link", name="Choose pictures").click()
    expect(page.get_by_label("Timbre")).to_have_value("0.5")


@pytest.mark.slow
def test_a_table_of_routes_is_full_at_some_time(open_page: OpenPage, write_wav: WriteWav) -> None:
    page = open_page(DESKTOP)
    page.set_input_files("input[type=file]", write_wav(music(0.5), name="Voll.wav"))
    page.get_by_role("link", name="Choose pictures").click()
    page.get_by_text("Advanced").click()
    add = page.get_by_role("button", name="Add a route")
    for _ in range(MAX_ROUTES - n_routes(page)):
        add.click()
    expect(add).to_be_disabled()
    page.get_by_role("button", name="Take route 64 away").click()
    expect(add).to_be_enabled()


def test_too_large_a_file_is_not_even_sent(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(DESKTOP)
    page.eval_on_selector("[data-upload]", "form => { form.dataset.maxBytes = 1048576 }")
    large = tmp_path / "large.wav"
    large.write_bytes(bytes(1048577))
    page.set_input_files("input[type=file]", large)
    expect(page.locator("[data-problem]")).to_have_text(
        "The file is too large: choose one of at most 1 GB."
    )


def test_everything_works_without_javascript(open_page: OpenPage, write_wav: WriteWav) -> None:
    page = open_page(PHONE, javascript=False)
    page.set_input_files("input[type=file]", write_wav(music(0.5), name="Still.wav"))
    page.get_by_role("button", name="Upload the song").click()
    page.get_by_role("link", name="Choose pictures").click()
    page.locator(".still").nth(5).click()
    page.locator(".still").nth(6).click()
    page.locator(".size", has_text="Small").click()
    page.locator(".preset", has_text="Pulse").click()
    page.get_by_text("Advanced").click()
    assert page.locator(".route:visible").count() == len(DEFAULT_ROUTES) + 1, "one to fill in"
    assert fits(page)
    page.get_by_role("button", name="Render the film").click()
    page.wait_for_selector("video")
    assert page.locator(".keyframes li").count() == 2
    pulse = [Route(**values) for values in read_preset("pulse")["routes"]]
    assert read_recipe(page).routes == tuple(pulse)
