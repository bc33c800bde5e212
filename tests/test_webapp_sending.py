"""A song on its way in a real browser: progress, breaks, and what a screen reader says."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import DESKTOP, PHONE, fits
from conftest import WriteWav
from playwright.sync_api import Browser, Page, expect
from running import PATIENCE_S, Running, wait_until

pytest_plugins = ["browser_fixtures"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW, FAST = 2_000_000, -1  # bytes a second; -1: as fast as it goes
WORDS = "[data-sent]"


@pytest.fixture(params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest, browser: Browser, running: Running) -> Iterator[Page]:
    """Open the first page; at the end judge what its scripts said."""
    context = browser.new_context(viewport=request.param)
    context.set_default_timeout(PATIENCE_S * 1000)
    expect.set_options(timeout=PATIENCE_S * 1000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(running.address)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def song(write_wav: WriteWav) -> Path:
    """Write a song that takes some seconds on a slow line."""
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (44_100 * 50, 2))
    return write_wav(noise.astype(np.float32), name="Fernweh.wav")


class Line:
    """The connection of a page."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")
        self.offsets: list[int] = []  # of the pieces that were sent
        page.on("request", lambda it: self._note(it.method, it.headers))

    def _note(self, method: str, headers: dict[str, str]) -> None:
        if method == "PATCH":
            self.offsets.append(int(headers["upload-offset"]))

    def set(self, speed: int, *, offline: bool = False) -> None:
        """Set the speed of sending."""
        self._session.send(
            "Network.emulateNetworkConditions",
            {
                "offline": offline,
                "latency": 0,
                "downloadThroughput": FAST,
                "uploadThroughput": speed,
            },
        )


def send(page: Page, song: Path) -> Line:
    """Begin to send a song on a slow line, and wait for the first tenth."""
    line = Line(page)
    line.set(SLOW)
    page.set_input_files("input[type=file]", song)
    wait_until(lambda: part(page) > 0.1, "a tenth is sent")
    return line


def part(page: Page) -> float:
    """Read the bar as a screen reader does."""
    bar = page.get_by_role("progressbar", name="Upload")
    return float(bar.evaluate("bar => bar.value"))


def stored(running: Running, page: Page) -> bytes:
    """Read the song that the page shows."""
    identity = page.url.rsplit("/", 1)[1]
    return (running.instance / "songs" / f"{identity}.wav").read_bytes()


def test_progress_is_seen_and_said(page: Page, running: Running, song: Path) -> None:
    line = send(page, song)
    expect(page.locator("[data-name]")).to_have_text("Fernweh.wav")
    expect(page.locator("[data-percent]")).to_contain_text("%")
    expect(page.locator(WORDS)).to_contain_text("of 8.4 MB")
    expect(page.get_by_role("status")).to_have_text("25 % sent")
    assert not page.locator(".drop").is_visible()
    assert fits(page)
    line.set(FAST)
    expect(page.locator("h1")).to_have_text("Fernweh")
    assert stored(running, page) == song.read_bytes()
    assert line.offsets == [0, 4 << 20, 8 << 20]


def test_it_goes_on_when_the_network_is_back(page: Page, running: Running, song: Path) -> None:
    line = send(page, song)
    line.set(SLOW, offline=True)
    expect(page.locator(WORDS)).to_have_text(
        "There is no network. The upload goes on when it is back."
    )
    expect(page.get_by_role("status")).to_contain_text("There is no network")
    assert fits(page)
    reached = part(page)
    line.set(FAST)
    expect(page.locator("h1")).to_have_text("Fernweh")
    assert stored(running, page) == song.read_bytes()
    assert line.offsets[1] > 0, "what came before the break was kept"
    assert abs(line.offsets[1] / song.stat().st_size - reached) < 0.3


def test_it_goes_on_when_the_service_is_back(page: Page, running: Running, song: Path) -> None:
    line = send(page, song)
    running.kill()
    expect(page.locator(WORDS)).to_contain_text("The connection was lost. Trying again in")
    running.restart()
    line.set(FAST)
    expect(page.locator("h1")).to_have_text("Fernweh")
    assert stored(running, page) == song.read_bytes()


def test_the_same_file_goes_on_after_a_reload(page: Page, running: Running, song: Path) -> None:
    send(page, song)
    page.goto(running.address)
    expect(page.locator("[data-unfinished]")).to_contain_text("% of “Fernweh” has arrived.")
    assert fits(page)
    line = Line(page)
    line.set(FAST)
    page.set_input_files("input[type=file]", song)
    expect(page.locator("h1")).to_have_text("Fernweh")
    assert line.offsets[0] > 0
    assert stored(running, page) == song.read_bytes()


def test_it_can_be_stopped_and_begun_anew(page: Page, running: Running, song: Path) -> None:
    line = send(page, song)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".drop")).to_be_visible()
    wait_until(lambda: not list((running.instance / "uploads").iterdir()), "it is forgotten")
    assert page.locator("[data-problem]").is_hidden()
    line.set(FAST)
    page.set_input_files("input[type=file]", song)
    expect(page.locator("h1")).to_have_text("Fernweh")
    assert stored(running, page) == song.read_bytes()


def test_what_was_begun_can_be_forgotten(page: Page, running: Running, song: Path) -> None:
    send(page, song)
    page.goto(running.address)
    page.get_by_role("button", name="Forget it").click()
    expect(page.locator(".drop")).to_be_visible()
    assert page.locator("[data-unfinished]").count() == 0


def test_a_proxy_that_takes_less_gets_smaller_pieces(
    page: Page, running: Running, song: Path
) -> None:
    page.route("**/uploads/*", lambda it: it.fulfill(status=413, body="too large"), times=1)
    line = Line(page)
    page.set_input_files("input[type=file]", song)
    expect(page.locator("h1")).to_have_text("Fernweh")
    assert line.offsets == [0, 0, 2 << 20, 4 << 20, 6 << 20, 8 << 20]
    assert stored(running, page) == song.read_bytes()


def test_what_is_no_wav_is_told_where_it_was_dropped(page: Page, tmp_path: Path) -> None:
    mp3 = tmp_path / "Lied.wav"
    mp3.write_bytes(b"ID3\x04" + bytes(9_000_000))
    page.set_input_files("input[type=file]", mp3)
    expect(page.locator("[data-problem]")).to_have_text(
        "“Lied” is not a WAV file: save the song as WAV and try again."
    )
    expect(page.locator(".drop")).to_be_visible()
    assert fits(page)


def test_a_file_that_changes_on_its_way_is_told(page: Page, song: Path) -> None:
    line = send(page, song)
    song.write_bytes(song.read_bytes()[: 1 << 20])
    line.set(FAST)
    expect(page.locator("[data-problem]")).to_have_text(
        "The file has changed since it was chosen: choose it again."
    )
