"""What is said of a film in plain words."""

from pathlib import Path

import librosa
import numpy as np
import pytest
from made_films import MadeFilm, click_at, flash_at, strobe

from measures.beats import track_beats
from measures.film import SAMPLE_RATE
from measures.report import read_film
from measures.sound import ONSET_HOP, Heard, listen
from measures.summary import Summary, summarise_film

BEATS_S = np.arange(0.5, 12.0, 0.5)
CLICKS = click_at(BEATS_S, 12.0)


def summarise(film: MadeFilm, folder: Path) -> Summary:
    return summarise_film(film.write(folder / "film.mp4"), lambda _done, _total: None)


def test_a_flash_at_each_beat_is_tight(tmp_path: Path) -> None:
    summary = summarise(MadeFilm(paint=flash_at(BEATS_S), sound=CLICKS), tmp_path)
    first, second = summary.sentences
    assert summary.figures["n_beats"] == summary.figures["n_video_beats"] == 23
    assert summary.figures["beats_met"] == 1.0
    assert summary.figures["by_chance"] == pytest.approx(0.28, abs=0.05)  # ±70 ms of 500
    assert first.startswith("Beats met: 100 %, by chance 2")
    assert second == "The picture is tight on the beat."


def test_what_moves_between_the_beats_goes_its_own_way(tmp_path: Path) -> None:
    late = MadeFilm(paint=flash_at(BEATS_S + 5 / 30), sound=CLICKS)
    summary = summarise(late, tmp_path)
    assert summary.figures["beats_met"] == 0.0
    assert summary.figures["picture_late_ms"] == pytest.approx(167, abs=10)
    assert summary.sentences[1] == "The picture goes its own way, beside the beat."


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            {"sound": np.zeros(12 * 44_100)},
            ["No beat was heard in the music, so there is none to meet."],
        ),
        (
            {"paint": lambda _: 90.0},
            ["The picture stands still or glides evenly: it meets no beat."],
        ),
        (
            {"duration_s": 6.0},
            ["Beats met: 100 %. What chance would meet cannot be told of a film so short."],
        ),
        (
            {"paint": strobe(5), "sound": np.zeros(12 * 44_100)},
            [
                "No beat was heard in the music, so there is none to meet.",
                "It flashes up to 5 times within a second: more than 3 can bring on seizures in "
                "people with photosensitive epilepsy.",
            ],
        ),
        (
            {"duration_s": 1 / 30, "sound": np.zeros(1470)},
            ["No beat was heard in the music, so there is none to meet."],
        ),
    ],
    ids=["silence", "still", "short", "strobe", "one frame"],
)
def test_what_cannot_be_compared_has_a_sentence(
    tmp_path: Path, changes: dict[str, object], sentences: list[str]
) -> None:
    plain = {"paint": flash_at(BEATS_S), "sound": CLICKS}
    summary = summarise(MadeFilm(**{**plain, **changes}), tmp_path)
    assert list(summary.sentences) == sentences
    assert summary.are_flashes_safe == (len(sentences) == 1)


@pytest.mark.parametrize(
    ("beats_met", "by_chance", "words"),
    [
        (0.83, 0.21, "is tight on the beat"),
        (0.61, 0.20, "is tight on the beat"),
        (0.59, 0.20, "is in time with the beat, if loosely"),
        (0.35, 0.20, "follows the beat a little"),
        (0.22, 0.20, "goes its own way"),
        (0.05, 0.90, "goes its own way"),
        (1.00, 1.00, "goes its own way"),
    ],
)
def test_words_weigh_what_is_met_against_chance(
    beats_met: float, by_chance: float, words: str
) -> None:
    summary = Summary(
        n_beats=50,
        n_video_beats=50,
        beats_met=beats_met,
        by_chance=by_chance,
        picture_late_ms=0.0,
        calm_off_beat=0.98,
        most_flashes_in_1_s=3,
        most_red_flashes_in_1_s=0,
        are_flashes_safe=True,
    )
    assert words in summary.sentences[1]
    assert summary.sentences[0].startswith(f"Beats met: {100 * beats_met:.0f} %, by chance ")


def test_reading_a_film_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    path = MadeFilm(paint=flash_at(BEATS_S), duration_s=1.0, sound=CLICKS).write(tmp_path / "f.mp4")
    told = []
    read_film(path, lambda done, total: told.append((done, total)))
    assert told == [(n, 30) for n in range(1, 31)]

    def stop(done: int, _total: int) -> None:
        if done == 7:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        read_film(path, stop)


def track_slowly(heard: Heard) -> np.ndarray:
    """Track beats by librosa, which compiles its tracker anew in each process."""
    envelope = {"onset_envelope": heard.onset, "sr": SAMPLE_RATE, "hop_length": ONSET_HOP}
    rows = librosa.feature.tempogram(**envelope, win_length=800).sum(axis=1)[:, None]
    (bpm,) = librosa.feature.tempo(tg=rows, sr=SAMPLE_RATE, hop_length=ONSET_HOP)
    return librosa.beat.beat_track(**envelope, bpm=float(bpm), units="time")[1]


@pytest.mark.parametrize("every_s", [0.31, 0.5, 0.62, 1.1])
def test_the_tracker_is_librosas(every_s: float) -> None:
    rng = np.random.default_rng(0)
    clicks_s = np.arange(2.0, 27.0, every_s)
    clicks_s = clicks_s[rng.random(len(clicks_s)) > 0.2] + rng.normal(0, 0.01)
    noise = 0.01 * rng.standard_normal(30 * SAMPLE_RATE)
    sound = (click_at(clicks_s, 30.0, SAMPLE_RATE) + noise).astype(np.float32)
    heard = listen([sound], len(sound))
    assert len(track_beats(heard)) > 15
    assert track_beats(heard) == pytest.approx(track_slowly(heard), abs=0.0101)
