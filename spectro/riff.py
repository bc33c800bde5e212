"""The chunks of a WAV: how much sound its header promises.

libsndfile quietly reads what is there, and an IMA ADPCM block that was cut as noise; only the
header knows what is missing.

    RIFF size WAVE | fmt  size ... | (LIST, fact, bext, ...) | data size sound...
    RF64 -1   WAVE | ds64 size ... data size in 64 bits ...  | data -1   sound...
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from io import FileIO
from typing import Final

N_HEADER_BYTES: Final = 12
_MAGIC: Final = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}  # and the order of their bytes
_UNKNOWN_SIZE: Final = 0xFFFFFFFF  # of a stream that was never closed, or "see ds64"
_PACKED_CODINGS: Final = (0x02, 0x11)  # Microsoft and IMA ADPCM
_MAX_CHUNKS: Final = 10_000  # a file of nothing but empty chunks ends here


@dataclass(frozen=True, kw_only=True)
class SampleCounts:
    """How much sound a file should hold and holds, in samples a channel."""

    n_promised: int  # by the header; 0 where it does not know
    n_present: int  # up to the end of the file, in whole coded blocks


def is_wav(start: bytes) -> bool:
    """Claim that a file whose first `N_HEADER_BYTES` these are calls itself a WAV."""
    return start[:4] in _MAGIC and start[8:N_HEADER_BYTES] == b"WAVE"


def count_samples(file: FileIO) -> SampleCounts | None:
    """Read the chunks of a file.

    Parameters
    ----------
    file : open for reading at its start

    Returns
    -------
    None where the file is no WAV; no samples where it is one without sound
    """
    header = file.read(N_HEADER_BYTES)
    if not is_wav(header):
        return None
    order = _MAGIC[header[:4]]
    block, wide_size = _Block(n_bytes=1, n_samples=1), 0
    for _ in range(_MAX_CHUNKS):
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        name, size = chunk[:4], struct.unpack(order + "I", chunk[4:])[0]
        after = file.tell() + size + size % 2
        if name == b"data":
            promised = wide_size if size == _UNKNOWN_SIZE else size
            present = os.fstat(file.fileno()).st_size - file.tell()
            return SampleCounts(n_promised=block.count(promised), n_present=block.count(present))
        if name == b"fmt ":
            block = _read_block(file, order)
        elif name == b"ds64":
            wide_size = struct.unpack(order + "8xQ", file.read(16).ljust(16, b"\0"))[0]
        file.seek(after)
    return SampleCounts(n_promised=0, n_present=0)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """The smallest piece of sound that can be decoded by itself."""

    n_bytes: int
    n_samples: int  # a channel; 1 unless the coding packs several

    def count(self, n_bytes: int) -> int:
        return n_bytes // self.n_bytes * self.n_samples


def _read_block(file: FileIO, order: str) -> _Block:
    # coding, (channels, rate, bytes a second), bytes a block, (bits, extra size), samples a block
    fields = struct.unpack(order + "H10xH4xH", file.read(20).ljust(20, b"\0"))
    coding, n_bytes, n_samples = fields
    packs = coding in _PACKED_CODINGS
    return _Block(n_bytes=max(1, n_bytes), n_samples=n_samples if packs else 1)
