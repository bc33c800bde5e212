"""The command that measures: words, report, drawing, one sentence for a mistake."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from made_films import MadeFilm, click_at, jump_at, strobe

from scripts.measure import main, write_whole

BEATS_S = np.array([1.0, 2, 4, 5, 6, 8, 9, 10, 11])


def measure(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = MadeFilm(paint=jump_at(BEATS_S), duration_s=12.0, fps=24, sound=click_at(BEATS_S, 12.0))
    return made.write(tmp_path_factory.mktemp("film") / "film.mp4")


def test_words_report_and_drawing(film: Path, tmp_path: Path) -> None:
    beats = tmp_path / "beats.txt"
    beats.write_text("# seconds, place in the bar\n" + "".join(f"{t} 1\n" for t in BEATS_S) + "\n")
    report, plot = tmp_path / "report.json", tmp_path / "plot.png"
    result = measure(film, "--beats", beats, "--cuts", "4,7.5", "-o", report, "--plot", plot)
    assert result.exit_code == 0, result.output
    assert "12.0 s, 24 frames a second, 9 beats as listed" in result.stdout
    assert "beats met within 45 ms (F1): 100 %, by chance 7 %" in result.stdout
    assert "the picture is 0 ms late" in result.stdout
    assert "calm off the beat: 100.0 %, goal 97 %" in result.stdout
    assert "worst of 2 seams, at 4.00 s" in result.stdout
    assert "DANGEROUS" not in result.stdout
    figures = json.loads(report.read_text())
    assert figures["beats_s"] == BEATS_S.tolist()
    assert figures["synchrony"]["beat_hits"][0]["f1"]["measured"] == 1
    assert len(figures["calm"]["seams"]) == 2
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"beats.txt", "report.json", "plot.png"}


def test_a_dangerous_and_short_film_is_called_so(tmp_path: Path) -> None:
    strobing = MadeFilm(paint=strobe(5), duration_s=3.0, sound=np.zeros(132_300))
    plot = tmp_path / "plot.png"
    result = measure(strobing.write(tmp_path / "film.mp4"), "--plot", plot)
    assert result.exit_code == 0, result.output
    assert "DANGEROUS flashes, more than three in a second: at 0.0–3.0 s" in result.stdout
    assert "0 beats tracked" in result.stdout
    assert "shorter than 10 s" in result.stdout
    assert plot.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no beats"),
        ("# nothing\n\n", "holds no beats"),
        ("1.0\nzwei\n", "Line 2 of beats.txt begins with 'zwei'"),
        ("nan\n", "Line 1 of beats.txt"),
        ("1.0\n60.0\n", "The beat at 60 s lies outside of film.mp4"),
        ("-1.0\n", "The beat at -1 s lies outside"),
        ("\udcff\udcfe", "cannot be read"),
    ],
)
def test_bad_beats_are_one_sentence(film: Path, tmp_path: Path, text: str, sentence: str) -> None:
    beats = tmp_path / "beats.txt"
    beats.write_bytes(text.encode(errors="surrogateescape"))
    is_refused(measure(film, "--beats", beats, "-o", tmp_path / "report.json"), sentence)
    assert [path.name for path in tmp_path.iterdir()] == ["beats.txt"]


@pytest.mark.parametrize(
    ("cuts", "sentence"),
    [
        ("4,acht", "The cuts '4,acht' are no times"),
        ("", "are no times"),
        ("inf", "are no times"),
        ("4,40", "The cut at 40 s lies outside"),
        ("0", "The cut at 0 s lies outside"),
    ],
)
def test_bad_cuts_are_one_sentence(film: Path, tmp_path: Path, cuts: str, sentence: str) -> None:
    is_refused(measure(film, "--cuts", cuts, "-o", tmp_path / "report.json"), sentence)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("no file", "There is no film"),
        ("a folder", "There is no film"),
        ("text", "is not a film"),
        ("empty", "is not a film"),
        ("half", "is not a film, or is damaged"),
        ("a song", "no moving pictures"),
        ("silent", "has no sound track"),
        ("no beats", "cannot be read"),
        ("no folder", "There is no folder"),
        ("over the film", "would be overwritten"),
        ("a folder as result", "would be overwritten"),
        ("a long name", "name.json cannot be used"),
    ],
)
def test_a_mistake_is_one_sentence(film: Path, tmp_path: Path, case: str, sentence: str) -> None:
    given, report = tmp_path / "given.mp4", tmp_path / "report.json"
    give: dict[str, Callable[[], object]] = {
        "a folder": given.mkdir,
        "text": lambda: given.write_text("no film"),
        "empty": given.touch,
        "half": lambda: given.write_bytes(film.read_bytes()[: film.stat().st_size // 2]),
        "a song": lambda: soundfile.write(given, np.zeros(4_410), 44_100, format="WAV"),
        "silent": lambda: MadeFilm(paint=lambda _: 9.0, duration_s=0.5).write(given),
    }
    options: dict[str, list[str | Path]] = {
        "no beats": ["--beats", tmp_path / "beats.txt"],
        "no folder": ["-o", tmp_path / "nowhere" / "report.json"],
        "over the film": ["-o", film],
        "a folder as result": ["-o", tmp_path],
        "a long name": ["-o", tmp_path / f"{'long ' * 60}name.json"],
    }
    give.get(case, lambda: None)()
    measured = film if case in options else given
    before = film.read_bytes()
    result = measure(
        measured, "-o", report, "--plot", tmp_path / "plot.png", *options.get(case, [])
    )
    is_refused(result, sentence)
    assert {path.name for path in tmp_path.iterdir()} <= {"given.mp4"}
    assert film.read_bytes() == before


def test_what_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "report.json", write)
    assert not list(tmp_path.iterdir())


def is_refused(result: Result, sentence: str) -> None:
    """See that there is one sentence, and nothing else."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert lines[-1].startswith("Error: ")
    assert sentence in lines[-1]
    assert lines[-1].endswith(".")
    assert "Traceback" not in result.stderr
    assert len(lines) == 1
