"""Ridges along land that is kept: they move with the place, and sink for a user's pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from keyframes.fitting import fit
from keyframes.form import Form
from keyframes.gan_settings import GanSettings
from keyframes.gan_training import GanTraining
from keyframes.generator import Generator
from keyframes.knots import Given, read_across, read_strip, spline_rows
from keyframes.land import UNIT, unpack
from keyframes.latents import gather
from keyframes.layers import initialise
from keyframes.material import Material
from keyframes.noise import to_noise
from keyframes.ridges import SHORED
from keyframes.stills import Stills, load_generator, save_generator
from pix2pix import weights
from pix2pix.run import seeded

FORM = Form(
    width=16, n_noise=16, n_style=16, n_spots=1, n_ridges=2, n_lines=0, n_layers=5,
    told={"cloud_place": 6, "horizon": 2, "sun_size": 5, "sun_x": 3, "sun_y": 4, "water": 0,
          "place": 1},
    whole_width=16, detail_width=16,
)  # fmt: skip
N = 2  # ridges


@pytest.fixture
def generator() -> Generator:
    generator = Generator(FORM)
    initialise(generator, seeded(0))
    return generator


def draw_numbers(n: int, seed: int) -> Tensor:
    """Draw two numbers that are known of each picture, of the sixteen there are."""
    numbers = torch.full((n, 16), torch.nan)
    numbers[:, :2] = torch.rand(n, 2, generator=seeded(seed))
    return numbers


def _styles(generator: Generator, *places: float) -> Tensor:
    """Return styles that differ by where their pictures stand."""
    style = generator.style(torch.ones(1, 16))[0].detach()
    return torch.stack([torch.cat([style[:-1], torch.tensor([place])]) for place in places])


def test_the_place_is_told_as_it_is(generator: Generator) -> None:
    numbers = draw_numbers(50, 1)
    styles = generator.style(to_noise(numbers, seeded(2)))
    torch.testing.assert_close(styles[:, -1], numbers[:, 1], atol=1e-4, rtol=0)


def test_what_is_seen_moves_along_the_land_far_and_near_at_paces_of_their_own(
    generator: Generator,
) -> None:
    with torch.no_grad():
        generator.ridges.pace.copy_(torch.tensor([1.0, 0.5]))  # units of 64 knots
        for levels in (generator.ridges.heights, generator.ridges.weights):
            levels.weight.zero_()
    here, there = generator.ridges(_styles(generator, 0.25, 0.75), 128, 1.0).detach()
    for ridge, moved in ((0, 32), (1, 16)):
        torch.testing.assert_close(there[ridge, :-moved], here[ridge, moved:])
        assert here[ridge].std() > 0.01


def test_steps_of_learning_make_hills_and_no_teeth(generator: Generator) -> None:
    ridges = generator.ridges
    steps = torch.randn(ridges.shapes.shape, generator=seeded(1)).sign() * 1e-3
    moved = steps @ ridges.octaves
    assert moved.std() > 2e-3
    assert moved.diff(dim=2).std() < 0.15 * moved.std()
    assert (
        torch.linalg.matrix_rank(ridges.octaves) == ridges.octaves.shape[1]
    )  # yet any shape can be


def test_a_wide_picture_shows_more_of_the_same_land(generator: Generator) -> None:
    styles = _styles(generator, 0.4)
    square, wide = (generator.ridges(styles, n, 1.0)[0, :N] for n in (128, 232))
    torch.testing.assert_close(square, wide[:, 52:180])


def test_below_the_shore_all_is_seen_again(generator: Generator) -> None:
    with torch.no_grad():
        generator.ridges.bends.fill_(0.25 / SHORED)  # 32 pixels below the middle
        generator.ridges.ripple.bias.zero_()
        generator.ridges.ripple.weight.zero_()
        generator.ridges.flanks.normal_(generator=seeded(3))
    styles, whole = _styles(generator, 0.4), spline_rows(256)
    knots = generator.fields(styles, 256, 256)
    given = Given(spots=torch.zeros(1, 1, 2), kept=generator.keep())
    read = read_strip(whole, read_across(knots, whole, 0.0), whole, given, 0.0)
    y, _, spot, *ridges = read.reshape(-1, 256, 256)[FORM.n_fields :][: 5 + 3 * N]
    under, wet, folds = ridges[:N], ridges[N], ridges[N + 2 :]
    assert wet[:150].max() < 0.1
    assert wet[170:].min() > 0.9
    for field in (y, spot, *under, *folds):
        torch.testing.assert_close(field[160:200], field[120:160].flip(0), atol=1e-4, rtol=1e-4)
        assert field[120:160].std() > 0.01


def test_folds_lie_below_their_ridge(generator: Generator) -> None:
    with torch.no_grad():
        generator.ridges.flanks[0, 0, 10:] = 1.0  # from 40 pixels below on
    styles, whole = _styles(generator, 0.4), spline_rows(256)
    across = read_across(generator.fields(styles, 256, 256), whole, 0.0)
    given = Given(spots=torch.zeros(1, 1, 2), kept=generator.keep())
    read = read_strip(whole, across, whole, given, 0.0).reshape(-1, 256, 256)[FORM.n_fields :]
    under, folds = read[3], read[7]
    dry = read[5] < 0.1
    assert folds[dry & (under * UNIT > 44)].min() > 0.9 * folds.max()
    assert folds[dry & (under * UNIT < 32)].abs().max() == 0.0


def test_ridges_come_back_from_a_file(
    generator: Generator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ridges") / "keyframes.safetensors"
    save_generator(path, generator)
    again = load_generator(weights.load(path, None))
    assert again.form == FORM
    styles = _styles(generator, 0.4)
    with torch.inference_mode():
        painted, before = again(styles, 64, 96), generator(styles, 64, 96)
    assert (painted - before).abs().mean() < 0.01  # half precision


def test_ridges_sink_out_of_an_own_picture_and_rise_on_the_way_to_a_still(
    generator: Generator,
) -> None:
    with torch.no_grad():
        generator.silhouettes.shades.bias.fill_(0.5)
    stills = Stills(generator)
    picture = torch.linspace(0.2, 0.8, 64)[:, None].expand(3, 64, 64).contiguous()
    portrait = fit(stills, picture, lambda _done, _total: None)
    latents = gather([portrait, stills.style(1)])
    own = latents.at(torch.tensor([0.0, 0.9]))
    painted = stills.paint(own.styles, 64, 64, own.own)
    assert (painted[0] - picture).abs().mean() < 0.03
    assert own.own is not None
    fields = stills.generator.fields(own.styles, 64, 64)
    mixed = own.own.mix_into(fields)
    assert mixed.land is not None
    sunk, still = unpack(mixed.land[:1]), unpack(mixed.land[1:])
    # Units below the middle: far below the lower edge.
    assert min(sunk.tops.min(), sunk.shore.min(), sunk.sun_y.min()) > 3.9
    assert still.tops.max() < 1.5


def _paint_land(numbers: Tensor) -> Tensor:
    """Make dark land below a bright sky: along kept hills, from where the second number says."""
    x = (torch.arange(64) + 0.5 - 32) / UNIT + 4.5 * (numbers[:, 1:2] - 0.5)
    top = 0.15 * torch.sin(7 * x) * torch.cos(2.3 * x)
    y = ((torch.arange(64) + 0.5 - 32) / UNIT)[:, None]
    land = torch.sigmoid(300 * (y - top[:, None]))
    return (0.9 - 0.7 * land)[:, None].expand(-1, 3, -1, -1)


def test_a_training_finds_the_ridge_that_pictures_of_different_places_share() -> None:
    numbers = draw_numbers(256, 1)
    pictures = _paint_land(numbers).mul(255).byte().numpy()
    material = Material(
        pictures=[pictures] * 3, density=1.0, judge=lambda _: 0.0, numbers=[numbers] * 3
    )
    training = GanTraining(
        Fabric(devices=1, accelerator="cpu"), FORM, GanSettings(alone=0.9, land=0.5), material, 0
    )
    for step in range(500):
        figures = training.step(step, 0.0 if step < 20 else 0.1)  # ridges stand still at first
    assert set(figures) == {"copying", "details"}
    others = draw_numbers(16, 2)
    styles = training.generator.style(to_noise(others, seeded(3)))
    rows = spline_rows(64)
    with torch.inference_mode():
        land = training.generator.lay_land(styles, 64, 64, 1.0)
        painted = training.generator.paint_land(styles, land, rows, rows, bare=True)
    seen = painted.add(1).mul(0.5)
    true = _paint_land(others)
    assert (seen - true).abs().mean() < 0.3 * (true - true.mean()).abs().mean()
    middle = np.corrcoef(seen.mean((1, 2)).flatten(), true.mean((1, 2)).flatten())
    assert middle[0, 1] > 0.9
    land, fields = (part.clone() for part in _weigh(training))
    training.step(500, 0.1)
    assert torch.equal(fields, _weigh(training)[1])
    figures = training.step(501, 0.6)  # all layers from here on,
    assert set(figures) == {"copying", "details"}
    assert not torch.equal(fields, _weigh(training)[1])
    assert not torch.equal(land, _weigh(training)[0])
    assert "critics" in training.step(502, 0.9)  # beside critics from here on


def _weigh(training: GanTraining) -> tuple[Tensor, Tensor]:
    """Return weights of the land and of the fields."""
    return training.generator.ridges.shapes.detach(), training.generator.to_fields.weight.detach()


def test_the_place_moves_ridges_wherever_in_a_style_it_is_told() -> None:
    form = replace(FORM, told=dict(reversed(FORM.told.items())))
    generator = Generator(form)
    initialise(generator, seeded(0))
    styles = generator.style(torch.ones(1, 16)).detach().repeat(3, 1)
    styles[1, form.find("place")] += 0.2
    styles[2, form.find("cloud_place")] += 0.2
    with torch.no_grad():
        _, along = generator.ridges.rise(styles, 64, 1.0)
    assert (along[1] - along[0]).abs().min() > 0.01
    assert torch.equal(along[2], along[0])
