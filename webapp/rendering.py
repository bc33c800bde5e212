"""The worker's part of a film: from its row to the pipeline and back."""

from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from film.measured import add_measures
from film.pipeline import Song, help_film, make_film
from film.recipe import parse_recipe
from film.report import Report
from film.workroom import TakenError
from measures.summary import summarise_film
from webapp.claims import Claims
from webapp.jpegs import save_jpeg
from webapp.leases import InterruptedWorkError, Lease, SignsOfLife
from webapp.service import Service
from webapp.tables import Film, db

POSTER_WIDTH = 640  # pixels
POSTER_AT = 0.4  # of the film; its start is often dark
SHEET_COLUMNS, MOST_ON_SHEET = 4, 24
SHEET_PICTURE_WIDTH = 320  # pixels
JPEG_QUALITY = 88


def render_film(service: Service, film_id: str, lease: Lease, claims: Claims) -> Report:
    """Make a film, and a picture that stands for it, and measure it.

    A film that was made whole before its worker was stopped is only measured.

    Raises
    ------
    TurnOverError
        Other jobs wait, and this one has had its turn.
    InterruptedWorkError
        It must end here.
    TonfilmError
        Something that the visitor can mend.
    """
    storage = service.storage
    film = db.session.get_one(Film, film_id)
    if film.report and storage.film(film_id).exists():
        report = Report.model_validate_json(film.report)
        db.session.rollback()
    else:
        report = _make(service, film, lease, claims)
        lease.keep(report=report.model_dump_json())
    return add_measures(report, storage.film(film_id), summarise_film, lease)


def help_render(service: Service, film_id: str, signs: SignsOfLife, claims: Claims) -> None:
    """Paint segments of a film that another worker leads, while there are any."""
    film = db.session.get_one(Film, film_id)
    song, recipe = _song_of(service, film), parse_recipe(film.recipe)
    db.session.rollback()
    help_film(song, recipe, work=service.storage.work(film_id), progress=signs, desk=claims)


def _make(service: Service, film: Film, lease: Lease, claims: Claims) -> Report:
    storage, film_id = service.storage, film.id
    song, recipe = _song_of(service, film), parse_recipe(film.recipe)
    db.session.rollback()  # nothing of the database is held while the film is made
    output, work = storage.film(film_id), storage.work(film_id)
    try:
        report = make_film(song, output, recipe, work=work, progress=lease, desk=claims)
    except TakenError as error:
        # By a worker that was given up and is not quite gone.
        raise InterruptedWorkError from error
    finally:
        claims.give_back()
    write_poster(output, storage.poster(film_id))
    write_sheet(output, storage.sheet(film_id))
    return report


def _song_of(service: Service, film: Film) -> Song:
    return Song(
        path=service.storage.song(film.song_id),
        title=film.song.title,
        features=service.storage.features(film.song_id),
        limits=service.settings.limits,
    )


def write_poster(film: Path, poster: Path) -> None:
    """Keep a picture out of a film, for the places where it is not played."""
    with av.open(film) as container:
        container.seek(int((container.duration or 0) * POSTER_AT))
        pixels = _shrink(next(container.decode(video=0)), POSTER_WIDTH)
    save_jpeg(pixels, poster, JPEG_QUALITY)


def write_sheet(film: Path, sheet: Path) -> None:
    """Keep a sheet of pictures out of a film: the first ones of some segments, in rows of four.

    Those alone can be decoded without the frames before them, so that an hour costs no more than
    a minute.
    """
    with av.open(film) as container:
        video = container.streams.video[0]
        n_whole = sum(packet.is_keyframe for packet in container.demux(video))
        places = set(np.linspace(0, n_whole - 1, min(n_whole, MOST_ON_SHEET)).astype(int).tolist())
        container.seek(0)
        video.codec_context.skip_frame = "NONKEY"
        pictures = [
            _shrink(frame, SHEET_PICTURE_WIDTH)
            for place, frame in enumerate(container.decode(video))
            if place in places
        ]
    height, width, _ = pictures[0].shape
    n_columns = min(SHEET_COLUMNS, len(pictures))
    n_rows = -(-len(pictures) // n_columns)
    pixels = np.zeros((n_rows * height, n_columns * width, 3), np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, n_columns)
        pixels[row * height :, column * width :][:height, :width] = picture
    save_jpeg(pixels, sheet, JPEG_QUALITY)


def _shrink(frame: VideoFrame, width: int) -> NDArray[np.uint8]:
    height = round(frame.height * width / frame.width)
    return np.asarray(frame.reformat(width, height, "rgb24").to_ndarray(), np.uint8)
