"""Run Tonfilm on this machine: the database, the worker and the web server, until Ctrl-C."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import fields
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click
import flask_migrate

from film.process import settle_process
from scripts.demo import write_song
from spectro.errors import TonfilmError
from webapp import create_app
from webapp.settings import PREFIX, Settings
from webapp.storage import Storage

ROOT = Path(__file__).resolve().parents[1]
START_S = 60.0  # how long the web server may take to answer for the first time
# How long children may take to end: a worker ends at the next batch of frames.
GRACE_S = 20.0

# Celery warns the superuser of pickled messages; ours are JSON, the only kind that it accepts.
WORKER = ("-W", "ignore:You're running the worker", "-m", "celery", "--app", "wsgi:celery",
          "--quiet", "worker", "--pool", "solo", "--concurrency", "1", "--loglevel", "WARNING",
          "--without-gossip", "--without-mingle", "--without-heartbeat")  # fmt: skip
# Threads, since a page waits for files rather than for the processor.
WEB = ("-m", "gunicorn", "--no-control-socket", "--worker-class", "gthread", "--threads", "8",
       "--log-level", "warning", "--timeout", "120", "--graceful-timeout", "5")  # fmt: skip

SETTINGS = (
    "\b\nSettings, read from the environment:\n"
    + "\n".join(
        f"  {PREFIX}{entry.name.upper()}  {entry.metadata['help']} [{entry.default or '–'}]"
        for entry in fields(Settings)
    )
    + f"\n  {PREFIX}MODELS  folder of the themes [models]"
)


@click.command(epilog=SETTINGS)
def serve() -> None:
    """Run Tonfilm on this machine until Ctrl-C."""
    settle_process()  # for the worker
    try:
        settings = Settings.from_environment()
        check_port(settings)
        click.echo("Starting Tonfilm …")
        prepare(settings)
    except TonfilmError as error:
        click.echo(f"{error}", err=True)
        sys.exit(2)
    sys.exit(run(settings))


def check_port(settings: Settings) -> None:
    """See early whether the port is free.

    Raises
    ------
    TonfilmError
        It is not, or this machine has no such address.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise TonfilmError(
                f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}): "
                f"stop what is running there, or start with {PREFIX}PORT={settings.port + 1}."
            ) from error


def prepare(settings: Settings) -> None:
    """Bring the database up to date, and compose the demo song at the first start."""
    with create_app(settings).app_context():
        flask_migrate.upgrade()
    demo_song = Storage(instance=settings.instance.resolve()).demo_song
    if not demo_song.exists():
        click.echo("Composing the demo song …")
        write_song(demo_song)


def run(settings: Settings) -> int:
    """Start both children and wait; return the exit status.

    Ctrl-C reaches every process of the terminal's group. The children stand in groups of their
    own, so that they hear of it from here, once.
    """
    asked_to_stop = threading.Event()
    for wish in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(wish, lambda *_: asked_to_stop.set())
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        children["worker"] = start(*WORKER)
        address = f"{settings.host}:{settings.port}"
        children["web server"] = start(*WEB, "--bind", address, "wsgi:app")
        is_announced = False
        started_s = time.monotonic()
        while not asked_to_stop.wait(0.2):
            for name, child in children.items():
                if child.poll() is not None:
                    click.echo(f"The {name} has ended ({child.returncode}), so all ends.", err=True)
                    return 1
            if not is_announced and answers(address):
                is_announced = True
                click.echo(f"\n  Tonfilm is ready: open http://{address}\n\n  Ctrl-C stops it.\n")
            elif not is_announced and time.monotonic() - started_s > START_S:
                click.echo("The web server does not answer, so all ends.", err=True)
                return 1
    finally:
        stop(list(children.values()))
    click.echo("Tonfilm has stopped. Films that were not finished go on at the next start.")
    return 0


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own."""
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, start_new_session=True)  # noqa: S603, our own words


def answers(address: str) -> bool:
    """Claim that the web server sends the start page."""
    try:
        with urlopen(f"http://{address}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def stop(children: list[subprocess.Popen[bytes]]) -> None:
    """End the children and whatever they have started, first kindly."""
    deadline_s = time.monotonic() + GRACE_S
    for kindness in (signal.SIGTERM, signal.SIGKILL):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, kindness)
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline_s - time.monotonic()))


if __name__ == "__main__":
    serve()
