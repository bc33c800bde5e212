"""A running Tonfilm for tests: the launcher in a process of its own, and a plain browser."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 240.0  # a loaded machine may be six times slower than a quiet one


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], Any], what: str) -> Any:
    """Wait for a condition; return what it returned."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if answer := is_so():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited in vain until {what}")


def processes_of(instance: Path) -> list[int]:
    """List the processes that were started for an instance folder, by their environment."""
    mark = f"TONFILM_INSTANCE={instance}\0".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                is_ours = mark in (folder / "environ").read_bytes()
                is_dead = ") Z " in (folder / "stat").read_text()
            except OSError:  # it has ended meanwhile, or is somebody else's
                continue
            if is_ours and not is_dead:
                found.append(int(folder.name))
    return found


def environment(instance: Path, models: Path, **settings: str) -> dict[str, str]:
    """Build a child's environment."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TONFILM_")}
    return {
        **ours,
        "TONFILM_INSTANCE": str(instance),
        "TONFILM_MODELS": str(models),
        "OMP_NUM_THREADS": "1",
        **settings,
    }


class Running:
    """Tonfilm as `make run` starts it."""

    def __init__(self, instance: Path, models: Path) -> None:
        self.instance = instance
        self._port = free_port()
        self._environment = environment(
            instance, models, TONFILM_PORT=str(self._port), TONFILM_LEASE_S="2"
        )
        self._opener = build_opener(HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.address = f"http://127.0.0.1:{self._port}"
        self.launcher = self._launch()

    def _launch(self) -> "subprocess.Popen[bytes]":
        # A session of its own, as a terminal would give it.
        launcher = subprocess.Popen(
            [sys.executable, "scripts/serve.py"],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers, "the first page is there")
        return launcher

    def _answers(self) -> bool:
        try:
            return bool(self.get("/"))
        except (URLError, ConnectionError):
            return False

    def restart(self) -> None:
        """Start again in the same folder."""
        self.launcher = self._launch()

    def get(self, path: str) -> str:
        """Load a page."""
        with self._opener.open(self.address + path, timeout=PATIENCE_S) as answer:
            text: str = answer.read().decode()
            return text

    def post(self, path: str, fields: dict[str, str] | None = None) -> str:
        """Send a form; return the path of the page that follows."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/"))
        assert token
        body = urlencode({"csrf_token": token[1], **(fields or {})}).encode()
        with self._opener.open(self.address + path, body, timeout=PATIENCE_S) as answer:
            return str(answer.url).removeprefix(self.address)

    def demo_song(self) -> str:
        """Take the demo song, and wait until films can be made of it; return its page's path."""
        song = self.post("/songs/demo")
        wait_until(lambda: "Listening …" not in self.get(song), "the song is checked")
        return song

    def kill(self) -> None:
        """Kill every process at once, as a power cut would."""
        while left := processes_of(self.instance):
            for process in left:
                os.kill(process, signal.SIGKILL)
            self.launcher.wait(PATIENCE_S)
