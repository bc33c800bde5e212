"""The service as single processes that tests may kill: a web server and two workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from urllib.error import URLError
from urllib.request import urlopen

from running import ROOT, environment, free_port, processes_of, wait_until

from scripts.serve import WEB, WORKER

# What may go at once: one of them, both workers, or all, as in a power cut.
VICTIMS = (("first",), ("second",), ("web",), ("first", "second"), ("first", "second", "web"))
MOST_IN_A_ROW = 2  # kills before something has come on: five without are a job that kills workers


class Crew:
    """The processes, by name: web, first, second."""

    def __init__(self, instance: Path, models: Path, **settings: str) -> None:
        self.instance = instance
        self._environment = environment(instance, models, TONFILM_LEASE_S="2", **settings)
        self.address = f"127.0.0.1:{free_port()}"
        self._commands = {
            "web": (*WEB, "--bind", self.address, "wsgi:app"),
            "first": WORKER,
            "second": WORKER,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start some that do not run."""
        for name in names:
            self._processes[name] = subprocess.Popen(
                [sys.executable, *self._commands[name]],
                cwd=ROOT,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self, *names: str) -> None:
        """Kill some with their children, at once."""
        for name in names:
            with suppress(ProcessLookupError):
                os.killpg(self._processes[name].pid, signal.SIGKILL)
        for name in names:
            self._processes[name].wait()

    def end(self) -> None:
        """Leave no process behind."""
        self.kill(*self._processes)
        for process in processes_of(self.instance):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def answers(self) -> bool:
        """Claim that the web server sends the first page."""
        try:
            with urlopen(f"http://{self.address}/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def wreak_havoc(
    crew: Crew, n_kills: int, chance: Random, how_far: Callable[[], int], refill: Callable[[], None]
) -> None:
    """Kill processes at random moments and start them again.

    Parameters
    ----------
    how_far : a number that grows as the work comes on
    refill : called before each kill, to see to it that there is work
    """
    n_in_a_row, far = 0, how_far()

    def is_further() -> bool:
        return how_far() > far

    for _ in range(n_kills):
        refill()
        if n_in_a_row == MOST_IN_A_ROW or chance.random() < 0.5:
            wait_until(is_further, "something has come on")
        time.sleep(chance.uniform(0.0, 2.0))
        n_in_a_row, far = (0 if is_further() else n_in_a_row + 1), how_far()
        victims = chance.choice(VICTIMS)
        crew.kill(*victims)
        time.sleep(chance.choice((0.0, chance.uniform(0.0, 3.0))))
        crew.start(*victims)
