"""Draw a sheet of a theme's stills, each with its seed, to choose keyframes from."""

from pathlib import Path

import click
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torchvision.utils import make_grid

from film.theme import load_theme
from keyframes.stills import Stills, paint_all
from spectro.errors import TonfilmError

SIDE = 256  # pixels of a still: the size at which stills are learnt
N_COLUMNS = 6
GAP = 8  # pixels between stills
LABEL_HEIGHT = 22  # pixels, of the seed's figures


@click.command()
@click.option("--theme", default="abstract", show_default=True, help="Folder under models/.")
@click.option("--n", type=click.IntRange(1, 600), default=24, show_default=True, help="Stills.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the first still."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The sheet to write, PNG or JPEG.",
)
def main(theme: str, n: int, seed: int, output: Path) -> None:
    """Draw the stills of the seeds SEED to SEED + N − 1."""
    try:
        sheet = draw_sheet(load_theme(theme).stills, range(seed, seed + n))
        sheet.save(output)
    except (TonfilmError, OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def draw_sheet(stills: Stills, seeds: range) -> Image.Image:
    """Paint the stills of some seeds and put each seed's number in its corner."""
    pictures = paint_all(stills, torch.stack([stills.style(seed) for seed in seeds]), SIDE, SIDE)
    n_columns = min(N_COLUMNS, len(seeds))
    grid: Tensor = make_grid(pictures, nrow=n_columns, padding=GAP, pad_value=1.0)
    pixels = grid.mul(255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    sheet = Image.fromarray(pixels.numpy())
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(LABEL_HEIGHT)
    for place, seed in enumerate(seeds):
        left = GAP + place % n_columns * (SIDE + GAP) + 6
        top = GAP + place // n_columns * (SIDE + GAP) + SIDE - LABEL_HEIGHT - 14
        box = draw.textbbox((left + 7, top + 3), str(seed), font=font)
        # Dark figures on a light ground: legible on any picture.
        ground = (left, top, box[2] + 7, top + LABEL_HEIGHT + 8)
        draw.rounded_rectangle(ground, radius=7, fill=(250, 250, 248))
        draw.text((left + 7, top + 3), str(seed), font=font, fill=(24, 24, 28))
    return sheet


if __name__ == "__main__":
    main()
