"""Room on the disk, asked for before an array is laid on it."""

import shutil
from pathlib import Path

from spectro.errors import TonfilmError


def check_room(folder: Path, n_bytes: int) -> None:
    """See to it that so many bytes fit into a folder.

    A mapped file takes its room only when it is written to, and a disk that is full then kills the
    process where other files would raise an error.

    Raises
    ------
    TonfilmError
        They do not.
    """
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise TonfilmError(
            f"{folder} needs {n_bytes / 1e9:.1f} GB for what is learnt from, and the disk has "
            f"{free / 1e9:.1f} GB left: make room and start again; what is done is kept."
        )
