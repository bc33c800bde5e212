"""The training command: a run, its resume, its export, and its sentences for mistakes."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from pair_files import write_pairs

from pix2pix import weights
from pix2pix.painter import load_network
from scripts.train_pix2pix import main

SMALL = ["--width", "2", "--judge-width", "2", "--batch", "2", "--accelerator", "cpu"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of four pairs, seen from a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    write_pairs(tmp_path / "pairs", {"song.mp4": 4})
    return tmp_path / "pairs"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*SMALL, *arguments])


def test_trains_resumes_and_exports(folder: Path, tmp_path: Path) -> None:
    begun = run("mine", "--pairs", str(folder), "--steps", "1")
    assert begun.exit_code == 0, begun.output
    export = tmp_path / "models" / "pix2pix.safetensors"
    rest = ["--pairs", str(folder), "--steps", "2", "--resume", "--export", str(export)]
    resumed = run("mine", *rest)
    assert resumed.exit_code == 0, resumed.output
    lines = (tmp_path / "runs" / "mine" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    digest = resumed.output.split()[-2]
    assert load_network(weights.load(export, digest)).config.width == 2


def test_begins_with_a_network_that_was_trained(folder: Path, tmp_path: Path) -> None:
    export = tmp_path / "first.safetensors"
    run("first", "--pairs", str(folder), "--steps", "1", "--export", str(export))
    again = tmp_path / "again.safetensors"
    begun = ["--pairs", str(folder), "--steps", "1", "--rate", "1e-9", "--settle-from", "0"]
    result = run("again", *begun, "--begin-with", str(export), "--export", str(again))
    assert result.exit_code == 0, result.output
    one, other = (load_network(weights.load(path, None)).state_dict() for path in (export, again))
    for name, tensor in one.items():
        torch.testing.assert_close(other[name], tensor, atol=1e-3, rtol=1e-3)
    wider = run("wider", *begun, "--begin-with", str(export), "--skips", "4")
    assert wider.exit_code == 2
    assert "another form" in wider.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--steps", "1"], "either --made THEME or --pairs FOLDER"),
        (["--made", "nowhere", "--steps", "1"], "nowhere"),
        (["--pairs", "pairs"], "minutes or the steps"),
        (["--pairs", "pairs", "--steps", "0"], "steps"),
        (["--pairs", "pairs", "--steps", "1", "--skips", "9"], "n_skips"),
        (["--pairs", "pairs", "--steps", "1", "--resume"], "plan.json"),
    ],
)
def test_mistakes_have_a_sentence(folder: Path, arguments: list[str], sentence: str) -> None:
    result = run("mine", *arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_a_run_is_resumed_as_it_was_begun(folder: Path) -> None:
    run("mine", "--pairs", str(folder), "--steps", "1")
    again = run("mine", "--pairs", str(folder), "--steps", "1")
    assert again.exit_code == 2
    assert "resume it or choose another name" in again.output.replace("\n", " ")
    other = run("mine", "--pairs", str(folder), "--steps", "2", "--resume", "--seed", "3")
    assert other.exit_code == 2
    assert "--seed 0" in other.output
