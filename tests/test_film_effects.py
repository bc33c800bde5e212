"""Each effect does what it says, to the frames that ask for it and to no other."""

import math

import pytest
import torch
from film_files import make_rows
from torch import Tensor

from film import effects
from spectro.routes import CONTROLS

H, W = 64, 96
CPU = torch.device("cpu")
STRONG = {
    "zoom": 1.5,
    "spin_deg": 20.0,
    "shift_x": 0.1,
    "shift_y": -0.1,
    "warp": 1.0,
    "blur": 1.0,
    "sharpen": 1.0,
    "glow": 1.0,
}
COLOURS = {"hue_turns": 0.25, "saturation": 0.5, "brightness": 0.1, "contrast": 1.5}


@pytest.fixture
def pictures() -> Tensor:
    """Return two smooth pictures with some grain."""
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(2, 3, 4, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(smooth, (H, W), mode="bicubic").clamp(0, 1)
    return (0.9 * smooth + 0.1 * torch.rand(2, 3, H, W, generator=generator)).contiguous()


def spot(x: int, y: int) -> Tensor:
    """Paint a white point on black."""
    picture = torch.zeros(1, 3, H, W)
    picture[:, :, y, x] = 1
    return picture


def centre(picture: Tensor) -> tuple[float, float]:
    """Return the centre of the light in a picture (1, 3, H, W), x and y in pixels."""
    light = picture[0, 0]
    x = (light.sum(0) * torch.arange(W)).sum() / light.sum()
    y = (light.sum(1) * torch.arange(H)).sum() / light.sum()
    return float(x), float(y)


def grain(pictures: Tensor) -> float:
    """Return how much neighbouring pixels differ."""
    return float((pictures[..., 1:] - pictures[..., :-1]).abs().mean())


def test_every_control_after_the_network_has_its_test() -> None:
    after = {name for name, control in CONTROLS.items() if control.mechanism == "after"}
    assert STRONG.keys() | COLOURS.keys() | {"blend", "bend"} == after


def test_neutral_rows_leave_pictures_alone(pictures: Tensor) -> None:
    assert effects.apply(pictures, make_rows(2)) is pictures
    identity = torch.eye(3, 4).expand(2, 3, 4)
    assert torch.equal(effects.colour(make_rows(2), CPU), identity)


@pytest.mark.parametrize("name", STRONG)
def test_an_effect_changes_its_frame_alone(pictures: Tensor, name: str) -> None:
    values = [CONTROLS[name].neutral, STRONG[name]]
    changed = effects.apply(pictures, make_rows(2, **{name: values}))
    assert torch.equal(changed[0], pictures[0])
    assert (changed[1] - pictures[1]).abs().mean() > 0.005
    assert changed.min() >= 0
    assert changed.max() <= 1


@pytest.mark.parametrize("name", ["zoom", "spin_deg", "shift_x", "shift_y", "warp"])
def test_no_black_comes_in_at_the_edges(name: str) -> None:
    white = torch.ones(1, 3, H, W)
    moved = effects.apply(white, make_rows(1, **{name: STRONG[name]}))
    torch.testing.assert_close(moved, white)


def test_zoom_moves_points_away_from_the_middle() -> None:
    x, y = centre(effects.apply(spot(60, 40), make_rows(1, zoom=1.5)))
    assert x + 0.5 - W / 2 == pytest.approx(1.5 * (60.5 - W / 2), abs=0.1)
    assert y + 0.5 - H / 2 == pytest.approx(1.5 * (40.5 - H / 2), abs=0.1)


def test_spin_turns_anticlockwise_about_the_middle() -> None:
    x, y = centre(effects.apply(spot(W // 2 + 20, H // 2), make_rows(1, spin_deg=30.0)))
    cosine, sine = math.cos(math.pi / 6), math.sin(math.pi / 6)
    assert x + 0.5 - W / 2 == pytest.approx(20.5 * cosine + 0.5 * sine, abs=0.1)
    assert y + 0.5 - H / 2 == pytest.approx(0.5 * cosine - 20.5 * sine, abs=0.1)


def test_shifts_are_parts_of_the_height() -> None:
    x, y = centre(effects.apply(spot(40, 30), make_rows(1, shift_x=0.125, shift_y=-0.0625)))
    assert (x, y) == (pytest.approx(48, abs=0.01), pytest.approx(26, abs=0.01))


def test_warp_waves_and_wanders_with_the_walk(pictures: Tensor) -> None:
    still = effects.apply(pictures, make_rows(2, warp=1.0))
    later = effects.apply(pictures, make_rows(2, warp=1.0, keyframe=0.5))
    a_turn_later = effects.apply(pictures, make_rows(2, warp=1.0, keyframe=1.0))
    assert (still - later).abs().mean() > 0.01
    torch.testing.assert_close(still, a_turn_later, atol=1e-3, rtol=0)


def test_blur_takes_grain_away_and_sharpen_adds_it(pictures: Tensor) -> None:
    soft = grain(effects.apply(pictures, make_rows(2, blur=1.0)))
    softish = grain(effects.apply(pictures, make_rows(2, blur=0.3)))
    sharp = grain(effects.apply(pictures, make_rows(2, sharpen=1.0)))
    assert soft < softish < grain(pictures) < sharp


def test_glow_lights_up_what_is_near_the_light() -> None:
    dark = torch.full((1, 3, H, W), 0.1)
    dark[:, :, 24:40, 40:56] = 1.0
    glowing = effects.apply(dark, make_rows(1, glow=1.0))
    assert (glowing >= dark - 1e-6).all()
    near, far = glowing[0, 0, 32, 36], glowing[0, 0, 2, 2]
    assert near > far + 0.05


def test_hue_turns_colours_and_keeps_luma() -> None:
    colour = torch.tensor([0.4, 0.2, 0.1, 1.0])  # luma, two differences, and 1 for the offset
    quarter = effects.colour(make_rows(1, hue_turns=0.25), CPU)[0] @ colour
    torch.testing.assert_close(quarter, torch.tensor([0.4, -0.1, 0.2]))
    half = effects.colour(make_rows(1, hue_turns=0.5), CPU)[0] @ colour
    torch.testing.assert_close(half, torch.tensor([0.4, -0.2, -0.1]))


def test_saturation_brightness_and_contrast() -> None:
    colour = torch.tensor([0.4, 0.2, 0.1, 1.0])
    for values, expected in (
        ({"saturation": 0.0}, [0.4, 0.0, 0.0]),
        ({"saturation": 2.0}, [0.4, 0.4, 0.2]),
        ({"brightness": 0.1}, [0.5, 0.2, 0.1]),
        ({"contrast": 2.0}, [0.3, 0.4, 0.2]),
    ):
        changed = effects.colour(make_rows(1, **values), CPU)[0] @ colour
        torch.testing.assert_close(changed, torch.tensor(expected))
