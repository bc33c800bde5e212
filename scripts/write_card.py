"""Write the card of a theme from its weights and the runs that trained them."""

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

import click
import torch

from film.cards import CARD_NAME, models_folder
from film.theme import PAINTER_FILE, STILLS_FILE

RUNS = Path("runs")


@click.command()
@click.argument("name")
@click.option("--title", required=True, help="What the page calls the theme.")
@click.option("--description", required=True, help="What is to be seen, in a few words.")
@click.option("--data", required=True, help="What the networks learnt from.")
def main(name: str, title: str, description: str, data: str) -> None:
    """Write models/NAME/card.json, without figures: scripts/figures.py adds them.

    Runs are looked for in runs/NAME and runs/NAME-keyframes; of a network whose run is not there,
    the card goes on saying what it said.
    """
    folder = models_folder() / name
    try:
        card = {
            "title": title,
            "description": description,
            "data": data,
            "weights": {file: _digest(folder / file) for file in (PAINTER_FILE, STILLS_FILE)},
            "training": {
                **_read_training(folder / CARD_NAME),
                **{
                    network: describe_run(run)
                    for network, run in (
                        ("pix2pix", RUNS / name),
                        ("keyframes", RUNS / f"{name}-keyframes"),
                    )
                    if (run / "plan.json").exists()
                },
            },
        }
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        (folder / CARD_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"{folder / CARD_NAME}; now run: python scripts/figures.py {name}")


def _read_training(card: Path) -> dict[str, Any]:
    """Return what a card says of how its networks were trained; nothing where there is none."""
    training: dict[str, Any] = json.loads(card.read_text())["training"] if card.exists() else {}
    return training


def describe_run(folder: Path) -> dict[str, Any]:
    """Say how long a run took, by what plan, and with what losses it ended."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    last: dict[str, Any] = {}
    for line in lines:
        last |= line
    steps, seconds = last.pop("step"), last.pop("elapsed_s")
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "steps": steps,
        "minutes": round(seconds / 60, 1),
        "last_losses": {name: round(loss, 4) for name, loss in last.items()},
        "plan": json.loads((folder / "plan.json").read_text()),
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _processor() -> str:
    """Name the processor, as far as the system tells."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
