"""The broker of one machine: messages are files in the instance folder, each whole from the start.

Kombu's own transport opens a file under its final name and writes it afterwards: a worker that
looks in between takes an empty file and ends, and a process that is killed in between leaves one
for ever. It also moves messages through the system's folder for temporary files.
"""

import logging
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads

from film.disk import name_unfinished, write_whole

log = logging.getLogger(__name__)


def put(channel: filesystem.Channel, queue: str, message: Any, **_: object) -> None:
    """Write a message."""
    # Workers take the names in alphabetical order, and only those that end in ".msg".
    path = Path(channel.data_folder_out) / f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
    write_whole(path, str_to_bytes(dumps(message)))


def get(channel: filesystem.Channel, queue: str) -> Any:
    """Take the oldest message of a queue; each goes to one worker.

    Raises
    ------
    Empty
        There is none.
    """
    for path in sorted(Path(channel.data_folder_in).glob(f"*.{queue}.msg")):
        taken = name_unfinished(path)
        try:
            path.replace(taken)
        except FileNotFoundError:  # another worker was quicker
            continue
        content = taken.read_bytes()
        taken.unlink()
        try:
            return loads(bytes_to_str(content))
        except ValueError:  # a power cut has left it empty; the sweep sends another
            log.warning("The message %s cannot be read", path.name)
    raise Empty


def bind(
    channel: filesystem.Channel, exchange: str, routing_key: str, pattern: str, queue: str
) -> None:
    """Write down that an exchange leads to a queue."""
    entry = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
    try:
        known = channel.get_table(exchange)
    except ValueError:  # left empty by a power cut
        known = []
    if entry not in known:
        folder = Path(channel.control_folder)
        folder.mkdir(exist_ok=True)
        write_whole(folder / f"{exchange}.exchange", str_to_bytes(dumps([entry, *known])))


class Transport(filesystem.Transport):
    """Kombu's filesystem transport, but for how files are written and taken."""

    # Not a class statement: Kombu's two signatures of _put have no common subtype.
    Channel = type(
        "Channel", (filesystem.Channel,), {"_put": put, "_get": get, "_queue_bind": bind}
    )
