"""The command that listens: curves, drawing, words, one sentence for a mistake."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from spectro_sounds import RATE, band, strike

from scripts.analyse import main
from spectro.features import load_features


def analyse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, strike(np.arange(0.25, 9.5, 0.5), 10.0) + 0.1 * band(10.0), RATE)
    return path


def test_curves_and_drawing_are_written(song: Path, tmp_path: Path) -> None:
    curves, plot = tmp_path / "curves.npz", tmp_path / "curves.png"
    result = analyse(song, "-o", curves, "--plot", plot)
    assert result.exit_code == 0, result.output
    features = load_features(curves)
    assert features.timeline.n_frames == 240
    assert features.tempo_bpm == pytest.approx(120, rel=0.01)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "120.0 beats a minute" in result.stdout
    assert "0:10.0" in result.stdout
    assert "Listening" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"song.wav", "curves.npz", "curves.png"}


def test_words_alone(song: Path, tmp_path: Path) -> None:
    assert analyse(song).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_silence_and_a_truncated_file_are_described(song: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    assert "No beats found." in analyse(tmp_path / "silence.wav").stdout
    song.write_bytes(song.read_bytes()[:200_000])
    assert "promised 10.0 s" in analyse(song).stdout


@pytest.mark.parametrize("case", ["no file", "no WAV", "no folder for the output"])
def test_a_mistake_is_one_sentence(song: Path, tmp_path: Path, case: str) -> None:
    arguments = {
        "no file": [tmp_path / "other.wav"],
        "no WAV": [Path(__file__)],
        "no folder for the output": [song, "-o", tmp_path / "nowhere" / "curves.npz"],
    }[case]
    result = analyse(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert "Traceback" not in result.stderr


def test_it_runs_as_the_issue_says(song: Path) -> None:
    script = Path(__file__).resolve().parents[1] / "scripts" / "analyse.py"
    done = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True
    )
    for word in ("SONG", "-o", "--plot"):
        assert word in done.stdout
