"""From a WAV to a film: the whole product on one screen."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from film.disk import check_output, plain_disk_errors
from film.encoding import SegmentWriter, VideoForm, encode_still
from film.engines import Duet
from film.painting import Scene, paint_frames
from film.planes import Size
from film.recipe import FLASH_WARNING, Recipe
from film.report import Report, Stopwatch, build_report
from film.segments import Segment, cut_excerpt, plan
from film.sound import choose_form
from film.stems import check_stems, load_stems
from film.theme import load_theme
from film.video import Track, join
from film.workroom import Heard, Workroom, open_workroom
from spectro.audio import Audio, Limits, load
from spectro.flashes import Limited, leave, limit_flashes
from spectro.score import Drive, compose
from spectro.timeline import Timeline


class Progress(Protocol):
    """Told how far a stage has come; raises to cancel, in the thread that made the film."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of a step: stages are "analysis", "paint" and "join"."""


@dataclass(frozen=True, kw_only=True)
class Song:
    """What becomes a film."""

    path: Path  # of a WAV
    title: str | None = None  # what players call the film; by default the file's name
    stems: Mapping[str, Path] = field(default_factory=dict)  # WAVs of parts of it, by their names
    features: Path | None = None  # what `workroom.listen` has kept of it before; may be missing
    limits: Limits = field(default_factory=Limits)  # what it may be at most


def make_film(
    song: Song,
    output: Path,
    recipe: Recipe,
    *,
    work: Path,
    progress: Progress,
) -> Report:
    """Make a film; a run that is stopped goes on from its whole segments when called again.

    Parameters
    ----------
    output : the MP4, written over where it exists, and only when it is whole
    recipe : of a film made before, or without hashes
    work : folder of this film alone; it stays when the run is stopped and goes when it is done
    progress : called often

    Raises
    ------
    TonfilmError
        Something that the user can mend; one sentence.
    """
    watch = Stopwatch()
    check_output(output, song.path)
    with plain_disk_errors():
        with watch.stage("load"):
            audio = load(song.path, song.limits)
            stems = load_stems(song.stems, audio, song.limits)
            sound = choose_form(audio)
            theme = load_theme(recipe.theme, recipe.weights)
            duet = Duet(theme, recipe)
        notes = (*_notes(audio, recipe), *check_stems(recipe, stems), *sound.notes)
        hashes = {name: stem.sha256 for name, stem in stems.items()}
        recipe = recipe.bind(song_sha256=audio.sha256, stems=hashes, weights=theme.card.weights)
        timeline = Timeline(
            fps=recipe.fps, n_samples=audio.n_samples, sample_rate=audio.sample_rate
        )
        excerpt = cut_excerpt(timeline, recipe.start_s, recipe.duration_s)
        segments = plan(excerpt.first_frame, excerpt.stop_frame, recipe.fps)
        with open_workroom(work, recipe) as room:
            with watch.stage("analysis"):
                heard = room.hear(
                    audio, stems, timeline, partial(progress, "analysis"), song.features
                )
            with watch.stage("score"):
                limited = _compose(heard, recipe)
            scene = Scene(
                duet=duet,
                score=limited.score,
                heard=heard,
                size=Size(height=recipe.height, width=recipe.width),
                is_guarded=recipe.flash_guard,
            )
            n_resumed = _render(scene, segments, recipe, room, watch, progress)
            n_calmed = sum(room.count_calmed(segment) for segment in segments)
            with watch.stage("join"):
                paths = [room.segment_path(segment) for segment in segments]
                title = song.title or song.path.stem
                track = Track(audio=audio, form=sound, excerpt=excerpt, title=title)
                join(paths, track, recipe, output, partial(progress, "join"))
    held_back = limited.is_limited[excerpt.first_frame : excerpt.stop_frame]
    return build_report(
        watch,
        recipe,
        n_frames=excerpt.n_frames,
        n_resumed_segments=n_resumed,
        n_calmed_frames=n_calmed,
        notes=(*notes, *_note_flashes(recipe, n_calmed, int(held_back.sum()))),
    )


def _render(
    scene: Scene,
    segments: Sequence[Segment],
    recipe: Recipe,
    room: Workroom,
    watch: Stopwatch,
    progress: Progress,
) -> int:
    """Paint and encode the segments that are missing; return how many were there."""
    missing = [segment for segment in segments if not room.has(segment)]
    n_frames = segments[-1].stop_frame - segments[0].first_frame
    n_done = n_frames - sum(segment.n_frames for segment in missing)
    form = VideoForm(
        width=recipe.width, height=recipe.height, fps=recipe.fps, quality=recipe.quality
    )
    with closing(paint_frames(scene, missing, watch)) as painted:
        for segment in missing:
            with SegmentWriter(room.segment_path(segment), form, segment.n_frames) as writer:
                n_calmed = 0
                for _, batch in zip(segment.batches(), painted, strict=False):
                    with watch.stage("encode"):
                        writer.write(batch.planes)
                    n_calmed += int(batch.is_calmed.sum())
                    n_done += len(batch.planes)
                    progress("paint", n_done, n_frames)
                room.note_calmed(segment, n_calmed)
                with watch.stage("encode"):
                    writer.finish()
            room.show(encode_still(batch.planes[-1]))
    return len(segments) - len(missing)


def _compose(heard: Heard, recipe: Recipe) -> Limited:
    score = compose(
        heard.features,
        Drive(routes=recipe.routes, sliders=recipe.sliders, mechanisms=recipe.mechanisms),
        n_keyframes=len(recipe.keyframes),
        seed=recipe.seed,
        stems=heard.stems,
        pins=recipe.pins,
    )
    return limit_flashes(score) if recipe.flash_guard else leave(score)


def _note_flashes(recipe: Recipe, n_calmed: int, n_held_back: int) -> list[str]:
    """Say what the flash guard did, or that it was off."""
    if not recipe.flash_guard:
        return [FLASH_WARNING]
    done = [
        f"{what} {float(n_frames / recipe.fps):.1f} s of the film"
        for what, n_frames in (("held brightness back in", n_held_back), ("calmed", n_calmed))
        if n_frames
    ]
    if not done:
        return []
    return [
        f"The flash guard {' and '.join(done)}: there would have been more than three flashes in "
        "a second, which can bring on seizures."
    ]


def _notes(audio: Audio, recipe: Recipe) -> list[str]:
    """Say what the user should know about the song."""
    notes = []
    if audio.is_truncated:
        promised_s = audio.n_promised_samples / audio.sample_rate
        notes.append(
            f"The song's file ends after {audio.duration_s:.3f} s, though it promises "
            f"{promised_s:.3f} s: what is there was used."
        )
    if recipe.song_sha256 not in {None, audio.sha256}:
        notes.append("The recipe was made for another song: its choices were used for this one.")
    return notes
