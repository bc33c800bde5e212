"""Where files live in the instance folder; no name that a visitor chose is used for one."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from film.recipe import PICTURES_VERSION

# What file systems and browsers trip over: separators, reserved signs, control characters.
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')


@dataclass(frozen=True, kw_only=True)
class Storage:
    """The folders of the instance; identities are the uuids of the tables' rows."""

    instance: Path  # absolute

    def make_folders(self) -> None:
        """Make every folder that the service writes to."""
        for name in (
            "uploads",
            "songs",
            "analyses",
            "stills",
            "pictures",
            "films",
            "work",
            "broker",
        ):
            (self.instance / name).mkdir(parents=True, exist_ok=True)

    @property
    def demo_song(self) -> Path:
        """The WAV that the launcher composes once for visitors without a song at hand."""
        return self.instance / "demo.wav"

    @property
    def uploads(self) -> Path:
        """The folder of files that are still arriving."""
        return self.instance / "uploads"

    def upload(self, identity: str) -> Path:
        """Name a file that is still arriving."""
        return self.uploads / f"{identity}.wav"

    def song(self, identity: str) -> Path:
        """Name the WAV of a song."""
        return self.instance / "songs" / f"{identity}.wav"

    def mono(self, identity: str) -> Path:
        """Name the analysis copy of a song, which lives only while it is analysed."""
        return self.instance / "work" / f"{identity}.mono"

    def features(self, identity: str) -> Path:
        """Name what was heard in a song; another version of the program listens anew."""
        return self.instance / "analyses" / f"{identity}.{PICTURES_VERSION}.npz"

    def analysis(self, identity: str) -> Path:
        """Name the curves of a song that the page draws."""
        return self.instance / "analyses" / f"{identity}.json"

    def still(self, theme: str, weights: str, seed: int) -> Path:
        """Name a picture of the gallery; other weights give other pictures."""
        return self.instance / "stills" / theme / weights / f"{seed}.jpg"

    def picture(self, identity: str) -> Path:
        """Name a visitor's own picture, which stays until it is read."""
        return self.instance / "pictures" / f"{identity}.picture"

    def portrait(self, identity: str) -> Path:
        """Name the small picture of how its theme paints it."""
        return self.instance / "pictures" / f"{identity}.jpg"

    def film(self, identity: str) -> Path:
        """Name the finished film."""
        return self.instance / "films" / f"{identity}.mp4"

    def poster(self, identity: str) -> Path:
        """Name the picture that stands for a finished film."""
        return self.instance / "films" / f"{identity}.jpg"

    def sheet(self, identity: str) -> Path:
        """Name the sheet of pictures out of a finished film."""
        return self.instance / "films" / f"{identity}.sheet.jpg"

    def work(self, identity: str) -> Path:
        """Name the folder of an unfinished film: its segments and its latest picture."""
        return self.instance / "work" / identity

    def files_of_song(self, identity: str) -> list[Path]:
        """Name what belongs to a song, whether it is there or not."""
        named = (self.song, self.analysis, self.mono, self.features)
        return [name(identity) for name in named]

    def files_of_film(self, identity: str) -> list[Path]:
        """Name what belongs to a film; of an unfinished one, what is there."""
        named = (self.film, self.poster, self.sheet)
        return [*(name(identity) for name in named), *self.work(identity).glob("*")]

    def forget_song(self, identity: str) -> None:
        """Delete what belongs to a song."""
        for path in self.files_of_song(identity):
            path.unlink(missing_ok=True)

    def files_of_picture(self, identity: str) -> list[Path]:
        """Name what belongs to a visitor's own picture, whether it is there or not."""
        return [self.picture(identity), self.portrait(identity)]

    def forget_picture(self, identity: str) -> None:
        """Delete what belongs to a visitor's own picture."""
        for path in self.files_of_picture(identity):
            path.unlink(missing_ok=True)

    def forget_film(self, identity: str) -> None:
        """Delete what belongs to a film."""
        for path in (self.film(identity), self.poster(identity), self.sheet(identity)):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.work(identity), ignore_errors=True)


def title_of(file_name: str) -> str:
    """Make a song's title of the name that a visitor's file had.

    Returns
    -------
    1 to 80 characters that are safe in a file name of any system
    """
    stem = re.split(r"[\\/]", file_name)[-1].removesuffix(".wav").removesuffix(".WAV")
    words = " ".join(_UNSAFE.sub(" ", stem).split())
    return words[:80].strip(" .") or "Untitled"
