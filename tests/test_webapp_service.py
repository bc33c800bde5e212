"""The running service: it stops without a trace, and its jobs survive whatever ends it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import needs
import pytest
from conftest import music
from running import ROOT, Running, environment, free_port, processes_of, wait_until
from web_service import Visitor, make_app, wav

from film.report import Report
from webapp.settings import Settings
from webapp.tables import Film, Song, State, db

if sys.platform != "linux":
    pytest.skip("these tests read /proc", allow_module_level=True)


@pytest.fixture
def running(tmp_path: Path, tiny_models: Path) -> Iterator[Running]:
    """Return a running service; leave no process behind."""
    running = Running(tmp_path / "instance", tiny_models)
    yield running
    running.kill()


def worker_of(running: Running) -> int:
    """Find the worker's process."""
    return next(
        process
        for process in processes_of(running.instance)
        if b"celery" in Path(f"/proc/{process}/cmdline").read_bytes()
    )


def test_ctrl_c_stops_everything(running: Running) -> None:
    assert len(processes_of(running.instance)) >= 4, "launcher, worker, gunicorn and its child"
    running.launcher.send_signal(signal.SIGINT)
    assert running.launcher.wait(30) == 0
    assert processes_of(running.instance) == []


@pytest.mark.slow
def test_the_end_of_one_child_ends_all(running: Running) -> None:
    os.kill(worker_of(running), signal.SIGKILL)
    assert running.launcher.wait(30) == 1
    assert processes_of(running.instance) == []


@pytest.mark.slow
def test_a_taken_port_is_told_in_one_sentence(running: Running, tmp_path: Path) -> None:
    port = running.address.rsplit(":", 1)[1]
    again = subprocess.run(
        [sys.executable, "scripts/serve.py"],
        cwd=ROOT,
        env=environment(tmp_path / "other", tmp_path, TONFILM_PORT=port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 2
    assert again.stderr.startswith(f"Port {port} of 127.0.0.1 cannot be used")
    assert again.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_film_survives_a_power_cut(running: Running) -> None:
    """Killed in the middle, the service goes on from whole segments and finishes once."""
    song = running.demo_song()
    fields = {"theme": "tiny", "keyframes": "1,2", "size": "640x360", "duration_s": "16"}
    film = running.post(f"{song}/film", {**fields, "quality": "draft"})

    def status() -> dict[str, object]:
        found: dict[str, object] = json.loads(running.get(f"{film}/status.json"))
        return found

    wait_until(lambda: status()["picture"], "the first segment is there")
    assert status()["state"] == "running"
    running.kill()
    assert processes_of(running.instance) == []

    running.restart()
    wait_until(lambda: status()["state"] == "done", "the film is done")
    report = read_report(running.instance)
    assert report.n_frames == 16 * 24
    assert report.n_resumed_segments >= 1


@pytest.mark.slow
def test_stopping_gives_the_film_back_and_the_next_start_goes_on(running: Running) -> None:
    song = running.demo_song()
    fields = {"theme": "tiny", "keyframes": "1,2", "size": "640x360", "duration_s": "16"}
    film = running.post(f"{song}/film", {**fields, "quality": "draft"})
    wait_until(
        lambda: json.loads(running.get(f"{film}/status.json"))["picture"], "it is being painted"
    )
    running.launcher.send_signal(signal.SIGTERM)
    assert running.launcher.wait(30) == 0
    assert processes_of(running.instance) == []
    running.restart()
    wait_until(
        lambda: json.loads(running.get(f"{film}/status.json"))["state"] == "done",
        "the film is done",
    )


def read_report(instance: Path) -> Report:
    """Read the report of the one film there is."""
    app = make_app(Settings(instance=instance))
    with app.app_context():
        report = Report.model_validate_json(db.session.scalars(db.select(Film)).one().report)
        db.session.remove()
        db.engine.dispose()
    return report


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """Start a Redis server; return its address."""
    port = free_port()
    program = needs.find("redis")
    command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


@pytest.mark.redis
def test_jobs_go_through_redis_by_a_setting_alone(
    redis: str, tmp_path: Path, tiny_models: Path
) -> None:
    instance = tmp_path / "instance"
    app = make_app(Settings(instance=instance, broker=redis))
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "wsgi:celery", "-q", "worker", "-P", "solo"],
        cwd=ROOT,
        env=environment(instance, tiny_models, TONFILM_BROKER=redis),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        song_id = Visitor(app).upload(wav(music(1.0))).location.rsplit("/", 1)[1]

        def is_done() -> bool:
            with app.app_context():
                return db.session.get_one(Song, song_id).state == State.DONE

        wait_until(is_done, "the analysis is done")
        assert not list((instance / "broker").rglob("*.msg"))
    finally:
        worker.kill()
        worker.wait()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        app.extensions["celery"].close()
