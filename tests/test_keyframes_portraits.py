"""A user's own picture as a still: it comes back, and walks lead from it to seeds' stills."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from keyframes.fitting import fit
from keyframes.form import Form
from keyframes.generator import Generator
from keyframes.latents import Latents, Portrait, cut_anew, gather
from keyframes.layers import initialise
from keyframes.stills import Stills
from pix2pix.run import seeded

H, W = 64, 96


def ignore(done: int, total: int) -> None:
    """Take no note of progress."""


@pytest.fixture(scope="module")
def stills() -> Stills:
    generator = Generator(Form(width=16, n_noise=8, n_style=16))
    initialise(generator, seeded(0))
    return Stills(generator)


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """Make a dark slope with a bright disc, (3, H, W)."""
    y, x = torch.meshgrid(torch.linspace(0, 1, H), torch.linspace(0, 1.5, W), indexing="ij")
    slope = torch.stack([0.1 + 0.3 * x, 0.2 + 0.3 * y, 0.5 - 0.2 * x])
    is_disc = (y - 0.4) ** 2 + (x - 1) ** 2 < 0.05
    return torch.where(is_disc, torch.tensor([0.9, 0.8, 0.4])[:, None, None], slope)


@pytest.fixture(scope="module")
def portrait(stills: Stills, picture: Tensor) -> Portrait:
    return fit(stills, picture, ignore)


def _paint(stills: Stills, latents: Latents, height: int = H, width: int = W) -> Tensor:
    return stills.paint(latents.styles, height, width, latents.own)


def test_a_picture_comes_back(stills: Stills, picture: Tensor, portrait: Portrait) -> None:
    seeds = torch.stack([stills.style(seed) for seed in range(64)])
    nearest = (stills.paint(seeds, H, W) - picture).abs().mean((1, 2, 3)).min()
    away = (_paint(stills, gather([portrait]))[0] - picture).abs().mean()
    assert away < 0.02
    assert away < nearest / 5


def test_the_same_picture_is_fitted_the_same_and_no_other_randomness_is_touched(
    stills: Stills, picture: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyframes.fitting.N_STEPS", 3)
    before = torch.get_rng_state()
    first, second = (fit(stills, picture, ignore) for _ in range(2))
    assert torch.equal(first.style, second.style)
    assert torch.equal(first.knots, second.knots)
    assert torch.equal(torch.get_rng_state(), before)


def test_fitting_leaves_the_generator_as_it_is(stills: Stills, portrait: Portrait) -> None:
    assert all(weight.grad is None for weight in stills.generator.parameters())
    again = Generator(Form(width=16, n_noise=8, n_style=16))
    initialise(again, seeded(0))
    for weight, before in zip(stills.generator.parameters(), again.parameters(), strict=True):
        assert torch.equal(weight.cpu(), before)


def test_progress_runs_to_its_end_and_may_cancel(
    stills: Stills, picture: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyframes.fitting.N_STEPS", 3)
    told = []
    fit(stills, picture, lambda done, total: told.append((done, total)))
    total = told[-1][1]
    assert told == [(done, total) for done in range(1, total + 1)]

    def cancel(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        fit(stills, picture, cancel)


def test_a_walk_passes_through_the_picture_and_the_stills_of_seeds(
    stills: Stills, portrait: Portrait
) -> None:
    stops = gather([portrait, stills.style(3), stills.style(4)])
    at_stops = _paint(stills, stops.at(torch.tensor([0.0, 1.0, 2.0, 3.0])))
    own = _paint(stills, gather([portrait]))[0]
    seeds = stills.paint(torch.stack([stills.style(3), stills.style(4)]), H, W)
    torch.testing.assert_close(at_stops, torch.stack([own, *seeds, own]), atol=2e-3, rtol=0)
    walked = _paint(stills, stops.at(torch.linspace(0, 3, 61)))
    steps = walked.diff(dim=0).abs().mean((1, 2, 3))
    assert steps.max() < 5 * steps.mean()  # continuous: no step is a jump


def test_fields_on_the_way_vary_as_those_at_the_ends(stills: Stills, portrait: Portrait) -> None:
    flat = Portrait(style=portrait.style, knots=portrait.knots * 0.2)
    stops = gather([flat, stills.style(3)]).at(torch.linspace(0, 1, 9))
    fields = stills.generator.fields(stops.styles, H, W)
    spreads = stops.own.mix_into(fields).coarse.std((2, 3), correction=0)
    low, high = (flat.knots.std((1, 2), correction=0), fields.coarse[-1].std((1, 2), correction=0))
    between = torch.lerp(low, high, torch.linspace(0, 1, 9)[:, None])
    torch.testing.assert_close(spreads, between, atol=0.01, rtol=0)


def test_seeds_alone_walk_as_they_always_have(stills: Stills) -> None:
    styles = [stills.style(seed) for seed in (1, 2, 3)]
    stops = gather(styles)
    assert stops.own is None
    walked = stops.at(torch.tensor([0.0, 0.25, 2.5]))
    assert walked.own is None
    line = [
        styles[0],
        torch.lerp(styles[0], styles[1], 0.25),
        torch.lerp(styles[2], styles[0], 0.5),
    ]
    assert torch.equal(walked.styles, torch.stack(line))
    with torch.inference_mode():  # learning reads more pixels at once, and ends in other last bits
        painted = stills.generator(walked.styles.to(stills.device), H, W).add(1).mul(0.5)
    assert torch.equal(_paint(stills, walked), painted)


def test_a_picture_is_cut_to_another_shape_as_paper_would_be(
    stills: Stills, picture: Tensor, portrait: Portrait
) -> None:
    cut = cut_anew(portrait, (H, W), (96, 64))
    painted = _paint(stills, gather([cut]), 96, 64)[0]
    whole = _paint(stills, gather([portrait]))
    enlarged = F.interpolate(whole, (96, 144), mode="bicubic")[0, :, :, 40:104]
    assert (painted - enlarged).abs().mean() < 0.01


def test_a_picture_cut_to_its_own_shape_stays_as_it_is(stills: Stills, portrait: Portrait) -> None:
    cut = cut_anew(portrait, (H, W), (H, W))
    pair = _paint(stills, gather([portrait, cut]))
    assert (pair[0] - pair[1]).abs().max() < 0.01
