"""Whatever is killed and whenever, each film ends, once, with the frames of an undisturbed run."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import needs
import numpy as np
import pytest
from conftest import WriteWav, music
from crew import Crew, wreak_havoc
from film_files import decode_frames
from flask import Flask
from running import free_port, wait_until
from web_service import Visitor, make_app

from film import pipeline
from film.recipe import build_recipe, parse_recipe
from webapp.jobs import submit
from webapp.service import service
from webapp.settings import Settings
from webapp.tables import Film, FilmSegment, Song, State, db

if sys.platform != "linux":
    pytest.skip("these tests read /proc", allow_module_level=True)

SONG_S, RATE = 60.0, 8_000  # Hz; an upload that tests can send from memory
LOOK = {"theme": "tiny", "keyframes": (1, 2), "width": 64, "height": 64, "fps": 4}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """Start a Redis server; return its address."""
    port = free_port()
    command = [needs.find("redis"), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    """Start a PostgreSQL server; return the address of a database of it."""
    programs = Path(needs.find("postgresql")).parent
    # It does not run as root, nor look into the folders of others.
    is_root = os.getuid() == 0
    user = "postgres" if is_root else None
    folder = Path(tempfile.mkdtemp(prefix="tonfilm-postgresql-"))
    if is_root:
        shutil.chown(folder, "postgres")
    port = free_port()
    data, log = folder / "data", tmp_path / "postgresql.log"
    create = [programs / "initdb", "-D", data, "-A", "trust", "-U", "tonfilm", "-E", "UTF8"]
    serve = [programs / "postgres", "-D", data, "-p", str(port), "-k", folder]
    with log.open("w") as said:
        subprocess.run(create, check=True, cwd=folder, stdout=said, stderr=said, user=user)
        server = subprocess.Popen(serve, cwd=folder, stdout=said, stderr=said, user=user)
        wait_until(lambda: "ready to accept" in log.read_text(), "PostgreSQL is ready")
        yield f"postgresql+psycopg://tonfilm@127.0.0.1:{port}/postgres"
        server.send_signal(signal.SIGINT)  # do not wait for those who are still connected
        server.wait()
    shutil.rmtree(folder)


def order(app: Flask, song_id: str, seed: int) -> None:
    """Ask for a film that is quickly made."""
    with app.app_context():
        recipe = build_recipe({**LOOK, "seed": seed})
        submit(Film(song_id=song_id, recipe=recipe.to_json()))


def check_films(app: Flask, song: Path) -> None:
    """Compare every film with one that was made in peace."""
    with app.app_context():
        films = db.session.scalars(db.select(Film)).all()
        storage = service().storage
        for film in films:
            assert (film.state, film.error) == (State.DONE, "")
            output, recipe = song.parent / "peace.mp4", parse_recipe(film.recipe)
            pipeline.make_film(
                pipeline.Song(path=song),
                output,
                recipe,
                work=song.parent / "peace",
                progress=lambda *_: None,
            )
            made = decode_frames(storage.film(film.id))
            assert np.array_equal(made, decode_frames(output))
        left = {path.name for path in (storage.instance / "films").iterdir()}
        wanted = {storage.film(film.id).name for film in films}
        wanted |= {path(film.id).name for film in films for path in (storage.poster, storage.sheet)}
        assert left == wanted
        assert not any(path.is_dir() for path in (storage.instance / "work").iterdir())


class Trial:
    """A service whose films are asked for while it is killed again and again."""

    def __init__(
        self, folder: Path, models: Path, song: Path, broker: str = "", database: str = ""
    ) -> None:
        instance = folder / "instance"
        settings = Settings(instance=instance, broker=broker, database=database, lease_s=2.0)
        self.app, self._song = make_app(settings), song
        servers = {"TONFILM_BROKER": broker, "TONFILM_DATABASE": database}
        self._crew = Crew(instance, models, **{key: url for key, url in servers.items() if url})
        self._song_id, self._n_films = "", 0

    def live_through(self, n_kills: int) -> None:
        """Order films, kill what makes them, and see that all of them end."""
        chance = Random(n_kills)  # noqa: S311, no secret

        def refill() -> None:
            while self._n_films - self._count(Film) < chance.choice((1, 2)):
                self.order()

        self.begin()
        wreak_havoc(self._crew, n_kills, chance, self._how_far, refill)
        self.end_well()

    def begin(self) -> None:
        """Start the service, and give it the song."""
        self._crew.start("web", "first", "second")
        upload = Visitor(self.app).upload(self._song.read_bytes())
        self._song_id = upload.location.rsplit("/", 1)[1]

    def order(self) -> None:
        """Ask for a film unlike those before."""
        order(self.app, self._song_id, self._n_films)
        self._n_films += 1

    def end_well(self) -> None:
        """See that all films end as they should."""
        wait_until(lambda: self._count(Film) == self._n_films, "all films are done")
        wait_until(self._crew.answers, "the page answers")
        check_films(self.app, self._song)

    def end(self) -> None:
        """Leave no process behind."""
        self._crew.end()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        self.app.extensions["celery"].close()

    def _how_far(self) -> int:
        return sum(self._count(table) for table in (Song, FilmSegment, Film))

    def _count(self, table: type[Song | FilmSegment | Film]) -> int:
        with self.app.app_context():
            failed = db.session.scalars(db.select(Film.error).filter_by(state=State.FAILED)).all()
            assert not failed
            of_these = db.select(db.func.count()).select_from(table)
            return db.session.scalar(of_these.where(table.state == State.DONE)) or 0


@pytest.fixture
def song(tmp_path: Path, write_wav: WriteWav, tiny_theme: str) -> Path:
    """Return a song of a minute."""
    return write_wav(music(SONG_S, sample_rate=RATE)[:, 0], RATE, subtype="PCM_U8")


@pytest.fixture
def trial(tmp_path: Path, tiny_models: Path, song: Path) -> Iterator[Trial]:
    """Return a trial through the instance folder's own broker."""
    trial = Trial(tmp_path, tiny_models, song)
    yield trial
    trial.end()


def test_films_live_through_five_kills(trial: Trial) -> None:
    trial.live_through(5)


@pytest.mark.slow
def test_films_live_through_twenty_kills(trial: Trial) -> None:
    trial.live_through(20)


@pytest.mark.slow
@pytest.mark.skipif("TONFILM_KILLS" not in os.environ, reason="only `make chaos` asks for it")
def test_films_live_through_as_many_kills_as_wanted(trial: Trial) -> None:
    trial.live_through(int(os.environ["TONFILM_KILLS"]))


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.postgresql
def test_films_live_through_kills_with_servers(
    tmp_path: Path, tiny_models: Path, song: Path, redis: str, postgresql: str
) -> None:
    trial = Trial(tmp_path, tiny_models, song, redis, postgresql)
    try:
        trial.live_through(6)
    finally:
        trial.end()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 48 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nobody but root may mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_film_waits_for_room_on_a_full_disk(
    small_disk: Path, tiny_models: Path, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database and the messages lie on the same disk."""
    monkeypatch.setattr("webapp.room.SPARE_BYTES", 0)
    trial = Trial(small_disk, tiny_models, song)
    try:
        trial.begin()
        trial.order()
        work = small_disk / "instance" / "work"
        wait_until(lambda: list(work.rglob("*.mp4")), "the first segment is there")
        n_segments = fill(small_disk / "filler", work)
        time.sleep(8.0)  # four leases: time to try, to fail, to be swept and to try again
        assert len(list(work.rglob("*.mp4"))) <= n_segments + 1, "the disk was not full"
        (small_disk / "filler").unlink()
        trial.end_well()
    finally:
        trial.end()


def fill(filler: Path, work: Path) -> int:
    """Fill a disk to its last byte, whoever else writes; return how many segments there are."""
    with filler.open("wb", buffering=0) as file:
        for n_bytes in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * n_bytes)
    return len(list(work.rglob("*.mp4")))
