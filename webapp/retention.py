"""How long songs, films and pictures are kept, and how they are forgotten."""

import contextlib
import logging
import time

from sqlalchemy import delete, select

from webapp.service import service
from webapp.tables import Film, Picture, Song, Upload, db

DAY_S = 24 * 3600
UNFINISHED_S = DAY_S  # taste: time for a night without a connection

log = logging.getLogger(__name__)


def forget_film(film: Film) -> None:
    """Delete a film that nobody works at; the caller commits."""
    service().storage.forget_film(film.id)
    db.session.delete(film)


def forget_song(song: Song) -> None:
    """Delete a song with its films, at none of which anybody works; the caller commits."""
    for film in song.films:
        service().storage.forget_film(film.id)
    service().storage.forget_song(song.id)
    db.session.delete(song)


def forget_picture(picture: Picture) -> None:
    """Delete a visitor's own picture that nobody reads; the caller commits."""
    service().storage.forget_picture(picture.id)
    db.session.delete(picture)


def is_at_work(song: Song) -> bool:
    """Claim that a worker will still change a song or one of its films."""
    return song.is_waiting or any(film.is_waiting for film in song.films)


def kept_until_s(song: Song) -> float | None:
    """Tell when a song and its films go, in seconds since 1970; None: they are kept.

    A new film keeps its song, and the other films with it.
    """
    keep_days = service().settings.keep_days
    newest_s = max([song.created_s, *(film.created_s for film in song.films)])
    return newest_s + keep_days * DAY_S if keep_days else None


def forget_old() -> None:
    """Delete the songs whose time has come, with their films, and the pictures of the visitors."""
    keep_days = service().settings.keep_days
    if not keep_days:
        return
    unused = Picture.used_s < time.time() - keep_days * DAY_S
    for picture in db.session.scalars(select(Picture).where(unused)).all():
        if not picture.is_waiting:
            forget_picture(picture)
    for song in db.session.scalars(select(Song)).all():
        until_s = kept_until_s(song)
        if until_s is not None and until_s < time.time() and not is_at_work(song):
            log.info("Song %s has been kept long enough", song.id)
            forget_song(song)
    db.session.commit()


def forget_unfinished() -> None:
    """Delete uploads of which nothing has come for a day, and what else was left half written."""
    storage, latest_s = service().storage, time.time() - UNFINISHED_S
    for path in storage.uploads.iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has just become a song
            if path.stat().st_mtime < latest_s:
                path.unlink()
    for upload in db.session.scalars(select(Upload).where(Upload.created_s < latest_s)).all():
        if not storage.upload(upload.id).exists():
            log.info("Upload %s did not go on", upload.id)
            db.session.execute(delete(Upload).where(Upload.id == upload.id))
    db.session.commit()
