"""Fixtures of the real browser: Chromium, a running service, and pages that are judged."""

from collections.abc import Iterator
from pathlib import Path

import needs
import pytest
from browsing import FLAGS, OpenPage
from playwright.sync_api import Browser, Page, sync_playwright
from running import PATIENCE_S, Running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    program = needs.find("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path) -> Iterator[Running]:
    """Start the service once for all widths."""
    running = Running(tmp_path_factory.mktemp("service") / "instance", tiny_models)
    yield running
    running.kill()


@pytest.fixture
def open_page(browser: Browser, running: Running) -> Iterator[OpenPage]:
    """Return a function that opens a page and, at the end, judges all that it loaded and said."""
    strangers: list[str] = []
    complaints: list[str] = []
    contexts = []

    def open_page(size: dict[str, int], *, javascript: bool = True, touch: bool = False) -> Page:
        context = browser.new_context(
            viewport=size, java_script_enabled=javascript, has_touch=touch
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_S * 1000)
        page = context.new_page()
        ours = (running.address, "data:", "blob:")
        page.on("request", lambda it: None if it.url.startswith(ours) else strangers.append(it.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda it: complaints.append(it.text) if it.type == "error" else None)
        page.goto(running.address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strangers == []
    assert complaints == []
