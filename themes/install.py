"""Put what was trained where films are made from: a folder with weights and a card."""

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from film.cards import BASE, CARD_NAME, models_folder
from film.theme import PAINTER_FILE, STILLS_FILE
from keyframes.gan_training import GanTraining
from pix2pix import weights
from pix2pix.loop import Training
from pix2pix.run import Run
from spectro.errors import TonfilmError
from themes.plan import Plan, Stage

CRITICS_FILE: Final = "critics.safetensors"
FILES: Final[Mapping[Stage, str]] = {"keyframes": STILLS_FILE, "pix2pix": PAINTER_FILE}
DESCRIPTIONS: Final = {
    "abstract": "Flowing shapes, light and colour.",
    "cityscape": "Skylines and streets, lit windows and neon.",
    "landscape": "Mountains, lakes and skies, from dawn to starlight.",
}


def check_free(plan: Plan) -> None:
    """See to it that no other theme has the plan's name.

    Raises
    ------
    TonfilmError
        Another theme of that name is installed.
    """
    path = models_folder() / plan.name / CARD_NAME
    if path.exists() and read_card_file(path).get("training", {}).get("begun") != plan.begun:
        raise TonfilmError(
            f"There is a theme {plan.name!r} already, in {path.parent}: choose another name."
        )


def install(plan: Plan, folder: Path) -> None:
    """Write a run's best networks and their card into a folder."""
    _write(plan, {stage: Run(plan.folder / stage).best for stage in FILES}, folder)


def install_base(plan: Plan, training: GanTraining) -> None:
    """Write the stills that new themes start from, and the critics that taught them."""
    folder = models_folder() / BASE
    _copy(Run(plan.folder / "keyframes").best, folder / STILLS_FILE)
    training.export_critics(folder / CRITICS_FILE)
    described = {"keyframes": describe_run(Run(plan.folder / "keyframes"))}
    write_card(
        folder / CARD_NAME, _begin_card(plan, folder, (STILLS_FILE, CRITICS_FILE), described)
    )


def save_snapshot(plan: Plan, training: Training, n_epochs: int) -> None:
    """Keep pix2pix as it is now beside the run's stills: a theme that films can be made with."""
    folder = plan.folder / "snapshots" / f"epoch-{n_epochs:04d}"
    training.export(folder / PAINTER_FILE)
    best: dict[Stage, Path] = {
        "keyframes": Run(plan.folder / "keyframes").best,
        "pix2pix": folder / PAINTER_FILE,
    }
    _write(plan, best, folder)


def _write(plan: Plan, networks: Mapping[Stage, Path], folder: Path) -> None:
    for stage, path in networks.items():
        if path != folder / FILES[stage]:
            _copy(path, folder / FILES[stage])
    write_card(folder / CARD_NAME, build_card(plan, folder))


def _copy(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.copyfile(source, partial)
    partial.replace(target)


def build_card(plan: Plan, folder: Path) -> dict[str, Any]:
    """Describe a run's theme, whose weights lie in a folder."""
    described: dict[str, Any] = {stage: describe_run(Run(plan.folder / stage)) for stage in FILES}
    return _begin_card(plan, folder, tuple(FILES.values()), described)


def _begin_card(
    plan: Plan, folder: Path, files: Sequence[str], described: Mapping[str, Any]
) -> dict[str, Any]:
    # Without paths: cards travel.
    told = plan.model_dump_json(exclude={"name", "pictures", "videos", "begin_with"})
    return {
        "title": plan.name.replace("-", " ").replace("_", " ").capitalize(),
        "description": _description(plan),
        "data": _data(plan),
        "weights": {file: weights.load(folder / file, None).sha256 for file in files},
        "training": {**json.loads(told), **described},
    }


def _description(plan: Plan) -> str:
    if len(plan.made) == 1:
        return DESCRIPTIONS[plan.made[0]]
    return "Networks that new themes start from." if plan.made else "A theme of your own."


def _data(plan: Plan) -> str:
    """Say what was learnt from, without a path: cards travel."""
    if plan.made:
        return "Songs, frames and pictures that the project makes itself (training_data/)."
    return "A folder of pictures." if plan.pictures else "A folder of music videos."


def describe_run(run: Run) -> dict[str, Any]:
    """Say how long a run took, on what, and with what losses it ended."""
    last: dict[str, Any] = {}
    for line in (run.folder / "log.jsonl").read_text().splitlines():
        last |= json.loads(line)
    steps, seconds = last.pop("step"), last.pop("elapsed_s")
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "steps": steps,
        "minutes": round(seconds / 60, 1),
        "last_losses": {name: round(loss, 4) for name, loss in last.items()},
    }


def read_card_file(path: Path) -> dict[str, Any]:
    """Read a card as it stands, with what is for readers."""
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return card


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Replace a card, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _processor() -> str:
    """Name the processor, as far as the system tells."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
