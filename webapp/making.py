"""A film that is being made, as those see it who watch: its pieces, and which of them are there.

What cuts pieces needs PyAV, which is loaded when somebody watches, and not with the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from film.recipe import parse_recipe
from film.segments import Excerpt, cut_excerpt, plan
from spectro.audio import Audio, Limits, load
from spectro.timeline import Timeline
from webapp.service import service
from webapp.tables import Film

if TYPE_CHECKING:
    from film.live import Piece
    from film.sound import SoundForm
    from film.video import Track


@dataclass(frozen=True, kw_only=True)
class Making:
    """A film that is being made."""

    pieces: tuple[Piece, ...]
    paths: tuple[Path, ...]  # of the pieces' segments, whether they are there or not
    excerpt: Excerpt

    def n_ready(self) -> int:
        """Count the pieces that are there, from the first on, without a gap."""
        gaps = (place for place, path in enumerate(self.paths) if not path.exists())
        return next(gaps, len(self.paths))

    def codecs(self) -> list[str]:
        """Name the codecs of pictures and sound; none while there is no picture."""
        from film.live import SOUND_CODEC, name_codec  # noqa: PLC0415

        try:
            return [name_codec(self.paths[0]), SOUND_CODEC]
        except FileNotFoundError:  # not painted yet, or put together at this moment
            return []

    def is_last(self, place: int) -> bool:
        """Claim that the film ends with a piece."""
        return place == len(self.pieces) - 1


def find_making(film: Film) -> Making:
    """Find the pieces of a film."""
    from film.live import list_pieces  # noqa: PLC0415

    recipe = parse_recipe(film.recipe)
    timeline = Timeline(
        fps=recipe.fps, n_samples=film.song.n_samples, sample_rate=film.song.sample_rate
    )
    excerpt = cut_excerpt(timeline, recipe.start_s, recipe.duration_s)
    segments = plan(excerpt.first_frame, excerpt.stop_frame, recipe.fps)
    folder = service().storage.work(film.id)
    return Making(
        pieces=list_pieces(segments, recipe.fps),
        paths=tuple(folder / segment.file_name for segment in segments),
        excerpt=excerpt,
    )


def find_track(film: Film, making: Making) -> Track:
    """Find the sound of a film."""
    from film.video import Track  # noqa: PLC0415

    audio, form = open_song(film)
    return Track(audio=audio, form=form, excerpt=making.excerpt, title="")


def open_song(film: Film) -> tuple[Audio, SoundForm]:
    """Open a film's song, once for all of its pieces."""
    return _open(service().storage.song(film.song_id), service().settings.limits)


@lru_cache(maxsize=4)
def _open(path: Path, limits: Limits) -> tuple[Audio, SoundForm]:
    """Open a song; its whole file is read for its hash and its peak."""
    from film.sound import choose_form  # noqa: PLC0415

    audio = load(path, limits)
    return audio, choose_form(audio)
