"""The made pictures and the director that decides them."""

import itertools
from collections.abc import Callable
from types import ModuleType

import pytest
import torch

from training_data import abstract, cityscape, director, landscape, palettes

MAKERS = [abstract, cityscape, landscape]


def draw(n: int, seed: int = 0, maker: ModuleType = abstract) -> torch.Tensor:
    numbers = torch.rand(n, maker.N_DRAWN, generator=torch.Generator().manual_seed(seed))
    kept = numbers.clone()
    vectors: torch.Tensor = maker.spread(numbers)
    assert torch.equal(numbers, kept)
    assert vectors.shape == (n, maker.N_PARAMETERS)
    assert vectors.min() >= 0
    assert vectors.max() <= 1
    return vectors


@pytest.mark.parametrize("maker", MAKERS)
def test_same_parameters_paint_the_same_picture_alone_or_in_company(maker: ModuleType) -> None:
    vectors = draw(8, maker=maker)
    together = maker.paint(vectors, 64, 64)
    alone = maker.paint(vectors[1:2], 64, 64)
    assert together.shape == (8, 3, 64, 64)
    assert 0 <= together.min() < 0.2
    assert 0.8 < together.max() <= 1
    torch.testing.assert_close(together[1:2], alone)


def test_a_wide_picture_shows_more_and_squashes_nothing() -> None:
    vectors = draw(2)
    square = abstract.paint(vectors, 64, 64)
    wide = abstract.paint(vectors, 64, 128)
    tall = abstract.paint(vectors, 128, 64)
    # The relief looks at neighbours, so the outermost pixels of the square differ.
    torch.testing.assert_close(wide[..., 33:95], square[..., 1:63])
    torch.testing.assert_close(tall[..., 33:95, :], square[..., 1:63, :])


@pytest.mark.parametrize("maker", [cityscape, landscape])
def test_a_wide_view_shows_more_of_the_same_land(maker: ModuleType) -> None:
    vectors = draw(4, maker=maker)
    unpacked = maker.unpack(vectors)
    unpacked.sun_x.fill_(0.5)  # in the middle of any shape
    square, wide = maker.paint(vectors, 64, 64), maker.paint(vectors, 64, 128)
    torch.testing.assert_close(wide[..., 32:96], square, atol=1e-4, rtol=0)
    assert (wide[..., :32] - wide[..., 32:64]).abs().mean() > 0.01


@pytest.mark.parametrize("maker", MAKERS)
def test_pictures_are_varied_and_use_their_range(maker: ModuleType) -> None:
    pictures = maker.paint(draw(32, maker=maker), 64, 64)
    means = pictures.mean((2, 3))
    assert means.std(0).min() > 0.12  # of colour between pictures
    assert pictures.std((2, 3)).mean() > 0.08  # within a picture


@pytest.mark.parametrize("maker", MAKERS)
def test_every_parameter_changes_the_picture(maker: ModuleType) -> None:
    # Several: not every place has crests to glint.
    base = draw(12, seed=4, maker=maker).mul(0.6).add(0.2)
    picture = maker.paint(base, 64, 64)
    for index, name in enumerate(maker.NAMES):
        moved = base.clone()
        moved[:, index] += 0.2
        change = (maker.paint(moved, 64, 64) - picture).abs().mean()
        assert change > 2e-4, name


def test_oklab_there_and_back() -> None:
    colours = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        palettes.to_srgb(palettes.to_oklab(colours)), colours, atol=2e-4, rtol=0
    )
    white = palettes.to_oklab(torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, torch.tensor([1.0, 0.0, 0.0]), atol=1e-3, rtol=0)


def sound(*, level: float = 0.5, low: int = 0, high: int = 120) -> torch.Tensor:
    """Return a held band of noiseless sound between two rows counted from the lowest."""
    picture = torch.zeros(1, 256, 256)
    picture[:, 256 - high : 256 - low] = level
    return picture


def test_director_hears_loud_and_quiet_low_and_high_held_and_struck() -> None:
    quiet, loud = director.listen(sound(level=0.3)), director.listen(sound(level=0.8))
    assert loud.loud > quiet.loud + 0.2
    low = director.listen(sound(level=0.9, high=8))
    high = director.listen(sound(level=0.9, low=60))
    assert high.high > low.high + 0.5
    assert low.bass > high.bass + 0.5
    assert high.treble > low.treble + 0.5
    blows = sound()
    blows[..., ::32] = 1.0
    tones = sound()
    tones[:, ::16] = 1.0
    assert director.listen(tones).tonal > director.listen(blows).tonal + 0.3
    struck_now = sound(level=0.2)
    struck_now[..., -6:] = 0.9
    assert director.listen(struck_now).onset > 0.8
    struck_long_ago = sound(level=0.9)
    struck_long_ago[..., :128] = 0.2
    assert director.listen(struck_long_ago).onset < 0.2


DIRECTORS = [
    (abstract, director.direct_abstract),
    (cityscape, director.direct_cityscape),
    (landscape, director.direct_landscape),
]
Direct = Callable[[torch.Tensor], torch.Tensor]


@pytest.mark.parametrize(("maker", "direct"), DIRECTORS)
def test_frames_of_different_sounds_differ_at_first_sight(
    maker: ModuleType, direct: Direct
) -> None:
    sounds = torch.cat(
        [sound(level=0.3), sound(level=0.85), sound(level=0.6, high=8), sound(level=0.6, low=60)]
    )
    frames = maker.paint(direct(sounds), 64, 64)
    assert frames[1].mean() > frames[0].mean() + 0.15  # loud is light
    for one, other in itertools.combinations(frames, 2):
        assert (one - other).abs().mean() > 0.06


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize(("maker", "direct"), DIRECTORS)
def test_director_takes_silence_and_full_scale(
    maker: ModuleType, direct: Direct, level: float
) -> None:
    vectors = direct(torch.full((1, 256, 256), level))
    assert vectors.shape == (1, maker.N_PARAMETERS)
    assert vectors.isfinite().all()
    assert vectors.min() >= 0
    assert vectors.max() <= 1
