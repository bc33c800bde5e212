"""From a WAV to a film: the whole product on one screen."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from film.desk import Alone, Desk
from film.disk import check_output, plain_disk_errors
from film.encoding import SegmentWriter, VideoForm, encode_still
from film.engines import Duet
from film.painting import Scene, paint_frames
from film.planes import Size
from film.recipe import FLASH_WARNING, Recipe
from film.report import Report, Stopwatch, build_report
from film.segments import Excerpt, Segment, cut_excerpt, plan
from film.sound import SoundForm, choose_form
from film.stems import check_stems, load_stems
from film.theme import load_theme
from film.video import Track, join
from film.workroom import Heard, Workroom, enter_workroom, open_workroom
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
    desk: Desk | None = None,
) -> Report:
    """Make a film; a run that is stopped goes on from its whole segments when called again.

    Parameters
    ----------
    output : the MP4, written over where it exists, and only when it is whole
    recipe : of a film made before, or without hashes
    work : folder of this film alone; it stays when the run is stopped and goes when it is done
    progress : called often
    desk : shares the segments out where others help (`help_film`); by default nobody does

    Raises
    ------
    TonfilmError
        Something that the user can mend; one sentence.
    """
    watch = Stopwatch()
    check_output(output, song.path)
    with plain_disk_errors():
        film = _open(song, recipe, watch)
        with open_workroom(work, film.recipe) as room:
            scene, limited = _listen(film, song, room, watch, progress)
            n_resumed = _render(scene, film, room, desk or Alone(), watch, progress)
            n_calmed = sum(room.count_calmed(segment) for segment in film.segments)
            with watch.stage("join"):
                paths = [room.segment_path(segment) for segment in film.segments]
                title = song.title or song.path.stem
                track = Track(audio=film.audio, form=film.sound, excerpt=film.excerpt, title=title)
                join(paths, track, film.recipe, output, partial(progress, "join"))
    held_back = limited.is_limited[film.excerpt.first_frame : film.excerpt.stop_frame]
    return build_report(
        watch,
        film.recipe,
        n_frames=film.excerpt.n_frames,
        n_resumed_segments=n_resumed,
        n_calmed_frames=n_calmed,
        notes=(*film.notes, *_note_flashes(film.recipe, n_calmed, int(held_back.sum()))),
    )


def help_film(song: Song, recipe: Recipe, *, work: Path, progress: Progress, desk: Desk) -> None:
    """Paint segments of a film that another process makes, as long as its desk gives some.

    Parameters
    ----------
    work : the folder that the other process has opened, and the sound in it listened to

    Raises
    ------
    TonfilmError
        As `make_film` does.
    FileNotFoundError
        The film was put together meanwhile, or thrown away.
    """
    watch = Stopwatch()
    with plain_disk_errors():
        film = _open(song, recipe, watch)
        room = enter_workroom(work, film.recipe)
        scene, _ = _listen(film, song, room, watch, progress)
        _paint(scene, film, room, desk, watch, progress)


@dataclass(frozen=True, kw_only=True)
class _Film:
    """What is known of a film before anything of it is made."""

    audio: Audio
    stems: Mapping[str, Audio]
    sound: SoundForm
    duet: Duet
    recipe: Recipe  # bound to the song and the weights
    timeline: Timeline
    excerpt: Excerpt
    segments: tuple[Segment, ...]
    notes: tuple[str, ...]  # for the user

    @property
    def form(self) -> VideoForm:
        """What its segments have in common."""
        recipe = self.recipe
        return VideoForm(
            width=recipe.width, height=recipe.height, fps=recipe.fps, quality=recipe.quality
        )


def _open(song: Song, recipe: Recipe, watch: Stopwatch) -> _Film:
    with watch.stage("load"):
        audio = load(song.path, song.limits)
        stems = load_stems(song.stems, audio, song.limits)
        sound = choose_form(audio)
        theme = load_theme(recipe.theme, recipe.weights)
        duet = Duet(theme, recipe)
    notes = (*_notes(audio, recipe), *check_stems(recipe, stems), *sound.notes)
    hashes = {name: stem.sha256 for name, stem in stems.items()}
    recipe = recipe.bind(song_sha256=audio.sha256, stems=hashes, weights=theme.card.weights)
    timeline = Timeline(fps=recipe.fps, n_samples=audio.n_samples, sample_rate=audio.sample_rate)
    excerpt = cut_excerpt(timeline, recipe.start_s, recipe.duration_s)
    return _Film(
        audio=audio,
        stems=stems,
        sound=sound,
        duet=duet,
        recipe=recipe,
        timeline=timeline,
        excerpt=excerpt,
        segments=plan(excerpt.first_frame, excerpt.stop_frame, recipe.fps),
        notes=notes,
    )


def _listen(
    film: _Film, song: Song, room: Workroom, watch: Stopwatch, progress: Progress
) -> tuple[Scene, Limited]:
    with watch.stage("analysis"):
        told = partial(progress, "analysis")
        heard = room.hear(film.audio, film.stems, film.timeline, told, song.features)
    with watch.stage("score"):
        limited = _compose(heard, film.recipe)
    scene = Scene(
        duet=film.duet,
        score=limited.score,
        heard=heard,
        size=Size(height=film.recipe.height, width=film.recipe.width),
        is_guarded=film.recipe.flash_guard,
    )
    return scene, limited


def _render(
    scene: Scene, film: _Film, room: Workroom, desk: Desk, watch: Stopwatch, progress: Progress
) -> int:
    """See to it that all segments are there; return how many were from the first."""
    missing = [segment for segment in film.segments if not room.has(segment)]
    n_resumed = len(film.segments) - len(missing)
    desk.open(film.segments, missing)
    while missing:
        _paint(scene, film, room, desk, watch, progress)
        missing = [segment for segment in missing if not room.has(segment)]
        if missing:
            n_frames = film.excerpt.n_frames
            progress("paint", n_frames - sum(s.n_frames for s in missing), n_frames)
            desk.wait()
    return n_resumed


def _paint(
    scene: Scene, film: _Film, room: Workroom, desk: Desk, watch: Stopwatch, progress: Progress
) -> None:
    """Paint and encode the segments that a desk gives."""
    with closing(paint_frames(scene, desk.take(), watch)) as painted:
        for segment, batches in groupby(painted, attrgetter("segment")):
            n_done = sum(s.n_frames for s in film.segments if room.segment_path(s).exists())
            with SegmentWriter(room.segment_path(segment), film.form, segment.n_frames) as writer:
                n_calmed = 0
                for batch in batches:
                    with watch.stage("encode"):
                        writer.write(batch.planes)
                    n_calmed += int(batch.is_calmed.sum())
                    n_done += len(batch.planes)
                    progress("paint", min(n_done, film.excerpt.n_frames), film.excerpt.n_frames)
                room.note_calmed(segment, n_calmed)
                with watch.stage("encode"):
                    writer.finish()
            desk.finish(segment)
            room.show(encode_still(batch.planes[-1]))


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
