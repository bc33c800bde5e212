"""Programs that some tests want: their tests are skipped where these are missing.

With TONFILM_REQUIRE="chromium redis" a missing one fails the test instead, as in `.ci/run`.
"""

import os
import shutil

import pytest

NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "redis": ("redis-server",),
}


def find(program: str) -> str:
    """Return the path of a program, or end the test with the reason."""
    for name in NAMES[program]:
        if path := shutil.which(name):
            return path
    reason = f"there is no {program} on this machine"
    if program in os.environ.get("TONFILM_REQUIRE", "").split():
        pytest.fail(f"{reason}, though TONFILM_REQUIRE names it")
    pytest.skip(reason)
