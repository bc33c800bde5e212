"""What the disk may refuse, in plain words. No torch."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from spectro.errors import TonfilmError

_ADVICE: Final = {
    errno.ENOSPC: "The disk is full: free some space and start again; what is done is kept.",
    errno.EDQUOT: "Your share of the disk is used up: free some space and start again.",
    errno.EFBIG: "The disk takes no file of this size: choose another folder.",
    errno.EROFS: "The disk can only be read: choose another folder.",
}
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_DENIED: Final = (errno.EACCES, errno.EPERM)
_LONGEST_NAME: Final = 240  # bytes; disks take 255, and an unfinished film's name is longer


class DiskFullError(TonfilmError):
    """There is no room left; what was begun can go on when there is."""


@contextmanager
def plain_disk_errors() -> Iterator[None]:
    """Turn what the system says of a full or a closed disk into a sentence for the user."""
    try:
        yield
    except OSError as error:
        if error.errno in _ADVICE:
            kind = DiskFullError if error.errno in _FULL else TonfilmError
            raise kind(_ADVICE[error.errno]) from error
        if error.errno in _DENIED:
            raise TonfilmError(
                f"{error.filename} may not be written: choose another folder, or change its rights."
            ) from error
        raise


def name_unfinished(path: Path) -> Path:
    """Name a file, beside another, that nobody else writes while it is not whole."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def settle_file(unfinished: Path, path: Path) -> None:
    """Give a file that is whole its name, so that even a power cut leaves it whole or not there."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file that is seen whole or not at all."""
    unfinished = name_unfinished(path)
    try:
        unfinished.write_bytes(content)
        settle_file(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def check_output(output: Path, song: Path) -> None:
    """Check that a film can be written, before work starts.

    Raises
    ------
    TonfilmError
        The name is no MP4's or the song's own, or its folder is missing or may not be written to.
    """
    if output.resolve() == song.resolve():
        raise TonfilmError(f"The film would take the place of the song {song}: name another file.")
    if output.suffix.lower() != ".mp4":
        raise TonfilmError(f"{output.name} is no name for a film: let it end in .mp4.")
    check_folder(output)


def check_folder(path: Path) -> None:
    """Check that a file of this name can be written where it shall stand.

    Raises
    ------
    TonfilmError
        Its folder is missing or may not be written to, or the name is too long or a folder's.
    """
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise TonfilmError(f"The name {path.name[:20]}… is too long: choose a shorter one.")
    if path.is_dir():
        raise TonfilmError(f"{path} is a folder: name a file in it.")
    if not path.parent.is_dir():
        raise TonfilmError(f"There is no folder {path.parent}: make it first.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise TonfilmError(f"The folder {path.parent} may not be written to: choose another.")
