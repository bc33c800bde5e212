"""Draw a sheet of what a theme makes of your own pictures, to see them before a film is made."""

from functools import partial
from pathlib import Path

import click
import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from film.disk import check_folder
from film.picture_files import read_picture
from film.planes import Size
from film.portraits import cover
from film.theme import load_theme
from keyframes.fitting import fit
from keyframes.latents import Portrait, gather
from keyframes.stills import Stills
from scripts.progress import show_progress
from spectro.errors import TonfilmError

CANVAS = Size(height=256, width=456)  # pixels: where films of 16:9 are painted
N_STEPS = 6  # of the walk
GAP = 8  # pixels between pictures
ENDINGS = (".png", ".jpg", ".jpeg")

File = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("pictures", metavar="PICTURE...", nargs=-1, required=True, type=File)
@click.option("--theme", default="abstract", show_default=True, help="Folder under models/.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Where the walk ends."
)
@click.option("-o", "--output", required=True, type=File, help="The sheet to write, PNG or JPEG.")
def main(pictures: tuple[Path, ...], theme: str, seed: int, output: Path) -> None:
    """Draw PICTUREs above, what the theme makes of them below, and a walk from the first one.

    The walk at the bottom ends at the still of --seed.
    """
    try:
        check_folder(output)
        if output.suffix.lower() not in ENDINGS:
            raise TonfilmError(f"{output.name} is no name for a sheet: let it end in .png or .jpg.")
        files = [read_picture(path) for path in pictures]
        stills = load_theme(theme).stills
        true, portraits = [cover(file.pixels, CANVAS) for file in files], []
        with show_progress() as progress:
            for file, picture in zip(files, true, strict=True):
                portraits.append(fit(stills, picture, partial(progress, f"Reading {file.name}")))
        draw_sheet(stills, torch.stack(true), portraits, seed).save(output)
    except (TonfilmError, OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def draw_sheet(stills: Stills, true: Tensor, portraits: list[Portrait], seed: int) -> Image.Image:
    """Draw pictures (B, 3, h, w) over their portraits, `N_STEPS` in a row, and a walk."""
    painted = [_paint(stills, [portrait], torch.zeros(1)) for portrait in portraits]
    walk = _paint(stills, [portraits[0], stills.style(seed)], torch.linspace(0, 1, N_STEPS))
    rows = []
    for pictures in (true, torch.cat(painted), walk):
        missing = -len(pictures) % N_STEPS
        rows.append(torch.cat([pictures, pictures.new_ones(missing, *pictures.shape[1:])]))
    grid: Tensor = make_grid(torch.cat(rows), nrow=N_STEPS, padding=GAP, pad_value=1.0)
    pixels = grid.mul(255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return Image.fromarray(pixels.numpy())


def _paint(stills: Stills, stops: list[Portrait | Tensor], positions: Tensor) -> Tensor:
    latents = gather(stops).at(positions)
    return stills.paint(latents.styles, CANVAS.height, CANVAS.width, latents.own).cpu()


if __name__ == "__main__":
    main()
