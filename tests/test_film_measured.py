"""A finished film is measured, on the command line; whatever goes wrong there, it is kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import WriteWav, clicks
from film_files import decode_frames
from test_render import SMALL, run

from film.measured import NOT_MEASURED
from film.report import Report

pytestmark = pytest.mark.usefixtures("tiny_theme")

FAST = [*SMALL, "--fps", "12", "--report", "report.json"]


def read_report(folder: Path) -> Report:
    return Report.model_validate_json((folder / "report.json").read_text())


def break_measures(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make measuring end in the middle of the film."""

    def fail(*_: object) -> Any:
        raise error

    monkeypatch.setattr("measures.report.watch", fail)


def test_words_and_figures_of_a_film(
    tmp_path: Path, write_wav: WriteWav, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    song = write_wav(clicks(11.0))
    pulse = ["--preset", "pulse", "--level", "1"]
    assert run(monkeypatch, tmp_path, song, "-o", "f.mp4", *FAST, *pulse) == 0
    said = capfd.readouterr()
    assert "Measuring" in said.err
    measured = read_report(tmp_path).measured
    assert measured is not None
    met, by_chance = measured.figures["beats_met"], measured.figures["by_chance"]
    assert met is not None
    assert by_chance is not None
    first, *others = measured.sentences
    assert first == f"Beats met: {100 * met:.0f} %, by chance {100 * by_chance:.0f} %."
    assert len(others) == 1
    assert all(sentence in said.out.splitlines() for sentence in measured.sentences)
    assert abs(int(measured.figures["n_beats"] or 0) - 22) <= 2
    assert measured.figures["are_flashes_safe"] is True
    assert '"are_flashes_safe": true' in (tmp_path / "report.json").read_text()
    assert measured.seconds > 0


@pytest.mark.parametrize("arguments", [["--duration", "0.08"], ["--fps", "1", "--duration", "1"]])
def test_one_frame_is_measured_too(
    tmp_path: Path, write_wav: WriteWav, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    song = write_wav(clicks(2.0))
    assert run(monkeypatch, tmp_path, song, "-o", "f.mp4", *FAST, *arguments) == 0
    assert len(decode_frames(tmp_path / "f.mp4")) == 1
    assert read_report(tmp_path).measured is not None


@pytest.mark.parametrize("error", [RuntimeError("It broke."), KeyboardInterrupt()])
def test_a_film_that_is_not_measured_is_kept(
    tmp_path: Path,
    write_wav: WriteWav,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    song = write_wav(clicks(0.5))
    break_measures(monkeypatch, error)
    assert run(monkeypatch, tmp_path, song, "-o", "f.mp4", *FAST) == 0
    assert NOT_MEASURED in capfd.readouterr().out.splitlines()
    assert len(decode_frames(tmp_path / "f.mp4")) == 6
    report = read_report(tmp_path)
    assert report.measured is None
    assert report.notes[-1] == NOT_MEASURED


def test_why_a_film_is_not_measured_is_logged(
    tmp_path: Path,
    write_wav: WriteWav,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    song = write_wav(clicks(0.5))
    break_measures(monkeypatch, RuntimeError("It broke."))
    assert run(monkeypatch, tmp_path, song, "-o", "f.mp4", *FAST) == 0
    assert "f.mp4 was not measured" in caplog.text
    assert "RuntimeError: It broke." in caplog.text


def test_a_report_from_before_there_were_measures_is_read(
    tmp_path: Path, write_wav: WriteWav, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = write_wav(clicks(0.5))
    assert run(monkeypatch, tmp_path, song, "-o", "f.mp4", *FAST) == 0
    values = json.loads((tmp_path / "report.json").read_text())
    del values["measured"]
    assert Report.model_validate(values).measured is None
