"""How long it takes from *Render the film* until there is something to play.

It starts the service as `make run` does, in a folder that it throws away, sends a song, looks at
the stills, asks for a film at draft quality, and fetches its first piece, picture and sound, as the
player on the page does. What a browser needs to show it, a tenth of a second or so, comes on top.
"""

import http.cookiejar
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import click

from bench.films import write_demo_song

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 300.0
ASK_S = 0.05  # between two looks, so that the figure is not that of the page's own patience
SETTLE_S = 4.0  # a worker hears within a second that a film is cancelled, and ends its batches
KEYFRAMES = "3, 7, 11"


class Browser:
    """As much of a browser as is needed: cookies, forms, and patience."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = build_opener(HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> bytes:
        """Load an address."""
        with self._opener.open(self._address + path, timeout=PATIENCE_S) as answer:
            return bytes(answer.read())

    def status(self, path: str) -> dict[str, Any]:
        """Load an address that answers in JSON."""
        found: dict[str, Any] = json.loads(self.get(path))
        return found

    def post(self, path: str, fields: dict[str, str]) -> str:
        """Send a form; return the path of the page that follows."""
        return self._send(path, urlencode(self._signed(fields)).encode(), None)

    def upload(self, song: Path) -> str:
        """Send a song; return the path of its page."""
        mark = secrets.token_hex(16)
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in self._signed({}).items()
        ]
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="song"; filename="song.wav"\r\n\r\n'
        )
        body = b"".join([*parts, head.encode(), song.read_bytes(), f"\r\n--{mark}--\r\n".encode()])
        return self._send("/songs", body, f"multipart/form-data; boundary={mark}")

    def _signed(self, fields: dict[str, str]) -> dict[str, str]:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/").decode())
        if token is None:
            raise RuntimeError("the first page has no form")
        return {"csrf_token": token[1], **fields}

    def _send(self, path: str, body: bytes, kind: str | None) -> str:
        request = Request(self._address + path, body)  # noqa: S310, our own address
        if kind:
            request.add_header("Content-Type", kind)
        with self._opener.open(request, timeout=PATIENCE_S) as answer:
            return str(answer.url).removeprefix(self._address)


@click.command()
@click.option("--times", default=5, show_default=True, help="The demo song, after itself.")
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--theme", default="abstract", show_default=True)
@click.option("--size", default="1280x720", show_default=True)
def main(times: int, runs: int, theme: str, size: str) -> None:
    """Measure, and print the median."""
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder) / "song.wav"
        write_demo_song(song, times)
        service, browser = _start(Path(folder) / "instance")
        try:
            path = browser.upload(song)
            _wait(lambda: browser.status(f"{path}/status.json")["state"] == "done")
            browser.get(f"{path}/film?theme={theme}")
            _wait(lambda: len(browser.status(f"/galleries/{theme}/0.json")["ready"]) == 24)
            times_s = [_measure(browser, path, theme, size) for _ in range(runs)]
        finally:
            os.killpg(service.pid, signal.SIGTERM)
            service.wait(PATIENCE_S)
    all_s = ", ".join(f"{time_s:.1f}" for time_s in times_s)
    click.echo(
        f"{median(times_s):.1f} s from Render to the first piece ({all_s}): "
        f"{times} times the demo song, {theme}, {size}, draft"
    )


def _start(instance: Path) -> tuple["subprocess.Popen[bytes]", Browser]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = subprocess.Popen(
        [sys.executable, "scripts/serve.py"],
        cwd=ROOT,
        env={**os.environ, "TONFILM_INSTANCE": str(instance), "TONFILM_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    browser = Browser(f"http://127.0.0.1:{port}")
    _wait(lambda: _answers(browser))
    return service, browser


def _answers(browser: Browser) -> bool:
    try:
        return bool(browser.get("/"))
    except (URLError, ConnectionError):
        return False


def _measure(browser: Browser, song_path: str, theme: str, size: str) -> float:
    """Ask for a film, and tell how long its first piece takes."""
    fields = {"theme": theme, "keyframes": KEYFRAMES, "size": size, "quality": "draft"}
    defaults = {"fps": "24", "blend": "crossfade", "start_s": "0", "seed": "0", "duration_s": ""}
    sliders = dict.fromkeys(("level", "frequency", "timbre"), "0.5")
    begun_s = time.perf_counter()
    film = browser.post(f"{song_path}/film", {**fields, **defaults, **sliders})
    _wait(lambda: browser.status(f"{film}/live.json")["n_ready"])
    for kind in ("pictures", "sound"):
        if not browser.get(f"{film}/live/0/{kind}.mp4"):
            raise RuntimeError(f"the first piece has no {kind}")
    taken_s = time.perf_counter() - begun_s
    browser.post(f"{film}/cancel", {})
    _wait(lambda: browser.status(f"{film}/status.json")["state"] == "cancelled")
    time.sleep(SETTLE_S)
    return taken_s


def _wait(is_so: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise RuntimeError("the service took too long")
        time.sleep(ASK_S)


if __name__ == "__main__":
    main()
