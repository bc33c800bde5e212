"""Rows of houses: near ones are large ones, lit windows keep to their walls, water has waves."""

import pytest
import torch
from lightning_fabric import Fabric
from test_keyframes_ridges import draw_numbers
from torch import Tensor

from keyframes.form import Form
from keyframes.gan_settings import GanSettings
from keyframes.gan_training import GanTraining
from keyframes.generator import Generator
from keyframes.houses import FIRM, SPREAD, Houses
from keyframes.knots import Given, read_across, read_strip, spline_rows
from keyframes.land import unpack
from keyframes.layers import initialise
from keyframes.material import Material
from keyframes.noise import to_noise
from keyframes.ridges import SHORED
from pix2pix.run import seeded

FORM = Form(
    width=16, n_noise=16, n_style=16, n_spots=1, n_ridges=2, houses=True, n_lines=0, n_layers=5,
    told={"cloud_place": 7, "sun_size": 6, "sun_x": 4, "sun_y": 5, "water": 2, "street": 3,
          "scale": 0, "place": 1},
    whole_width=16, detail_width=16,
)  # fmt: skip
N = 2  # rows
BRIGHT = 0.9


@pytest.fixture
def generator() -> Generator:
    generator = Generator(FORM)
    initialise(generator, seeded(0))
    return generator


def _land(generator: Generator) -> Houses:
    assert isinstance(generator.ridges, Houses)
    return generator.ridges


def _styles(generator: Generator, *told: tuple[float, ...]) -> Tensor:
    """Return styles that differ by water, street and scale, at one place."""
    style = generator.style(torch.ones(1, 16))[0].detach()
    tails = [torch.tensor([*numbers, 0.5]) for numbers in told]
    return torch.stack([torch.cat([style[:-4], tail]) for tail in tails])


def test_what_is_known_of_a_street_is_told_as_it_is(generator: Generator) -> None:
    numbers = torch.full((50, 16), torch.nan)
    numbers[:, :8] = torch.rand(50, 8, generator=seeded(1))
    styles = generator.style(to_noise(numbers, seeded(2)))
    told = numbers[:, [7, 6, 4, 5, 2, 3, 0, 1]]
    torch.testing.assert_close(styles[:, -8:], told, atol=1e-4, rtol=0)


def test_the_shore_lies_where_the_higher_of_water_and_street_begins(generator: Generator) -> None:
    land = _land(generator)
    with torch.no_grad():
        land.bends.fill_(1.5 / SHORED)
        land.bends[0, 20:] = 0.2 / SHORED  # from a half of the number on
        land.bends[1, 10:] = 0.6 / SHORED  # from a quarter of it on
        told = [(0.4, 0.2, 0.5), (0.9, 0.2, 0.5), (0.4, 0.9, 0.5), (0.9, 0.9, 0.5)]
        dry, wet, paved, both = land(_styles(generator, *told), 128, 1.0)[:, 2 * N, 0]
        (tall,) = land(_styles(generator, told[1]), 128, 1.8)[:, 2 * N, 0]
        (horizon,) = land.lay_horizon(_styles(generator, told[1]))
    assert 1.02 < dry < 1.04  # at the lower edge
    assert dry > paved > wet == horizon
    assert both == wet
    torch.testing.assert_close(tall, 1.8 * wet)


def test_nearer_houses_are_the_same_ones_larger(generator: Generator) -> None:
    land = _land(generator)
    with torch.no_grad():
        land.spread.fill_((1.0 - SPREAD) / FIRM)
        for levels in (land.heights, land.weights, land.ripple):
            levels.weight.zero_()
        # Of half, and of one and a half times their size.
        far, near = land(_styles(generator, (0, 0, 0), (0, 0, 1)), 128, 1.0)
    torch.testing.assert_close(far[2 * N + 1], torch.full((128,), 0.5))
    torch.testing.assert_close(near[2 * N + 1], torch.full((128,), 1.5))
    for row in range(N):
        # The middle third of what is far fills what is near.
        torch.testing.assert_close(near[row, 2::3], far[row, 43:85])
        assert far[row].std() > 0.01


def test_there_is_light_in_windows_below_the_roof_alone(generator: Generator) -> None:
    land, layers = _land(generator), generator.silhouettes
    with torch.no_grad():
        land.flanks[:, 0] = 1.0  # windows everywhere
        layers.sharpness.bias[layers.land][1::2] = 3.0
        layers.shades.bias.fill_(-20.0)
        layers.shading.shift.bias.zero_()
        layers.shading.shift.weight.zero_()
        layers.shading.shift.bias.view(3, -1)[:, 1 + layers.land.stop - 1] = 2.0  # lamps, in front
        for mixture in (layers.hazes, layers.contours):
            mixture.shift.bias.fill_(-30.0)  # nothing but land
        layers.lights.bias.fill_(0.0)
    styles, whole = _styles(generator, (0, 0, 0.5)), spline_rows(256)
    with torch.no_grad():
        knots = generator.fields(styles, 256, 256)
        painted = generator.read(knots, styles, whole, whole)[0].mean(0)
        assert knots.land is not None
        laid = unpack(knots.land @ whole.line.T)
        tops = laid.tops[0, -1, 0]  # of the nearest row
        shore = laid.shore[0, 0, 0, 0]
    y = whole.place[:, None]
    walls = (y > tops + 0.03) & (y < shore - 0.1)
    assert painted[walls].min() > BRIGHT
    assert painted[y < tops - 0.03].max() < 0.5 * BRIGHT
    with torch.no_grad():
        layers.lights.bias.fill_(-10.0)  # late at night
        dark = generator.read(knots, styles, whole, whole)[0].mean(0)
    assert dark[walls].max() < 0.5 * BRIGHT


def test_a_street_lies_as_far_from_the_shore_wherever_that_is(generator: Generator) -> None:
    land, whole = _land(generator), spline_rows(256)
    with torch.no_grad():
        land.bends[1] = torch.linspace(1.0, 0.0, 41) / SHORED
        land.paving[1, 64:66] = 0.5  # half a unit from 32 pixels above the shore: 32 below it
    styles = _styles(generator, (0, 0.6, 0.5), (0, 0.8, 0.5))
    with torch.no_grad():
        knots = generator.fields(styles, 256, 256)
        assert knots.land is not None
        across = read_across(knots, whole, 0.0)
        given = Given(spots=torch.zeros(2, 1, 2), kept=generator.keep())
        read = read_strip(whole, across, whole, given, 0.0).unflatten(2, (256, 256))
    paved = read[:, FORM.n_fields + 2 + 1 + N + 2 + 2 * N + 3 :][:, :3]
    lanes = paved[:, 1].mean(2).argmax(1)
    shores = unpack(knots.land).shore[:, 0, 0, 0] * 128 + 128
    torch.testing.assert_close(lanes - shores, torch.full((2,), 32.0), atol=1.5, rtol=0)
    assert (shores[0] - shores[1]).abs() > 8
    assert paved[:, [0, 2]].abs().max() == 0


def test_waves_bend_what_is_seen_in_the_water_and_nothing_above_it(generator: Generator) -> None:
    styles, whole = _styles(generator, (0, 0, 0.5)), spline_rows(256)
    with torch.no_grad():
        knots = generator.fields(styles, 256, 256)
        assert knots.land is not None
        laid = unpack(knots.land)  # views of it
        laid.shore.fill_(0.2)
        land = _land(generator)
        land.waves.normal_(std=0.5, generator=seeded(1))
        seen = []
        for ripple in (0.0, 0.1):
            laid.ripple.fill_(ripple)
            across = read_across(knots, whole, 0.0)
            given = Given(spots=torch.zeros(1, 1, 2), kept=generator.keep())
            read = read_strip(whole, across, whole, given, 0.0)
            seen.append(read.reshape(-1, 256, 256)[FORM.n_fields])  # y
    calm, rough = seen
    air = whole.place < 0.15
    torch.testing.assert_close(calm[air], rough[air], atol=1e-2, rtol=0)
    bent = (rough - calm)[whole.place > 0.3]
    assert bent.abs().mean() > 0.01
    assert bent.abs().mean(1)[-10:].mean() > bent.abs().mean(1)[:10].mean()  # nearer, higher


@pytest.mark.parametrize("bf16", [False, True])
def test_all_of_it_is_learnt_in_either_precision(*, bf16: bool) -> None:
    numbers = draw_numbers(32, 1)
    pictures = torch.randint(0, 255, (32, 3, 80, 64), generator=seeded(1)).byte().numpy()
    material = Material(
        pictures=[pictures] * 3, density=0.25, judge=lambda _: 0.0, numbers=[numbers] * 3
    )
    settings = GanSettings(n_batch=8, n_penalised=8, alone=0.0, land=0.0, bf16=bf16)
    fabric = Fabric(devices=1, accelerator="cpu")
    training = GanTraining(fabric, FORM, settings, material, 0)
    before = {name: x.clone() for name, x in training.generator.state_dict().items()}
    for step in range(3):
        training.step(step, 0.5)
    after = training.generator.state_dict()
    assert [name for name, x in before.items() if torch.equal(x, after[name])] == []
