"""The index of a folder of pairs: a line a pair, of whole videos only.

index.jsonl                 what the folder holds; the rest may be from an interrupted ripping
spectrograms/NAME.png       (256, 256) grey: the 1.5 s of sound that end at the frame
frames/NAME.png             (side, side) in colour
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from spectro.errors import TonfilmError

INDEX_NAME: Final = "index.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A pair and where it comes from."""

    name: str  # of both pictures, without ending
    video: str  # path inside the folder of videos, with /
    time_s: float  # when the frame starts
    frame: int  # its number, the first one being 0
    fps: str  # of the video, frames a second, as a fraction
    white_db: float  # what is white in the spectrogram picture
    n_bytes: int  # of the video
    modified_ns: int  # when the video was last changed, since 1970

    def spectrogram(self, folder: Path) -> Path:
        """Return where the spectrogram picture lies."""
        return folder / "spectrograms" / f"{self.name}.png"

    def picture(self, folder: Path) -> Path:
        """Return where the frame lies."""
        return folder / "frames" / f"{self.name}.png"


class Index:
    """The index of a folder, in memory and on disk; a folder without one holds no pairs.

    Raises
    ------
    TonfilmError
        A line is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / INDEX_NAME
        self.videos: dict[str, list[Entry]] = {}  # the pairs of each video, by time
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        for number, line in enumerate(lines, start=1):
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise TonfilmError(
                    f"Line {number} of {self.path} is damaged: remove {folder} and rip the videos"
                    " again."
                ) from error
            self.videos.setdefault(entry.video, []).append(entry)

    @property
    def n_pairs(self) -> int:
        """Count the pairs of all videos."""
        return sum(len(entries) for entries in self.videos.values())

    def put(self, video: str, entries: Sequence[Entry]) -> None:
        """Add the pairs of a video, or replace them, at one blow."""
        self.videos[video] = list(entries)
        unfinished = self.path.with_name(f"{self.path.name}.part")
        with unfinished.open("w", encoding="utf-8") as file:
            for known in self.videos.values():
                file.writelines(f"{json.dumps(asdict(entry))}\n" for entry in known)
        unfinished.replace(self.path)
