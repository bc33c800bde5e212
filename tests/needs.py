"""Programs that some tests want: their tests are skipped where these are missing.

With TONFILM_REQUIRE="chromium redis" a missing one of these fails the test, as in `.ci/run`.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
    "redis": ("redis-server",),
    "postgresql": ("initdb",),
}


def find(program: str) -> str:
    """Return the path of a program, or end the test with the reason."""
    others = map(str, DEBIAN_POSTGRESQL.glob("*/bin"))
    places = os.pathsep.join([os.environ.get("PATH", ""), *others])
    found = [path for name in NAMES[program] if (path := shutil.which(name, path=places))]
    if not found:
        miss(program, f"there is no {program} on this machine")
    return found[0]


def miss(program: str, reason: str) -> NoReturn:
    """End the test with the reason why a program is of no use to it."""
    if program in os.environ.get("TONFILM_REQUIRE", "").split():
        pytest.fail(f"{reason}, though TONFILM_REQUIRE names it")
    pytest.skip(reason)
