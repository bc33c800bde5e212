"""Debian's Firefox without a screen, driven over WebDriver BiDi, which it speaks itself."""

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from running import PATIENCE_S, wait_until
from websockets.sync.client import ClientConnection, connect

# Nothing of its own shall leave this machine, or come between a test and its page.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutConfig.showWarning": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
START_S = 60.0
ANSWER_S = 60.0  # a question to a page that is just left may find no answer


class Firefox:
    """A browser with one window."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._n_sent = 0
        self.complaints: list[str] = []  # errors that pages have met
        self._ask("session.new", capabilities={})
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._window = self._ask("browsingContext.create", type="tab")["context"]

    def open(self, address: str) -> None:
        """Load a page."""
        self._ask("browsingContext.navigate", context=self._window, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return what an expression of the page comes to; a promise is waited for."""
        result = self._ask(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then((it) => JSON.stringify(it ?? null))",
            target={"context": self._window},
            awaitPromise=True,
        )
        if result["type"] == "exception":
            raise AssertionError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    def wait_for(self, condition: str) -> None:
        """Wait for a condition, over pages that come and go."""
        wait_until(lambda: self._try(condition), condition)

    def click(self, selector: str) -> None:
        """Click on something of the page, once it is there."""
        self.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file as a visitor does."""
        found = self._ask(
            "browsingContext.locateNodes",
            context=self._window,
            locator={"type": "css", "value": selector},
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self._ask("input.setFiles", context=self._window, element=element, files=[str(path)])

    def _try(self, condition: str) -> bool:
        try:
            return bool(self.evaluate(condition))
        except (AssertionError, BidiError):  # the page was just left
            return False

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._n_sent += 1
        message = {"id": self._n_sent, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        deadline_s = time.monotonic() + ANSWER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            try:
                answer = json.loads(self._socket.recv(timeout=left_s))
            except TimeoutError:
                break
            if answer.get("id") == self._n_sent:
                if answer["type"] == "error":
                    raise BidiError(f"{method}: {answer['message']}")
                return answer["result"]
            self._note(answer)
        raise BidiError(f"Firefox does not answer {method}")

    def _note(self, event: Any) -> None:
        entry = event.get("params", {})
        if event.get("method") == "log.entryAdded" and entry["level"] == "error":
            self.complaints.append(entry["text"])


class BidiError(Exception):
    """Firefox could not do what it was asked for."""


@contextlib.contextmanager
def start_firefox(program: str, folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a new profile in a folder, and end it."""
    profile = folder / "profile"
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(it)}, {json.dumps(PREFERENCES[it])});" for it in PREFERENCES]
    (profile / "user.js").write_text("\n".join(lines))
    said = folder / "said"
    with said.open("wb") as words:
        process = subprocess.Popen(
            [program, "--headless", "--remote-debugging-port", "0", "--profile", str(profile)],
            env={**os.environ, "HOME": str(folder)},
            stdout=words,
            stderr=words,
        )
    try:
        found = wait_until(
            lambda: re.search(r"listening on (ws://\S+)", said.read_text(errors="replace")),
            "Firefox listens",
        )
        with connect(f"{found[1]}/session", max_size=None, open_timeout=START_S) as socket:
            yield Firefox(socket)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
