"""What tests with a real browser share."""

from collections.abc import Callable

from playwright.sync_api import Page
from running import wait_until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
OpenPage = Callable[..., Page]
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1440, "height": 900}


def fits(page: Page) -> bool:
    """Claim that nobody has to scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def wait_for(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own way would need eval in the page."""
    wait_until(lambda: page.evaluate(condition), condition)
