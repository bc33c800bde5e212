"""Arrows between rooms point one way, and pages stay free of torch: see docs/decisions/0001."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

MAY_IMPORT = {
    "spectro": set(),
    "pix2pix": set(),
    "keyframes": {"pix2pix"},
    "film": {"pix2pix", "keyframes", "spectro"},
    "webapp": {"film", "spectro", "measures"},
    "training_data": {"spectro"},
    "hearing": {"spectro", "training_data"},
    "measures": set(),
    "themes": {"pix2pix", "keyframes", "film", "spectro", "training_data", "measures"},
}
SCRIPTS = {"scripts", "bench"}  # may import every room, and no room imports them
ROOMS = MAY_IMPORT.keys() | SCRIPTS
# What a room would grow heavy by, or tied to.
TORCH = {"torch", "torchvision", "kornia", "lightning_fabric", "safetensors"}
MAY_NOT_LOAD = {
    "spectro": TORCH | {"av", "flask", "celery"},
    "measures": TORCH | {"flask", "celery"},
    "pix2pix": {"av", "flask", "celery", "librosa"},
    "keyframes": {"av", "flask", "celery", "librosa"},
    "film": {"flask", "celery", "lightning_fabric"},
}


def imported(path: Path) -> set[str]:
    """Read which top-level packages a file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import rooms by their full names"
            found.add((node.module or "").split(".")[0])
    return found


def wrong_arrows(root: Path) -> list[str]:
    """List the imports that point against the table."""
    wrong = []
    for room, allowed in MAY_IMPORT.items():
        forbidden = (ROOMS - allowed - {room}) | MAY_NOT_LOAD.get(room, set())
        for path in sorted((root / room).rglob("*.py")):
            wrong += [f"{path.name} imports {name}" for name in imported(path) & forbidden]
    return wrong


def test_arrows_point_down() -> None:
    assert not wrong_arrows(ROOT)


def test_a_wrong_arrow_is_seen(tmp_path: Path) -> None:
    (tmp_path / "spectro").mkdir()
    (tmp_path / "spectro" / "bad.py").write_text("def f():\n    from film import recipe\n")
    (tmp_path / "measures").mkdir()
    (tmp_path / "measures" / "bad.py").write_text("import torch.nn\n")
    assert wrong_arrows(tmp_path) == ["bad.py imports film", "bad.py imports torch"]


def test_every_package_is_a_known_room() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} <= ROOMS


@pytest.mark.parametrize("module", ["wsgi", "spectro.score", "spectro.features"])
def test_no_torch_is_loaded(module: str, tmp_path: Path) -> None:
    """The web process would weigh half a gigabyte more."""
    code = f"import sys, {module}; print(*sorted({{'torch', 'kornia', 'av'}} & set(sys.modules)))"
    loaded = run_python(code, tmp_path)
    assert loaded == ""


def test_pages_start_without_the_slow_sound_libraries(tmp_path: Path) -> None:
    slow = {"librosa", "numba", "sklearn", "mir_eval", "measures"}
    code = f"import sys, wsgi; print(*sorted({slow} & set(sys.modules)))"
    assert run_python(code, tmp_path) == ""


def run_python(code: str, instance: Path) -> str:
    """Run some code in a process of its own."""
    environment = {**os.environ, "TONFILM_INSTANCE": str(instance)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()
