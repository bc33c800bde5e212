"""What acts before and inside the networks: neutral rows change nothing, others one frame each."""

import numpy as np
import pytest
import torch
from film_files import make_rows

from film.bending import NAMES as INSIDE
from film.bending import bend_of
from film.engines import Duet
from film.recipe import LAYERS, Recipe
from film.theme import Theme, load_theme
from film.windows import NAMES as BEFORE
from film.windows import change_windows
from spectro.routes import CONTROLS

CPU = torch.device("cpu")
RECIPE = Recipe(keyframes=(5, 9), height=128, width=128)


@pytest.fixture(scope="module")
def theme() -> Theme:
    return load_theme("abstract")


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Return two pictures of held tones, blows and silence."""
    rng = np.random.default_rng(0)
    picture = 0.3 * rng.random((256, 256))
    picture[200:204] = 0.7
    picture[:, 180:184] += 0.3
    picture[:40] = 0.0
    return np.stack([picture, picture]).astype(np.float32)


def test_every_control_of_a_mechanism_is_obeyed() -> None:
    inside = {"push", "truncation", *INSIDE}
    assert set(BEFORE) == {n for n, c in CONTROLS.items() if c.mechanism == "before"}
    assert inside == {n for n, c in CONTROLS.items() if c.mechanism == "inside"}


@pytest.mark.parametrize("name", BEFORE)
def test_a_window_is_changed_in_its_frame_alone(windows: np.ndarray, name: str) -> None:
    seen = torch.from_numpy(windows)
    assert change_windows(seen, make_rows(2)) is seen
    changed = change_windows(seen, make_rows(2, **{name: [0.0, CONTROLS[name].highest]}))
    assert torch.equal(changed[0], seen[0])
    assert (changed[1] - seen[1]).abs().max() > 0.1
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not changed[:, :40].any()  # silence stays black


def test_the_bands_are_where_they_say(windows: np.ndarray) -> None:
    seen = torch.full((1, 256, 256), 0.5)
    bands = {"bass_db": (0, 250), "mid_db": (250, 4_000), "treble_db": (4_000, 22_050)}
    for name, (low, high) in bands.items():
        changed = change_windows(seen, make_rows(1, **{name: 8.0}))[0, :, 0] > 0.55
        hz = torch.linspace(22_050, 0, 256)[changed]
        assert low - 87 <= hz.min() <= low + 87
        assert high - 87 <= hz.max() <= high
    tilted = change_windows(seen, make_rows(1, tilt_db=16.0))[0, :, 0]
    assert tilted[0] == pytest.approx(0.6)  # the highest frequency, 8 dB of 80 up
    assert tilted[-1] == pytest.approx(0.4)


def test_smear_hears_the_past_and_never_the_future() -> None:
    blow = torch.zeros(1, 256, 256)
    blow[:, :, 100] = 1.0
    smeared = change_windows(blow, make_rows(1, smear=1.0))[0, 0]
    assert not smeared[:100].any()
    assert (smeared[100:140] > 0).all()
    assert not smeared[150:].any()


@pytest.mark.parametrize("name", INSIDE)
def test_maps_are_bent_in_their_frame_alone(name: str) -> None:
    maps = torch.randn(2, 6, 8, 12, generator=torch.Generator().manual_seed(0))
    control = CONTROLS[name]
    bend = bend_of(make_rows(2, **{name: [control.neutral, control.highest]}), 0, CPU)
    assert bend is not None
    bent = bend(maps)
    assert torch.equal(bent[0], maps[0])
    assert (bent[1] - maps[1]).abs().mean() > 0.05
    assert bent.isfinite().all()
    half = bend(maps.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), bent, atol=0.1, rtol=0.1)


def test_neutral_rows_bend_nothing() -> None:
    assert bend_of(make_rows(3), 0, CPU) is None


def test_a_turn_of_the_maps_is_a_turn() -> None:
    maps = torch.zeros(1, 1, 32, 32)
    maps[:, :, 16, 24:] = 1.0  # a hand that points to the right
    bend = bend_of(make_rows(1, turn_deg=45.0), 0, CPU)
    assert bend is not None
    turned = bend(maps)[0, 0]
    rows, columns = torch.nonzero(turned > 0.3, as_tuple=True)
    angles = torch.rad2deg(torch.atan2(rows - 15.5, columns - 15.5))
    assert (angles.abs() - 45).abs().max() < 6


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_of_both_networks_can_be_bent(
    theme: Theme, windows: np.ndarray, layer: str
) -> None:
    duet = Duet(theme, RECIPE.model_copy(update={"layer": layer}))
    for blend in (0.0, 1.0):  # the still alone, the painted frame alone
        plain = duet.paint(make_rows(2, blend=blend), windows)
        bent = duet.paint(make_rows(2, blend=blend, swell=[1.0, 2.0]), windows)
        assert torch.equal(bent[0], plain[0])
        assert (bent[1] - plain[1]).abs().mean() > 0.003


@pytest.mark.parametrize(("name", "value"), [("push", 0.8), ("push", -0.8), ("truncation", 0.3)])
def test_styles_are_steered(theme: Theme, windows: np.ndarray, name: str, value: float) -> None:
    duet = Duet(theme, RECIPE)
    plain = duet.paint(make_rows(2, blend=0.0), windows)
    values = {name: [CONTROLS[name].neutral, value]}
    steered = duet.paint(make_rows(2, blend=0.0, **values), windows)
    assert torch.equal(steered[0], plain[0])
    assert (steered[1] - plain[1]).abs().mean() > 0.01


def test_no_variety_is_left_without_truncation(theme: Theme, windows: np.ndarray) -> None:
    first, second = (
        Duet(theme, replace_keyframes(keyframes)).paint(
            make_rows(1, blend=0.0, truncation=0.0), windows[:1]
        )
        for keyframes in ((5,), (9,))
    )
    torch.testing.assert_close(first, second, atol=1e-4, rtol=0)


def replace_keyframes(keyframes: tuple[int, ...]) -> Recipe:
    return RECIPE.model_copy(update={"keyframes": keyframes})
