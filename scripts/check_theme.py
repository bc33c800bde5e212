"""Check a theme: figures on what it never learnt, sheets to look at, and its card."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from film.cards import CARD_NAME, theme_folder
from film.process import settle_process
from spectro.errors import TonfilmError


@click.command()
@click.argument("name")
@click.option(
    "--n-pictures",
    type=click.IntRange(16),
    default=2_048,
    show_default=True,
    help="Stills compared with as many held-out pictures.",
)
@click.option(
    "--sheets",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the contact sheets; runs/NAME/sheets without it.",
)
def main(name: str, n_pictures: int, sheets: Path | None) -> None:
    """Check the theme NAME: print its figures, write them into its card, and draw sheets."""
    settle_process()
    # Torch takes seconds to load: not for --help.
    from pix2pix.weights import BrokenWeights  # noqa: PLC0415
    from themes.checking import check_theme  # noqa: PLC0415
    from themes.plan import RUNS  # noqa: PLC0415

    folder = sheets or RUNS / name / "sheets"
    try:
        with Console(stderr=True).status("Measuring …"):
            figures = check_theme(name, n_pictures, folder, click.echo, lambda _done, _n: None)
    except (TonfilmError, BrokenWeights, OSError) as error:
        raise click.UsageError(str(error)) from error
    Console().print(draw_table(name, figures))
    card = theme_folder(name) / CARD_NAME
    click.echo(f"All figures: {card}. Sheets to look at: {folder}")


def draw_table(name: str, figures: dict[str, Any]) -> Table:
    """Lay the figures that tell most in a table, with what they should be."""
    frames, stills, networks = (figures[part] for part in ("frames", "stills", "networks"))
    ratios = stills["sliced_wasserstein_over_that_of_training"]["stills"]
    beside = ("mean_training_frame", "frame_of_nearest_training_spectrogram")
    table = Table("figure", "measured", "wanted", title=name)
    table.add_row(
        "stills: distance to held-out pictures, fine to coarse",
        " ".join(f"{ratio:.1f}" for ratio in ratios.values()),
        "finest up to 6, coarse up to 2",
    )
    for key, wanted in (("l1", "below"), ("psnr_db", "above"), ("ssim", "above")):
        others = " and ".join(f"{frames[which][key]:.3f}" for which in beside)
        table.add_row(f"frames: {key}", f"{frames['painted'][key]:.3f}", f"{wanted} {others}")
    hits = frames["hits"]
    table.add_row(
        f"frames: right one of {hits['n_frames']} found first, among ten",
        f"{hits['top_1']:.0%}, {hits['top_10']:.0%}",
        "among ten: 50% or more",
    )
    if "hits_without_mean_colour" in frames:
        colourless = frames["hits_without_mean_colour"]
        table.add_row("the same without the mean colour", f"{colourless['top_10']:.0%}", "over 10%")
        right, wrong = frames["l1_right_song"], frames["l1_wrong_song"]
        table.add_row(
            "frames: L1 with the right song", f"{right:.3f}", f"below {wrong:.3f} (wrong song)"
        )
    stripes = frames["stripes"]
    table.add_row(
        "frames: stripes, columns and rows",
        f"{stripes['columns']:.2f}, {stripes['rows']:.2f}",
        "about 0",
    )
    table.add_row("frames: temporal ratio", f"{frames['temporal_ratio']:.2f}", "0.8 to 1.2")
    for network in ("pix2pix", "keyframes"):
        cost = networks[network]
        table.add_row(
            f"{network}: GFLOP a frame, frames a second",
            f"{cost['gigaflop_a_frame']:.2f}, {cost['frames_a_second']:.0f}",
            f"with {networks['n_threads']} threads",
        )
    return table


if __name__ == "__main__":
    main()
