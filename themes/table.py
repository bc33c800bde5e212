"""The figures of the shipped themes as the table of the README: `python -m themes.table`."""

from typing import Any

import click

from film.cards import CARD_NAME, list_themes, theme_folder
from themes.frames_figures import BASELINES
from themes.install import read_card_file

HEADS = (
    "theme",
    "stills, fine to coarse",
    "L1",
    "PSNR, dB",
    "SSIM",
    "right one of 100 in ten",
    "by forms alone",
    "wrong song",
    "temporal ratio",
    "stripes",
    "MB",
    "GFLOP a frame",
    "frames a second",
)


def draw() -> str:
    """Return the table in Markdown, a row for each theme that ships."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + " --- |" * len(HEADS)]
    for name in list_themes():
        figures = read_card_file(theme_folder(name) / CARD_NAME)["figures"]
        lines.append(f"| *{name}* | " + " | ".join(_cells(figures)) + " |")
    return "\n".join(lines)


def _cells(figures: dict[str, Any]) -> list[str]:
    frames, stills, networks = (figures[part] for part in ("frames", "stills", "networks"))
    ratios = stills["sliced_wasserstein_over_that_of_training"]["stills"].values()
    beside = [frames["painted"], *(frames[which] for which in BASELINES)]
    costs = [networks[network] for network in ("pix2pix", "keyframes")]
    return [
        " ".join(f"{ratio:.1f}" for ratio in ratios),
        " / ".join(f"{of['l1']:.3f}" for of in beside),
        " / ".join(f"{of['psnr_db']:.1f}" for of in beside),
        " / ".join(f"{of['ssim']:.2f}" for of in beside),
        f"{frames['hits']['top_10']:.0%}",
        f"{frames['hits_without_mean_colour']['top_10']:.0%}",
        f"{frames['l1_wrong_song'] / frames['l1_right_song']:.1f}×",
        f"{frames['temporal_ratio']:.2f}",
        # Plus zero, so that nothing is "-0.00".
        ", ".join(f"{round(frames['stripes'][side], 2) + 0.0:.2f}" for side in ("columns", "rows")),
        f"{sum(networks['megabytes'].values()):.0f}",
        " + ".join(f"{cost['gigaflop_a_frame']:.1f}" for cost in costs),
        " / ".join(f"{cost['frames_a_second']:.0f}" for cost in costs),
    ]


if __name__ == "__main__":
    click.echo(draw())
