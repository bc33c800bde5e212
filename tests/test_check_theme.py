"""The figures of a theme, taken by the command and written into its card."""

import json
from pathlib import Path

import av
import pytest
import small_training
from click.testing import CliRunner, Result
from music_videos import MusicVideo
from PIL import Image

import themes.checking
from scripts import check_theme, train_theme
from spectro.audio import ANALYSIS_RATE

SMALL = ("--steps", "1", "--width", "2", "--accelerator", "cpu")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Shrink everything, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TONFILM_MODELS", str(tmp_path / "models"))
    small_training.shrink(monkeypatch.setattr)
    monkeypatch.setattr(themes.checking, "N_SONGS", 2)
    monkeypatch.setattr(themes.checking, "N_RUNNING", 4)


def run(command: object, *options: str) -> Result:
    return CliRunner().invoke(command.main, options, catch_exceptions=False)


def read_card(name: str) -> dict:
    return json.loads((Path("models") / name / "card.json").read_text())


@pytest.mark.slow
def test_figures_are_written_into_the_card_and_sheets_are_drawn() -> None:
    assert run(train_theme, "mine", "--made", "abstract", *SMALL).exit_code == 0
    before = read_card("mine")
    Path("runs").rename("elsewhere")  # a theme of a maker is measured without its run, too
    result = run(check_theme, "mine", "--n-pictures", "16", "--sheets", "sheets")
    assert result.exit_code == 0, result.output
    card = read_card("mine")
    assert {name: card[name] for name in before} == before
    frames, stills = card["figures"]["frames"], card["figures"]["stills"]
    # Untrained networks: the mean frame is nearer than theirs, and nothing is found.
    assert frames["mean_training_frame"]["l1"] < frames["painted"]["l1"]
    assert frames["hits"]["n_frames"] == 8
    assert frames["l1_right_song"] > 0
    ratios = stills["sliced_wasserstein_over_that_of_training"]
    assert set(ratios) == {"training", "stills", "Gaussian"}
    assert all(ratio == 1 for ratio in ratios["training"].values())
    # Sixteen pictures are few, but untrained colours are far off, and so is noise.
    assert min(ratios["stills"]["16"], ratios["Gaussian"]["256"]) > 1
    assert stills["memorising"]["nearest_smallest"] > 0
    for network in ("pix2pix", "keyframes"):
        cost = card["figures"]["networks"][network]
        assert cost["gigaflop_a_frame"] > 0
        assert cost["frames_a_second"] > 0
    assert "temporal ratio" in result.output
    for sheet in ("frames.jpg", "nearest.jpg", "stills.jpg"):
        with Image.open(Path("sheets") / sheet) as picture:
            assert picture.width > 1_000


@pytest.mark.slow
def test_a_theme_of_music_videos_is_trained_measured_and_shown() -> None:
    for number in range(2):
        MusicVideo(duration_s=6.0).write(Path(f"videos/{number}.mp4"))
    MusicVideo(sound_s=0).write(Path("videos/silent.mp4"))
    ripping = ("--from-s", "0", "--to-s", "6", "--every-n-frames", "3", "--preview-s", "2")
    result = run(train_theme, "seen", "--videos", "videos", *ripping, *SMALL)
    assert result.exit_code == 0, result.output
    assert "silent.mp4 was skipped" in result.output
    checked = run(check_theme, "seen", "--n-pictures", "16")
    assert checked.exit_code == 0, checked.output
    assert read_card("seen")["figures"]["frames"]["hits"]["n_frames"] == 4
    with av.open("runs/seen/sheets/preview.mp4") as film:
        picture, sound = film.streams.video[0], film.streams.audio[0]
        assert (picture.width, picture.height) == (512, 256)
        assert picture.average_rate == 10
        assert sound.rate == ANALYSIS_RATE
        assert sum(1 for _ in film.decode(picture)) == 20
    Path("runs").rename("elsewhere")
    gone = run(check_theme, "seen")
    assert gone.exit_code == 2
    assert "was not trained here" in " ".join(gone.output.split())


def test_an_unknown_theme_is_one_sentence() -> None:
    result = run(check_theme, "seascape")
    assert result.exit_code == 2
    assert "There is no theme 'seascape'" in result.output
