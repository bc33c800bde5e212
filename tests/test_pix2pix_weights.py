"""Weights are written whole, checked before they are parsed, and never unpickled."""

import os
import pickle
from pathlib import Path

import pytest
import torch

from pix2pix import weights


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, str]:
    path = tmp_path / "models" / "theme.safetensors"
    # A weight in the convolutions' favourite layout, which a file does not know.
    picture = torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    digest = weights.save(path, {"picture": picture, "n": torch.tensor(7)}, {"form": "small"})
    return path, digest


def test_what_is_saved_is_loaded(stored: tuple[Path, str]) -> None:
    path, digest = stored
    loaded = weights.load(path, digest)
    assert torch.equal(loaded.tensors["picture"], torch.arange(24.0).reshape(1, 2, 3, 4))
    assert loaded.tensors["n"].item() == 7
    assert loaded.metadata == {"form": "small"}
    assert loaded.sha256 == digest
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_other_bytes_are_refused_before_they_are_parsed(
    stored: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, digest = stored
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    def parse(content: bytes) -> None:
        pytest.fail("The file was parsed before its hash was checked.")

    monkeypatch.setattr("safetensors.torch.load", parse)
    with pytest.raises(weights.BrokenWeights, match="SHA-256 differs"):
        weights.load(path, digest)


@pytest.mark.parametrize("n_bytes", [0, 4, 40, -1])
def test_truncated_files_are_refused(stored: tuple[Path, str], n_bytes: int) -> None:
    path, _ = stored
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(weights.BrokenWeights, match="damaged"):
        weights.load(path, None)


class Trap:
    """Unpickling this makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_pickles_are_refused_and_do_not_run(tmp_path: Path) -> None:
    path = tmp_path / "theme.safetensors"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(weights.BrokenWeights, match="damaged"):
        weights.load(path, None)
    assert not (tmp_path / "sprung").exists()


@pytest.fixture(params=[True, False], ids=["zip", "before 1.6"])
def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file as `torch.save` writes it, or did before version 1.6."""
    path = tmp_path / "network.pth"
    held = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7)}
    torch.save(held, path, _use_new_zipfile_serialization=request.param)
    return path


def test_foreign_files_are_read(foreign: Path, stored: tuple[Path, str]) -> None:
    loaded = weights.load_foreign(foreign)
    assert torch.equal(loaded.tensors["a"], torch.arange(6.0).reshape(2, 3))
    assert loaded.tensors["b"].item() == 7
    path, digest = stored
    assert weights.load_foreign(path).sha256 == digest
    with pytest.raises(weights.BrokenWeights, match="damaged"):  # what ships is no pickle
        weights.load(foreign, None)


@pytest.mark.parametrize("is_zip", [True, False])
def test_foreign_files_do_not_run(tmp_path: Path, *, is_zip: bool) -> None:
    path = tmp_path / "network.pth"
    trap = {"a": torch.zeros(2), "b": Trap(tmp_path / "sprung")}
    torch.save(trap, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(weights.BrokenWeights, match="more than weights"):
        weights.load_foreign(path)
    assert not (tmp_path / "sprung").exists()
    torch.load(path, weights_only=False)  # noqa: TID251, the trap is one
    assert (tmp_path / "sprung").exists()


def test_damaged_foreign_files_are_refused(foreign: Path) -> None:
    content = foreign.read_bytes()
    for n_bytes in range(0, len(content), 7):
        foreign.write_bytes(content[:n_bytes])
        with pytest.raises(weights.BrokenWeights, match="damaged"):
            weights.load_foreign(foreign)


@pytest.mark.parametrize(
    "held",
    [[torch.zeros(2)], {"epoch": 3}, {"state": {"a": torch.zeros(2)}}, {3: torch.zeros(2)}],
)
def test_foreign_files_of_another_kind_are_refused(tmp_path: Path, held: object) -> None:
    torch.save(held, tmp_path / "network.pth")
    with pytest.raises(weights.BrokenWeights, match="state dict alone"):
        weights.load_foreign(tmp_path / "network.pth")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(weights.BrokenWeights, match="cannot be read"):
        weights.load(tmp_path / "none.safetensors", None)


def test_a_failed_save_leaves_the_old_file(stored: tuple[Path, str]) -> None:
    path, digest = stored
    shared = torch.zeros(4)
    with pytest.raises(RuntimeError):
        weights.save(path, {"a": shared, "b": shared}, {})
    assert weights.load(path, digest).metadata == {"form": "small"}
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
