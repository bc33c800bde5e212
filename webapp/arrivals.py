"""Songs that arrive: piece by piece or at one go, until they are whole and a worker is woken.

An upload is a row and a file that grows; the file's size is the truth about how far it is. A block
is written only where the file ends, under a lock that is not held while the network is waited for.
So when a connection breaks, its successor goes on at once, and a late block of the old one changes
nothing.

Nothing here decodes a song; that is done in the worker, under limits (see `spectro.guarded`).
"""

import fcntl
import os
from io import FileIO
from pathlib import Path
from typing import Final, Protocol

from sqlalchemy import delete, select

from spectro.audio import check_size, check_start
from spectro.errors import TonfilmError
from spectro.riff import N_HEADER_BYTES
from webapp.jobs import submit
from webapp.room import check_room
from webapp.security import visitor
from webapp.service import service
from webapp.tables import Song, Upload, db

PIECE_BYTES: Final = 4 << 20  # taste: what a slow line sends in some ten seconds
BLOCK_BYTES: Final = 64 << 10  # in memory at a time


class MisplacedError(Exception):
    """A piece does not begin where the file ends."""


class Stream(Protocol):
    """The body of a request."""

    def read(self, size: int, /) -> bytes:
        """Read so many bytes at most; none at the end."""
        ...


def begin(title: str, n_bytes: int, changed: str) -> Upload:
    """Open an upload, or find the one that this file of the visitor's has begun with.

    Parameters
    ----------
    changed : when the file was last changed, as the browser says it: another state of a file is
        another file

    Raises
    ------
    TonfilmError
        The file is empty or too large, or there is no room for it.
    """
    check_size(f"“{title}”", n_bytes, service().settings.limits)
    begun = db.session.scalar(
        select(Upload).where(
            Upload.visitor == visitor(),
            Upload.title == title,
            Upload.n_bytes == n_bytes,
            Upload.changed == changed,
        )
    )
    if begun is not None:
        return begun
    check_room(n_bytes)
    upload = Upload(visitor=visitor(), title=title, n_bytes=n_bytes, changed=changed)
    db.session.add(upload)
    db.session.commit()
    return upload


def n_arrived(upload: Upload) -> int:
    """Tell how many bytes of an upload are there."""
    try:
        return service().storage.upload(upload.id).stat().st_size
    except FileNotFoundError:
        return 0


def list_unfinished() -> list[tuple[Upload, float]]:
    """List this visitor's uploads, the newest first, each with the share of it that is there."""
    newest = Upload.created_s.desc()
    uploads = db.session.scalars(
        select(Upload).where(Upload.visitor == visitor()).order_by(newest)
    ).all()
    return [(upload, n_arrived(upload) / upload.n_bytes) for upload in uploads]


def receive(upload: Upload, place: int, stream: Stream) -> None:
    """Write a piece behind what is there, block by block, as far as it comes.

    Raises
    ------
    MisplacedError
        It does not begin there, or another request has meanwhile written on.
    TonfilmError
        It is plainly no WAV, or more than was promised; then the upload is over.
    """
    path = service().storage.upload(upload.id)
    if place != n_arrived(upload):
        raise MisplacedError
    try:
        with path.open("ab", buffering=0) as file:
            _receive(file, place, upload.n_bytes, stream)
        if place < N_HEADER_BYTES <= n_arrived(upload):
            check_start(f"“{upload.title}”", _read_start(path))
    except TonfilmError:
        forget_upload(upload)
        raise


def finish(upload: Upload) -> Song | None:
    """Make an upload that is whole a song; None where another request has just done so.

    Raises
    ------
    TonfilmError
        It is plainly no WAV; the upload is over.
    """
    identity, title = upload.id, upload.title
    db.session.rollback()  # what was read may have changed since
    try:
        # Whoever deletes the row makes the song; both are committed together.
        gone = db.session.scalars(
            delete(Upload).where(Upload.id == identity).returning(Upload.id)
        ).all()
        if gone:
            return admit(identity, title)
    except TonfilmError:
        db.session.rollback()
        forget_upload(db.session.get_one(Upload, identity))
        raise
    db.session.rollback()
    return None


def admit(identity: str, title: str) -> Song:
    """Make the file that has arrived under an identity a song of this visitor's.

    Raises
    ------
    TonfilmError
        It is plainly no WAV, or too large; the caller deletes it.
    """
    storage = service().storage
    arrived = storage.upload(identity)
    check_size(f"“{title}”", arrived.stat().st_size, service().settings.limits)
    check_start(f"“{title}”", _read_start(arrived))
    arrived.replace(storage.song(identity))
    song = Song(id=identity, visitor=visitor(), title=title)
    submit(song)
    return song


def forget_upload(upload: Upload) -> None:
    """Delete an upload and what has arrived of it."""
    service().storage.upload(upload.id).unlink(missing_ok=True)
    db.session.execute(delete(Upload).where(Upload.id == upload.id))
    db.session.commit()


def _receive(file: FileIO, place: int, n_bytes: int, stream: Stream) -> None:
    while block := stream.read(min(BLOCK_BYTES, n_bytes - place + 1)):
        if place + len(block) > n_bytes:
            raise TonfilmError("The file has grown since it was chosen: choose it again.")
        _append(file, place, block)
        place += len(block)


def _append(file: FileIO, place: int, block: bytes) -> None:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        if os.fstat(file.fileno()).st_size != place:
            raise MisplacedError
        rest = memoryview(block)
        while rest:  # a disk that fills up takes a part, and refuses the next one
            rest = rest[file.write(rest) :]
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(N_HEADER_BYTES)
