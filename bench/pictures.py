"""Pictures that no network painted, and any pictures under any sound."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from film.encoding import SegmentWriter, VideoForm
from film.recipe import Recipe
from film.segments import cut_excerpt
from film.sound import choose_form
from film.video import Track, join
from measures.curves import Times
from spectro.audio import Audio, load
from spectro.timeline import Timeline

BLACK, WHITE, GREY = 16, 235, 128  # of luma, and of both colours
FADE_S: Final = 0.1  # time constant; taste: over before the next beat

Planes = NDArray[np.uint8]


def combine(pictures: Path, song: Path, recipe: Recipe, film: Path) -> Path:
    """Put the pictures of one film under the sound of a song as long as it; none is encoded again.

    Parameters
    ----------
    pictures : an MP4 that was encoded as this recipe says
    """
    audio = load(song)
    excerpt = cut_excerpt(_lay_timeline(audio, recipe), 0.0, None)
    track = Track(audio=audio, form=choose_form(audio), excerpt=excerpt, title=film.stem)
    join([pictures], track, recipe, film, lambda _done, _total: None)
    return film


def film_still(pictures: Path, recipe: Recipe, path: Path) -> Path:
    """Hold the first frame of a film for as long as that lasts."""
    with av.open(pictures) as film:
        n_frames = film.streams.video[0].frames
        first = np.asarray(next(film.decode(video=0)).to_ndarray(), np.uint8)
    return _encode(repeat(first, n_frames), n_frames, recipe, path)


def film_strobe(song: Path, beats_s: Times, recipe: Recipe, path: Path) -> Path:
    """Flash white at the frame nearest to each beat of a song, and fade to black."""
    timeline = _lay_timeline(load(song), recipe)
    frames = np.rint(beats_s * float(recipe.fps)).astype(np.int64)
    light = np.zeros(timeline.n_frames + 1)
    light[frames] = 1.0
    for frame in range(1, timeline.n_frames):
        light[frame] = max(light[frame], light[frame - 1] * np.exp(-1 / (FADE_S * recipe.fps)))
    planes = _paint_grey(light[: timeline.n_frames], recipe)
    return _encode(planes, timeline.n_frames, recipe, path)


def _lay_timeline(audio: Audio, recipe: Recipe) -> Timeline:
    return Timeline(fps=recipe.fps, n_samples=audio.n_samples, sample_rate=audio.sample_rate)


def _paint_grey(light: NDArray[np.float64], recipe: Recipe) -> Iterator[Planes]:
    for share in light:
        planes = np.full((recipe.height * 3 // 2, recipe.width), GREY, np.uint8)
        planes[: recipe.height] = round(BLACK + (WHITE - BLACK) * share)
        yield planes


def _encode(planes: Iterator[Planes], n_frames: int, recipe: Recipe, path: Path) -> Path:
    form = VideoForm(
        width=recipe.width, height=recipe.height, fps=recipe.fps, quality=recipe.quality
    )
    with SegmentWriter(path, form, n_frames) as writer:
        for frame in planes:
            writer.write(frame[None])
        writer.finish()
    return path
