"""The worker's part of a film: from its row to the pipeline and back."""

import time
from pathlib import Path

import av

from film.measured import add_measures
from film.pipeline import Song, make_film
from film.recipe import parse_recipe
from film.report import Report
from measures.summary import summarise_film
from webapp.jpegs import save_jpeg
from webapp.leases import Lease, TurnOverError
from webapp.service import Service
from webapp.tables import Film, db

POSTER_WIDTH = 640  # pixels
POSTER_AT = 0.4  # of the film; its start is often dark
JPEG_QUALITY = 88
TURN_S = 12.0  # taste: three segments or so, against the seconds that it takes to begin again


class Turn:
    """Reports progress, and lets others have their turn when one has been long enough.

    It ends where a segment has just become whole, so that nothing is painted twice: a preview, or
    a song to be listened to, does not wait for a film of an hour.
    """

    def __init__(self, lease: Lease, work: Path) -> None:
        self._lease, self._work = lease, work
        self._n_whole: int | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of a step, as `film.pipeline.Progress` does; raises to end the turn."""
        self._lease(stage, done, total)
        if stage != "paint":
            return
        n_whole = len(list(self._work.glob("*.mp4")))
        is_new = self._n_whole is not None and n_whole > self._n_whole
        self._n_whole = n_whole
        is_over = time.monotonic() - self._lease.began_s > TURN_S
        if is_new and is_over and self._lease.others_wait:
            raise TurnOverError


def render_film(service: Service, film_id: str, lease: Lease) -> Report:
    """Make a film, and a picture that stands for it, and measure it.

    A film that was made whole before its worker was stopped is only measured.
    """
    storage = service.storage
    film = db.session.get_one(Film, film_id)
    if film.report and storage.film(film_id).exists():
        report = Report.model_validate_json(film.report)
        db.session.rollback()
    else:
        report = _make(service, film, lease)
        lease.keep(report=report.model_dump_json())
    return add_measures(report, storage.film(film_id), summarise_film, lease)


def _make(service: Service, film: Film, lease: Lease) -> Report:
    storage, film_id = service.storage, film.id
    song = Song(
        path=storage.song(film.song_id),
        title=film.song.title,
        features=storage.features(film.song_id),
        limits=service.settings.limits,
    )
    recipe = parse_recipe(film.recipe)
    db.session.rollback()  # nothing of the database is held while the film is made
    output = storage.film(film_id)
    work = storage.work(film_id)
    report = make_film(song, output, recipe, work=work, progress=Turn(lease, work))
    write_poster(output, storage.poster(film_id))
    return report


def write_poster(film: Path, poster: Path) -> None:
    """Keep a picture out of a film, for the places where it is not played."""
    with av.open(film) as container:
        container.seek(int((container.duration or 0) * POSTER_AT))
        frame = next(container.decode(video=0))
        height = round(frame.height * POSTER_WIDTH / frame.width)
        pixels = frame.reformat(POSTER_WIDTH, height, "rgb24").to_ndarray()
    save_jpeg(pixels, poster, JPEG_QUALITY)
