"""Measure a theme's networks on songs and pictures they never learnt, and write it in its card."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.utils import make_grid, save_image

from film.cards import CARD_NAME, theme_folder
from film.theme import Theme, load_theme
from keyframes.stills import paint_all
from measures import pairs as pair_measures
from measures import pictures as picture_measures
from pix2pix import weights
from spectro.errors import TonfilmError
from training_data.excerpts import make_excerpts
from training_data.pairs import HELD_OUT_SEED, MadePairs, made_pairs
from training_data.picture_arrays import MADE, Shape, cache

RUNS, CACHE = Path("runs"), Path(".cache")
SIDE = 256  # pixels, the size at which the networks learn
N_TRAINING_PICTURES = 12_000  # as train_keyframes makes by default
N_AT_ONCE = 16
N_SONGS, N_WINDOWS = 10, 10  # 100 frames to find, of ten songs
N_RUNNING = 48  # frames in a row of each song: 2 s

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Library:
    """Pictures that stand for the theme, (n, 3, 256, 256) uint8."""

    training: Bytes
    held_out: Bytes


@click.command()
@click.argument("theme")
@click.option(
    "--n-pictures",
    type=click.IntRange(16, N_TRAINING_PICTURES),
    default=2_048,
    show_default=True,
    help="Pictures a side.",
)
@click.option(
    "--sheets",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the contact sheets; none are drawn without it.",
)
def main(theme: str, n_pictures: int, sheets: Path | None) -> None:
    """Measure THEME, print the figures, and write them into its card."""
    try:
        figures = measure(theme, n_pictures, sheets)
        write_figures(theme_folder(theme) / CARD_NAME, figures)
    except (TonfilmError, weights.BrokenWeights, OSError) as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(figures, indent=2))


def measure(name: str, n_pictures: int, sheets: Path | None) -> dict[str, Any]:
    """Take all figures of a theme; draw sheets where a folder for them is given."""
    theme = load_theme(name)
    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
    with torch.inference_mode():
        figures = {
            "frames": measure_frames(name, theme, n_pictures, sheets),
            "stills": measure_stills(name, theme, n_pictures, sheets),
        }
    rounded: dict[str, Any] = json.loads(
        json.dumps(figures), parse_float=lambda text: round(float(text), 4)
    )
    return rounded


def write_figures(path: Path, figures: dict[str, Any]) -> None:
    """Put figures into a card; the rest of it stays."""
    card = json.loads(path.read_text())
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({**card, "figures": figures}, indent=2, ensure_ascii=False))
    partial.replace(path)


def _report(label: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        click.echo(f"\r{label} {done} of {total}", nl=done == total, err=True)

    return tell


# Stills: pictures of the GAN beside held-out ones.


def measure_stills(name: str, theme: Theme, n: int, sheets: Path | None) -> dict[str, Any]:
    """Compare the stills with held-out pictures, and look for copies of training pictures."""
    training_folder, held_out_folder = RUNS / f"{name}-keyframes" / "pictures", CACHE / "held-out"
    squares = Shape(n=N_TRAINING_PICTURES, height=SIDE, width=SIDE)
    library = Library(
        training=cache(training_folder, squares, MADE[name], 0, _report("training pictures")),
        held_out=cache(
            held_out_folder / name,
            Shape(n=n, height=SIDE, width=SIDE),
            MADE[name],
            HELD_OUT_SEED,
            _report("held-out pictures"),
        ),
    )
    stills = np.concatenate(list(_paint_stills(theme, n)))
    sets: dict[str, Callable[[], Iterator[Floats | Bytes]]] = {
        "training": lambda: _split(library.training[:n]),
        "stills": lambda: _split(stills),
        "Gaussian": lambda: _split(picture_measures.draw_gaussian(library.training[:n], seed=0)),
    }
    judge = picture_measures.Judge(_split(library.held_out))
    verdicts = {label: judge.compare(batches()) for label, batches in sets.items()}
    floor = verdicts["training"].sliced_wasserstein
    return {
        "n_pictures": n,
        "sliced_wasserstein": {
            label: verdict.sliced_wasserstein for label, verdict in verdicts.items()
        },
        "sliced_wasserstein_over_that_of_training": {
            label: {
                side: distance / floor[side]
                for side, distance in verdict.sliced_wasserstein.items()
            }
            for label, verdict in verdicts.items()
        },
        "coarsest_patches": {
            label: asdict(verdict.coarsest) for label, verdict in verdicts.items()
        },
        "memorising": _measure_memorising(stills, library, sheets),
    }


def _split(pictures: Bytes) -> Iterator[Bytes]:
    for start in range(0, len(pictures), N_AT_ONCE):
        yield pictures[start : start + N_AT_ONCE]


def _to_bytes(pictures: Tensor) -> Bytes:
    return pictures.clamp(0, 1).mul(255).round().to(torch.uint8).cpu().numpy()


def _paint_stills(theme: Theme, n: int) -> Iterator[Bytes]:
    tell = _report("stills")
    for start in range(0, n, N_AT_ONCE):
        seeds = range(start, min(n, start + N_AT_ONCE))
        styles = torch.stack([theme.stills.style(seed) for seed in seeds])
        yield _to_bytes(paint_all(theme.stills, styles, SIDE, SIDE))
        tell(seeds.stop, n)


def _measure_memorising(stills: Bytes, library: Library, sheets: Path | None) -> dict[str, float]:
    """Compare the stills' nearest training pictures with those of held-out pictures."""
    shelves = np.concatenate([picture_measures.shrink(b) for b in _split(library.training)])
    made, held_out = (
        picture_measures.find_nearest(
            np.concatenate([picture_measures.shrink(batch) for batch in _split(pictures)]), shelves
        )
        for pictures in (stills, library.held_out)
    )
    if sheets is not None:
        closest = np.argsort(made.distances)[:8]  # the most suspicious ones first
        order = np.concatenate([closest, np.arange(8)])
        twins = np.concatenate([library.training[i : i + 1] for i in made.indices[order]])
        rows = [stills[order[:8]], twins[:8], stills[order[8:]], twins[8:]]
        _save_sheet(sheets / "nearest.jpg", picture_measures.to_unit(np.concatenate(rows)), 8)
    return {
        "nearest_median": float(np.median(made.distances)),
        "nearest_smallest": float(made.distances.min()),
        "held_out_nearest_median": float(np.median(held_out.distances)),
        "held_out_nearest_smallest": float(held_out.distances.min()),
    }


# Frames: what pix2pix paints beside the true ones.


def measure_frames(name: str, theme: Theme, n: int, sheets: Path | None) -> dict[str, Any]:
    """Compare painted frames with the true ones and with what useless networks would paint."""
    held_out = made_pairs(name, CACHE / "pairs", held_out=True)
    training = made_pairs(name, CACHE / "pairs")
    held_out.prepare(_report("held-out pairs"))
    training.prepare(_report("training pairs"))
    n_true = min(n, held_out.shapes[SIDE, SIDE], 512)
    drawn = held_out.batch(torch.Generator().manual_seed(0), n_true, SIDE, SIDE)
    spectrograms, true = drawn.spectrograms[:, 0], drawn.frames.numpy()
    painted = _paint_frames(theme, spectrograms)
    mean, nearest = _baselines(training, 2 * n, spectrograms.numpy())
    if sheets is not None:
        _draw_comparison(sheets / "frames.jpg", spectrograms.numpy(), true, painted)
    return {
        "n_frames": n_true,
        "painted": asdict(pair_measures.compare(painted, true)),
        "mean_training_frame": asdict(pair_measures.compare(mean, true)),
        "frame_of_nearest_training_spectrogram": asdict(pair_measures.compare(nearest, true)),
        "stripes": asdict(pair_measures.measure_stripes(painted, true, spectrograms.numpy())),
        **_find_frames(name, theme),
    }


def _paint_frames(theme: Theme, spectrograms: Tensor) -> Floats:
    batches = [
        theme.painter.paint(b, SIDE, SIDE).cpu() for b in torch.split(spectrograms, N_AT_ONCE)
    ]
    return torch.cat(batches).numpy()


def _baselines(training: MadePairs, n: int, spectrograms: Floats) -> tuple[Floats, Floats]:
    """Return the mean training frame (1, ...), and for each spectrogram its nearest one's frame."""
    generator = torch.Generator().manual_seed(1)
    batches = [training.batch(generator, N_AT_ONCE, SIDE, SIDE) for _ in range(n // N_AT_ONCE)]
    frames = np.concatenate([_to_bytes(batch.frames) for batch in batches])
    heard = np.concatenate([batch.spectrograms.numpy() for batch in batches])
    nearest = picture_measures.find_nearest(
        picture_measures.shrink(spectrograms[:, None]), picture_measures.shrink(heard)
    )
    mean = frames.mean(axis=0, keepdims=True) / 255
    return mean.astype(np.float32), picture_measures.to_unit(frames[nearest.indices])


def _find_frames(name: str, theme: Theme) -> dict[str, Any]:
    """Take the figures that need whole songs: is the right frame found, does the film flicker."""
    true, painted, ratios = [], [], []
    shown = np.linspace(0, N_RUNNING - 1, N_WINDOWS).astype(int)
    tell = _report("songs")
    for number, excerpt in enumerate(make_excerpts(name, N_SONGS, N_RUNNING), start=1):
        frames, right = _paint_frames(theme, excerpt.spectrograms), excerpt.frames.numpy()
        true.append(right[shown])
        painted.append(frames[shown])
        ratios.append(pair_measures.measure_temporal_ratio(frames, right))
        tell(number, N_SONGS)
    return {
        **asdict(pair_measures.judge_music(np.stack(painted), np.stack(true))),
        "temporal_ratio": float(np.nanmean(ratios)),
    }


def _draw_comparison(path: Path, spectrograms: Floats, true: Floats, painted: Floats) -> None:
    """Draw spectrogram, painted frame, true frame and their difference, sixteen times."""
    shown = np.broadcast_to(spectrograms[:16, None], true[:16].shape)
    difference = np.abs(painted[:16] - true[:16])
    rows = np.stack([shown, painted[:16], true[:16], difference], axis=1)
    _save_sheet(path, rows.reshape(-1, 3, SIDE, SIDE), 8)


def _save_sheet(path: Path, pictures: Floats, n_columns: int) -> None:
    save_image(make_grid(torch.from_numpy(np.array(pictures)), nrow=n_columns, padding=4), path)


if __name__ == "__main__":
    main()
