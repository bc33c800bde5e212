"""How much room there is for songs and films: on the disk, for all, and for each visitor."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import select

from spectro.errors import TonfilmError
from webapp.security import visitor
from webapp.service import service
from webapp.tables import Song, Upload, db
from webapp.wording import decimal, size

SPARE_BYTES = 256 << 20  # for listening to a song of twenty minutes


def check_room(n_bytes: int) -> None:
    """Refuse so many bytes more, or a film of a size that nobody knows yet, where there is no room.

    Raises
    ------
    TonfilmError
        There is none on the disk, or in a share of it that a setting allows.
    """
    settings, rest = service().settings, _n_promised()
    if settings.visitor_mb:
        _check_share(n_bytes, settings.visitor_mb)
    used = _n_bytes(service().storage.instance.rglob("*")) if settings.disk_mb else 0
    if settings.disk_mb and used + rest + max(n_bytes, 1) > settings.disk_mb << 20:
        raise TonfilmError(
            f"Tonfilm has used up the {size(settings.disk_mb)} of the disk that it may fill: "
            "delete songs or films, then try again."
        )
    if shutil.disk_usage(service().storage.instance).free < rest + n_bytes + SPARE_BYTES:
        raise TonfilmError("The disk is nearly full: free some space, then try again.")


def _check_share(n_bytes: int, visitor_mb: int) -> None:
    storage = service().storage
    songs = db.session.scalars(select(Song).where(Song.visitor == visitor())).all()
    paths = [storage.song(song.id) for song in songs]
    paths += [storage.film(film.id) for song in songs for film in song.films]
    arriving = select(Upload.n_bytes).where(Upload.visitor == visitor())
    used = _n_bytes(paths) + sum(db.session.scalars(arriving))
    allowed, words = visitor_mb << 20, f"the {size(visitor_mb)} that you may keep here"
    if n_bytes > allowed:
        raise TonfilmError(f"The file is larger than {words}: choose a shorter song.")
    if used + max(n_bytes, 1) > allowed:
        raise TonfilmError(
            f"Your songs and films fill {decimal(used / (1 << 20))} MB of {words}: "
            "delete some of them, then try again."
        )


def _n_promised() -> int:
    """Count the bytes that uploads have still to bring."""
    storage = service().storage
    uploads = db.session.execute(select(Upload.id, Upload.n_bytes)).all()
    promised = sum(n_bytes for _, n_bytes in uploads)
    return promised - _n_bytes(storage.upload(identity) for identity, _ in uploads)


def _n_bytes(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # it went meanwhile
            continue
    return total
