"""A song that has arrived: a glance at its first bytes, its row, and the message to the worker.

Nothing here decodes it; that is done in the worker, under limits (see `spectro.guarded`).
"""

from spectro.audio import check_size, check_start
from spectro.riff import N_HEADER_BYTES
from webapp.jobs import submit
from webapp.security import visitor
from webapp.service import service
from webapp.tables import Song


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
    with arrived.open("rb") as file:
        check_start(f"“{title}”", file.read(N_HEADER_BYTES))
    arrived.replace(storage.song(identity))
    song = Song(id=identity, visitor=visitor(), title=title)
    submit(song)
    return song
