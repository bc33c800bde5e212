"""A film is watched while it is made in Firefox too, which has a media source of its own making."""

from collections.abc import Iterator
from pathlib import Path

import needs
import pytest
from conftest import WriteWav, music
from firefox import Firefox, start_firefox
from running import Running

pytestmark = [pytest.mark.firefox, pytest.mark.slow]

H264 = 'video/mp4; codecs="avc1.42c01e"'
VIDEO = "document.querySelector('video')"


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """Start Firefox; at the end, see that no page has met an error."""
    program = needs.find("firefox")
    with start_firefox(program, tmp_path / "firefox") as firefox:
        if not firefox.evaluate(f"MediaSource.isTypeSupported({H264!r})"):
            needs.miss("firefox", "its Firefox plays no H.264: install a libavcodec")
        yield firefox
    assert firefox.complaints == []


@pytest.fixture
def running(tmp_path: Path, tiny_models: Path) -> Iterator[Running]:
    """Start the service."""
    running = Running(tmp_path / "instance", tiny_models)
    yield running
    running.kill()


def order_film(firefox: Firefox, running: Running, song: Path) -> None:
    """Send a song and ask for a small film of it."""
    firefox.open(running.address)
    firefox.choose_file("input[type=file]", song)
    firefox.click("a.next")
    firefox.click("[name=picked]")
    firefox.click("[name=size][value='640x360']")
    firefox.evaluate("document.querySelector('[name=quality]').value = 'draft'")
    firefox.click(".go .btn-primary")


def test_a_film_plays_while_it_is_made_and_becomes_the_mp4(
    firefox: Firefox, running: Running, write_wav: WriteWav
) -> None:
    order_film(firefox, running, write_wav(music(20.0), name="Lang.wav"))

    firefox.wait_for("document.querySelector('.live video') !== null")
    # The first piece lasts a second: it plays on over the seam, without a gap.
    firefox.wait_for(f"{VIDEO}.currentTime > 1.3")
    assert firefox.evaluate(f"{VIDEO}.buffered.length") == 1
    state = "fetch(`${location.pathname}/status.json`).then((it) => it.json())"
    assert firefox.evaluate(state)["state"] == "running"
    assert firefox.evaluate(f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames") > 5
    assert firefox.evaluate(f"[{VIDEO}.videoWidth, {VIDEO}.videoHeight]") == [640, 360]
    assert firefox.evaluate(f"{VIDEO}.mozHasAudio")
    assert firefox.evaluate(f"{VIDEO}.duration") == pytest.approx(20, abs=0.1)
    # Back to where it began, and on from there.
    firefox.evaluate(f"({VIDEO}.currentTime = 0)")
    firefox.wait_for(f"!{VIDEO}.seeking && {VIDEO}.currentTime > 0.1")

    firefox.wait_for("document.querySelector('video[src$=\"film.mp4\"]') !== null")
    firefox.wait_for("document.querySelector('.tight') !== null")
    firefox.wait_for(f"{VIDEO}.readyState > 1 && {VIDEO}.currentTime > 0.1")
    assert firefox.evaluate(f"{VIDEO}.duration") == pytest.approx(20, abs=0.1)
