"""Programs that some tests want: their tests are skipped where these are missing.

With TONFILM_REQUIRE="chromium firefox redis" a missing one fails the test instead, as in `.ci/run`.
"""

import os
import shutil
from typing import NoReturn

import pytest

NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
    "redis": ("redis-server",),
}


def find(program: str) -> str:
    """Return the path of a program, or end the test with the reason."""
    found = [path for name in NAMES[program] if (path := shutil.which(name))]
    if not found:
        miss(program, f"there is no {program} on this machine")
    return found[0]


def miss(program: str, reason: str) -> NoReturn:
    """End the test with the reason why a program is of no use to it."""
    if program in os.environ.get("TONFILM_REQUIRE", "").split():
        pytest.fail(f"{reason}, though TONFILM_REQUIRE names it")
    pytest.skip(reason)
