"""The sky above land: a sun above a horizon, and clouds that are kept and drift."""

from dataclasses import replace

import pytest
import torch
from test_keyframes_houses import FORM as HOUSES
from test_keyframes_ridges import FORM
from torch import Tensor

from keyframes.generator import Generator
from keyframes.knots import Given, read_across, read_strip, spline_rows
from keyframes.land import UNIT, unpack
from keyframes.latents import Portrait, gather
from keyframes.layers import initialise
from keyframes.sky import Sky
from keyframes.stills import Stills
from pix2pix.run import seeded

N = FORM.n_ridges
HEIGHT = FORM.n_fields + 2 + 1 + N + 2 + 2 * N  # place of what is read of the sky's height
SIDE = 256  # pixels


@pytest.fixture
def generator() -> Generator:
    generator = Generator(FORM)
    initialise(generator, seeded(0))
    with torch.no_grad():
        generator.sky.kept.normal_(std=0.5, generator=seeded(1))
        generator.sky.stands.copy_(torch.tensor([[0.0, 1.0], [0.4, 0.6]]))
        generator.ridges.horizon.copy_(torch.tensor([0.1, -0.4]))
    return generator


def _styles(generator: Generator, **told: list[float]) -> Tensor:
    """Return styles that differ by some of what is told."""
    n = len(next(iter(told.values())))
    styles = generator.style(torch.ones(n, 16)).detach()
    styles[:, -len(FORM.told) :] = 0.5
    for name, numbers in told.items():
        styles[:, FORM.find(name)] = torch.tensor(numbers)
    return styles


def _read(generator: Generator, styles: Tensor, clouds: Tensor | None = None) -> Tensor:
    """Return height in the sky, clouds and stars as pixels see them, (B, 4, SIDE, SIDE)."""
    whole, kept = spline_rows(SIDE), generator.keep()
    with torch.no_grad():
        across = read_across(generator.fields(styles, SIDE, SIDE), whole, 0.0)
        given = Given(
            spots=torch.zeros(len(styles), 1, 2),
            kept=kept if clouds is None else replace(kept, clouds=clouds),
        )
        read = read_strip(whole, across, whole, given, 0.0)
    return read[:, HEIGHT : HEIGHT + 4].unflatten(2, (SIDE, SIDE))


def test_between_stars_the_sky_is_dark(generator: Generator) -> None:
    sky = generator.sky
    begun = sky.stars()
    assert begun is not None
    assert 0 < begun.abs().mean() < 0.02  # unseen, but not nothing, from where none would learn
    (begun.square().sum() * 100).backward()
    assert sky.kept_stars.grad is not None
    assert (sky.kept_stars.grad != 0).float().mean() > 0.99
    with torch.no_grad():
        sky.kept_stars.fill_(0.05)
        sky.kept_stars[0, 10, 10] = 1.0
        lit = sky.stars()
    assert lit is not None
    assert lit[0, 10, 10] > 1.5
    assert lit[0, 10, 11] < 0.01


@pytest.mark.parametrize(("half_height", "half_width"), [(1.0, 1.0), (1.0, 1.75), (1.75, 1.0)])
def test_the_sun_stands_above_the_horizon_where_its_numbers_say(
    generator: Generator, half_height: float, half_width: float
) -> None:
    styles = _styles(
        generator, sun_x=[0.0, 1.0, 0.5], sun_y=[0.5, 0.5, 1.0], horizon=[0.5, 0.5, 0.0]
    )
    with torch.no_grad():
        land = generator.lay_land(styles, int(256 * half_height), int(256 * half_width), 1.0)
    laid = unpack(land)
    y, x, horizon, above = (
        part[:, 0, 0, 3] for part in (laid.sun_y, laid.sun_x, laid.horizon, laid.above)
    )
    torch.testing.assert_close(x, half_width * torch.tensor([-0.5, 0.5, 0.0]))
    torch.testing.assert_close(horizon, half_height * torch.tensor([0.1, 0.1, 0.3]))
    torch.testing.assert_close(above, half_height * torch.tensor([1.1, 1.1, 1.3]))
    # Half of its way up is .4 of the sky, all of it .7.
    torch.testing.assert_close(y, horizon - torch.tensor([0.4, 0.4, 0.7]) * above)


def test_clouds_drift_with_their_number_and_are_smaller_near_the_horizon(
    generator: Generator,
) -> None:
    clouds = torch.zeros_like(generator.sky.kept)
    clouds[:] = torch.arange(clouds.shape[2]).remainder(8).sub(3.5).sign()  # columns, all away
    height, cloud, *_ = _read(generator, _styles(generator, place=[0.5]), clouds)[0]
    low, high = (int((height[:, 0] - share).abs().argmin()) for share in (0.1, 0.9))
    near, far = (int(cloud[row].sign().diff().abs().sum()) for row in (high, low))
    assert far > 2 * near > 0
    with torch.no_grad():
        generator.sky.drift.zero_()
    clouds[:] = torch.randn(clouds.shape[2], generator=seeded(2))
    moved = _read(generator, _styles(generator, cloud_place=[0.4, 0.6]), clouds)
    # They drift farther on the picture where they are near.
    for row in (high, low):
        depth = 1 / (moved[0, 0, row, 0] + 0.25)
        n_pixels = round(float(6.0 * 0.2 / depth * UNIT))
        before, after = moved[0, 1, row], moved[1, 1, row]
        away = moved[:, 1].std()
        assert (before[n_pixels:] - after[:-n_pixels]).abs().mean() < 0.1 * away
        assert (before - after).abs().mean() > 0.5 * away


def test_height_in_the_sky_goes_from_the_horizon_to_the_upper_edge(generator: Generator) -> None:
    ((height, *_),) = _read(generator, _styles(generator, place=[0.5]))
    horizon = round(UNIT * 1.1)
    assert height[horizon + 1 :].abs().max() == 0.0
    assert height[0].mean() == pytest.approx(1.0, abs=0.01)
    assert (height[: horizon - 1].diff(dim=0) < 0).all()


def test_over_an_own_picture_the_sun_sets_and_the_sky_clears_up(generator: Generator) -> None:
    stills = Stills(generator)
    portrait = Portrait(style=stills.style(0), knots=torch.zeros(FORM.n_fields, 32, 32))
    latents = gather([portrait, stills.style(1)]).at(torch.tensor([0.0, 0.5, 1.0]))
    assert latents.own is not None
    fields = stills.generator.fields(latents.styles, SIDE, SIDE)
    mixed = latents.own.mix_into(fields)
    assert mixed.land is not None
    assert fields.land is not None
    laid, before = unpack(mixed.land), unpack(fields.land)
    torch.testing.assert_close(laid.seen[:, 0, 0, 0], torch.tensor([0.0, 0.5, 1.0]))
    suns = laid.sun_y[:, 0, 0, 0]
    assert suns[0] > 3.9  # units below the middle
    assert suns[2] == before.sun_y[2, 0, 0, 0] < suns[1] < suns[0]
    torch.testing.assert_close(laid.horizon, before.horizon)


def test_a_sky_is_told_nothing_but_its_numbers(generator: Generator) -> None:
    styles = _styles(generator, place=[0.3, 0.3])
    styles[0, : -len(FORM.told)] = 3.0
    with torch.no_grad():
        first, second = generator.lay_land(styles, 64, 64, 1.0)[:, -8:]
    assert torch.equal(first, second)


def test_stars_turn_with_the_place_and_none_are_seen_over_houses(generator: Generator) -> None:
    with torch.no_grad():
        generator.sky.drift.zero_()
        generator.sky.kept_stars.normal_(generator=seeded(3))
    here, there = _read(generator, _styles(generator, place=[0.5, 0.6]))[:, 3, :100]
    moved = round(1.7 * 0.1 * UNIT)
    # Between pixels they are blurred: they moved by 21.8.
    seen = torch.stack([here[:, moved:].flatten(), there[:, :-moved].flatten()])
    assert torch.corrcoef(seen)[0, 1] > 0.5
    still = torch.stack([here.flatten(), there.flatten()])
    assert torch.corrcoef(still)[0, 1] < 0.1
    assert Sky(HOUSES).stars() is None
