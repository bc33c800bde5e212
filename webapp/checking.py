"""The worker's first step with a song: to see whether what a stranger sent is one."""

from functools import partial

from spectro.audio import Audio
from spectro.errors import TonfilmError
from spectro.guarded import load_guarded
from webapp.leases import Lease
from webapp.service import Service
from webapp.tables import Song, db


def check_song(service: Service, song_id: str, lease: Lease) -> Audio:
    """Find out what a song's file is, and write it into its row.

    Raises
    ------
    TonfilmError
        The file is of no use. It is deleted, unless it once was found good.
    """
    song = db.session.get_one(Song, song_id)
    title, was_good = song.title, song.is_checked
    db.session.rollback()  # nothing of the database is held while the file is read
    path = service.storage.song(song_id)
    try:
        audio = load_guarded(path, service.settings.limits, partial(lease, "check", 0, 0))
    except TonfilmError as error:
        if not was_good:
            path.unlink(missing_ok=True)
        # The visitor knows the file by its own name only. Where it was found out says nothing more.
        raise TonfilmError(str(error).replace(path.name, f"“{title}”")) from None
    note(db.session.get_one(Song, song_id), audio)
    db.session.commit()
    return audio


def note(song: Song, audio: Audio) -> None:
    """Write into a song's row what its file is; the caller commits."""
    song.sha256 = audio.sha256
    song.sample_rate, song.n_channels = audio.sample_rate, audio.n_channels
    song.n_samples, song.n_promised_samples = audio.n_samples, audio.n_promised_samples
