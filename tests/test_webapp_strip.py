"""The strip of chosen pictures in a real browser: by mouse, finger and keys; and pins to parts."""

from pathlib import Path

import numpy as np
import pytest
from browsing import DESKTOP, PHONE, OpenPage, fits, wait_for
from conftest import WriteWav, clicks, music
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from film.recipe import parse_recipe
from spectro.pins import Pin

pytest_plugins = ["browser_fixtures"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHOSEN = "0@0:12-0:24, 4, 0, 2@0:00-0:12+0:24-0:36"


def verse_and_chorus() -> np.ndarray:
    """Make a song of three parts, the first and the last alike: (n,) float32."""
    times_s = np.arange(12 * 44_100) / 44_100
    quiet = 0.05 * np.sin(2 * np.pi * 220 * times_s)
    loud = 0.3 * np.sign(np.sin(2 * np.pi * 110 * times_s)) + 0.5 * clicks(12.0)
    return np.concatenate([quiet, loud, quiet]).astype(np.float32)


def open_choice(open_page: OpenPage, song: object, size: dict[str, int], **options: bool) -> Page:
    page = open_page(size, **options)
    page.set_input_files("input[type=file]", str(song))
    page.get_by_role("link", name="Choose pictures").click()
    wait_for(page, "document.querySelectorAll('.still img').length == 24")
    return page


def order(page: Page) -> str:
    """Read the field that is sent."""
    return page.locator("[name=keyframes]").input_value()


def frame(page: Page, place: int) -> Locator:
    """Find a picture of the strip by its place, 1 the first."""
    return page.locator("[data-frames] > li").nth(place - 1)


def grip(page: Page, place: int) -> Locator:
    return page.get_by_role("button", name=f"Picture {place} of")


def middle(item: Locator, *, right: float = 0.0) -> tuple[float, float]:
    """Find the middle of something, or a place so many of its widths to the right of it."""
    box = item.bounding_box()
    assert box
    return box["x"] + box["width"] * (0.5 + right), box["y"] + box["height"] / 2


def drag(page: Page, start: Locator, goal: tuple[float, float]) -> None:
    page.mouse.move(*middle(start))
    page.mouse.down()
    page.mouse.move(*goal, steps=6)
    page.mouse.up()


def reorder(page: Page) -> None:
    """Drag, move by key and by button, take away, and show once more."""
    page.evaluate("document.querySelector('[data-strip]').scrollIntoView({ behavior: 'instant' })")
    drag(page, grip(page, 1), middle(grip(page, 3), right=0.3))
    assert order(page) == "0, 4, 2, 7"
    grip(page, 4).focus()
    page.keyboard.press("ArrowLeft")
    assert order(page) == "0, 4, 7, 2"
    expect(page.get_by_text("Picture moved to place 3 of 4.")).to_have_count(1)
    page.keyboard.press("ArrowLeft")
    assert order(page) == "0, 7, 4, 2", "the picture that was moved is still focused"
    page.keyboard.press("Delete")
    assert order(page) == "0, 4, 2"
    expect(grip(page, 2)).to_be_focused()
    page.get_by_role("button", name="Show picture 1 once more").click()
    page.get_by_role("button", name="Move picture 2 later").press("Enter")
    assert order(page) == "0, 4, 0, 2"
    assert page.locator(".still-mark").nth(0).text_content() == "1 · 3"


def pin(page: Page) -> None:
    """Pin pictures to parts of the song, by choice and by drag."""
    page.get_by_label("Where picture 2 falls").select_option("B 0:12–0:24")
    expect(page.get_by_text("Picture 2 is shown in part B, 0:12 to 0:24.")).to_have_count(1)
    assert order(page) == "0, 4@0:12-0:24, 0, 2"
    page.get_by_label("Where picture 4 falls").select_option("Every A")
    drag(page, grip(page, 1), middle(page.locator("[data-part]").nth(1)))
    assert order(page) == CHOSEN, "one picture to a part: the other is free again"


def come_back(page: Page) -> None:
    """Load the page anew, and go away and back."""
    page.reload()
    assert order(page) == CHOSEN
    expect(page.get_by_label("Where picture 1 falls")).to_have_value("0:12-0:24")
    page.get_by_role("link", name="Tonfilm").click()
    page.go_back()
    wait_for(page, "document.querySelectorAll('[data-frames] > li').length == 4")
    assert order(page) == CHOSEN


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pictures_are_ordered_and_pinned(
    open_page: OpenPage, write_wav: WriteWav, size: dict[str, int]
) -> None:
    page = open_choice(open_page, write_wav(verse_and_chorus(), name="Strophe.wav"), size)
    for place in (2, 0, 4, 7):
        page.locator(".still").nth(place).click()
    assert order(page) == "2, 0, 4, 7"
    reorder(page)
    pin(page)
    assert fits(page)
    come_back(page)
    page.locator(".size", has_text="Small").click()
    page.get_by_role("button", name="Preview 5 seconds").click()
    page.get_by_role("button", name="Render the whole film").wait_for()
    recipe = parse_recipe(page.request.get(f"{page.url}/recipe.json").body())
    assert recipe.keyframes == (0, 4, 0, 2)
    assert recipe.pins == (
        Pin(picture=1, start_s=12.0, stop_s=24.0),
        Pin(picture=4, start_s=0.0, stop_s=12.0),
        Pin(picture=4, start_s=24.0, stop_s=36.0),
    )
    page.get_by_role("link", name="Back to the choices").click()
    wait_for(page, "document.querySelectorAll('[data-frames] > li').length == 4")
    assert order(page) == CHOSEN


def test_a_finger_that_rests_first_drags_and_one_that_does_not_scrolls(
    open_page: OpenPage, write_wav: WriteWav
) -> None:
    page = open_choice(open_page, write_wav(music(2.0), name="Finger.wav"), PHONE, touch=True)
    for place in (2, 0, 4):
        page.locator(".still").nth(place).click()
    page.evaluate("document.querySelector('[data-strip]').scrollIntoView({ behavior: 'instant' })")
    touch = page.context.new_cdp_session(page)

    def swipe(start: Locator, goal: tuple[float, float], rest_ms: int) -> None:
        points = [middle(start), goal]
        for kind, (x, y) in zip(("touchStart", "touchMove"), points, strict=True):
            touch.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            )
            page.wait_for_timeout(rest_ms)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    goal = middle(grip(page, 3), right=0.3)
    swipe(grip(page, 1), goal, 0)
    assert order(page) == "2, 0, 4"
    swipe(grip(page, 1), goal, 500)
    assert order(page) == "0, 4, 2"


def test_own_pictures_are_added_shown_and_deleted(
    open_page: OpenPage, write_wav: WriteWav, tmp_path: Path
) -> None:
    page = open_choice(open_page, write_wav(music(2.0), name="Bild.wav"), DESKTOP)
    page.locator(".still").nth(3).click()
    image = Image.new("RGB", (80, 60), (20, 30, 60))
    image.paste((250, 220, 150), (25, 15, 55, 45))
    image.save(tmp_path / "Ferien.png")
    page.get_by_label("Sound level").fill("0.8")
    page.locator("[name=pictures]").set_input_files(tmp_path / "Ferien.png")
    tile = page.locator("[data-own]")
    tile.wait_for()
    name = tile.get_attribute("data-own")
    assert order(page) == f"3, {name}"
    page.locator("[data-own][data-state=done] img").wait_for()
    grip(page, 2).locator("img:not([hidden])").wait_for()
    page.get_by_role("checkbox", name="Ferien.png").press("Space")
    assert order(page) == "3"
    page.get_by_role("checkbox", name="Ferien.png").press("Space")
    page.reload()
    assert order(page) == f"3, {name}"
    grip(page, 2).locator("img:not([hidden])").wait_for()
    page.get_by_role("button", name="Delete Ferien.png").click()
    tile.wait_for(state="detached")
    assert order(page) == "3"
    assert fits(page)
