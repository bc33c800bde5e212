"""Noise that is kept and seen through a warp, and the inks it is printed in."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from keyframes.form import OF_WARP, Form
from keyframes.gan_settings import GanSettings
from keyframes.gan_training import GanTraining
from keyframes.generator import Generator
from keyframes.inks import overtones
from keyframes.knots import KNOT, Knots, spline_rows
from keyframes.land import UNIT
from keyframes.latents import Latents, OwnFields
from keyframes.layers import initialise
from keyframes.material import Material
from keyframes.noise import to_noise
from keyframes.stills import Stills, load_generator, save_generator
from keyframes.warp import CELLS, N_SEEN, N_SLOPES, read_warp
from pix2pix import weights
from pix2pix.inner import Inner, Layer
from pix2pix.run import seeded

FORM = Form(
    width=16, n_noise=16, n_style=32, n_fields=4, n_waves=4, n_tones=4, warped=True,
    told={name: place for place, name in enumerate(OF_WARP)},
    n_layers=0, n_spots=0, n_fine=0, n_lines=0, whole_width=16, detail_width=16,
)  # fmt: skip
NAMES = list(FORM.told)
HEIGHT, LIT = 0, N_SEEN  # places of what is read


@pytest.fixture
def generator() -> Generator:
    """Return one with tiles that are full of noise, smooth enough for slopes to be measured."""
    generator = Generator(FORM)
    initialise(generator, seeded(0))
    warp, random = generator.warp, seeded(1)
    with torch.no_grad():
        for tile in (warp.bends, warp.high, warp.cells):
            coarse = torch.randn(1, len(tile), CELLS, CELLS, generator=random) / 8
            around = torch.nn.functional.pad(coarse, (2, 2, 2, 2), mode="circular")
            finer = tile.shape[1] // CELLS
            fine = torch.nn.functional.interpolate(around, scale_factor=finer, mode="bicubic")
            tile.copy_(fine[0, :, 2 * finer : -2 * finer, 2 * finer : -2 * finer])
    return generator


def _styles(generator: Generator, **told: float) -> Tensor:
    """Return a style (1, n_style) that says some numbers, and a half of the others."""
    styles = generator.style(torch.ones(1, 16)).detach()
    for name in NAMES:
        styles[:, FORM.find(name)] = told.get(name, 0.5)
    return styles


def _read(generator: Generator, styles: Tensor, height: int, width: int) -> Tensor:
    """Read all that is seen through the warp at the pixels of a picture, (n, height, width)."""
    rows, columns = spline_rows(height), spline_rows(width)
    with torch.no_grad():
        warp = generator.fields(styles, height, width).warp
        assert warp is not None
        laid = rows.coarse @ warp @ columns.coarse.T
        stand, tiles = generator.warp.stand(styles), generator.warp.keep()
        return read_warp(laid, stand, tiles, rows.place, columns.place)[0]


def test_what_is_known_of_a_warp_is_told_as_it_is(generator: Generator) -> None:
    numbers = torch.full((50, 16), torch.nan)
    numbers[:, : len(NAMES)] = torch.rand(50, len(NAMES), generator=seeded(2))
    styles = generator.style(to_noise(numbers, seeded(3)))
    told = numbers[:, : len(NAMES)]
    torch.testing.assert_close(styles[:, -len(NAMES) :], told, atol=1e-4, rtol=0)


def test_a_wide_picture_shows_more_of_the_same(generator: Generator) -> None:
    styles = _styles(generator, warp=0.9, curl=0.9)
    square, wide = _read(generator, styles, 128, 128), _read(generator, styles, 128, 256)
    inside = slice(32, 96)  # beyond, fields go on as they end
    torch.testing.assert_close(wide[:, inside, 96:160], square[:, inside, inside])


def test_what_is_kept_has_no_seam(generator: Generator) -> None:
    # Seen far enough to the right, it begins again; nothing jumps on the way.
    styles = _styles(generator, scale=1.0, warp=0.0, curl=0.0)
    height = _read(generator, styles, 32, 2048)[HEIGHT]
    steps = (height[:, 1:] - height[:, :-1]).abs()
    assert steps.max() < 8 * steps.mean()


def test_slopes_are_those_of_what_is_seen(generator: Generator) -> None:
    with torch.no_grad():
        generator.warp.light.copy_(torch.tensor([1.0, 2.0]))
    styles = _styles(generator, scale=0.2, warp=0.6, curl=0.6)
    read = _read(generator, styles, 128, 128)
    for place in range(N_SLOPES):
        seen, told = read[place], read[LIT + place][32:-32, 32:-32]
        down = (seen[33:-31, 32:-32] - seen[31:-33, 32:-32]) * (UNIT / 2)
        across = (seen[32:-32, 33:-31] - seen[32:-32, 31:-33]) * (UNIT / 2)
        rise = across + 2 * down
        assert (told - rise).abs().mean() < 0.1 * rise.abs().mean()


def test_places_turn_and_grow_with_their_numbers(generator: Generator) -> None:
    level = _read(generator, _styles(generator, turn=0.0, warp=0.0, curl=0.0), 32, 32)
    upright = _read(
        generator, _styles(generator, turn=0.5, stretch=0.5, warp=0.0, curl=0.0), 32, 32
    )
    assert (level[2, :, -1] > level[2, :, 0]).all()  # along x
    assert (upright[2, -1] > upright[2, 0]).all()  # along y, after a quarter turn
    small, large = (
        _read(generator, _styles(generator, scale=scale, warp=0.0, curl=0.0), 32, 32)[2].std()
        for scale in (0.0, 1.0)
    )
    assert large / small == pytest.approx(math.e, rel=0.1)


def test_a_lamp_is_where_its_numbers_say(generator: Generator) -> None:
    near = _read(generator, _styles(generator, light_x=0.75, light_y=0.25), 256, 256)[N_SEEN - 2]
    y, x = divmod(int(near.argmax()), 256)
    assert (y, x) == (
        pytest.approx(128 - 0.4 * UNIT, abs=1),
        pytest.approx(128 + 0.4 * UNIT, abs=1),
    )


def test_a_picture_of_the_users_is_not_seen_through_a_warp(generator: Generator) -> None:
    stills = Stills(generator)
    styles = torch.stack([stills.style(0), stills.style(0)])
    knots = torch.randn(2, FORM.n_fields, 64 // KNOT, 64 // KNOT, generator=seeded(4))
    shares = torch.tensor([1.0, 0.0]).reshape(2, 1, 1, 1)
    own = OwnFields(knots=knots * shares, spreads=shares, shares=shares)
    latents = Latents(styles=styles, own=own)
    shown = stills.paint(latents.styles, 64, 64, own=latents.own)
    rows = spline_rows(64)
    bare = Knots(coarse=own.mix_into(generator.fields(styles, 64, 64)).coarse[:1])
    with torch.no_grad():
        alone = generator.soften(generator.read(bare, styles[:1], rows, rows)) / 2 + 0.5
    torch.testing.assert_close(shown[:1], alone, atol=1e-3, rtol=0)
    torch.testing.assert_close(shown[1:], stills.paint(styles[1:], 64, 64), atol=1e-3, rtol=0)


@pytest.mark.parametrize("layer", ["coarse", "middle", "fine"])
def test_what_is_done_to_a_layer_is_done_to_the_warp(generator: Generator, layer: Layer) -> None:
    styles = _styles(generator, warp=0.8)
    inner = Inner(layer=layer, change=lambda maps: 1.3 * maps)
    with torch.no_grad():
        plain = generator.fields(styles, 64, 64).warp
        bent = generator.fields(styles, 64, 64, inner=inner).warp
    assert plain is not None
    assert bent is not None
    torch.testing.assert_close(bent[:, :-1], 1.3 * plain[:, :-1])
    assert (bent[:, -1] == 1).all()


def test_a_warp_survives_its_file(generator: Generator, tmp_path: Path) -> None:
    path = tmp_path / "keyframes.safetensors"
    save_generator(path, generator)
    again = load_generator(weights.load(path, None))
    assert again.form == FORM
    styles = _styles(generator, warp=0.8)
    with torch.no_grad():
        painted, before = again(styles, 64, 64), generator(styles, 64, 64)
    assert (painted - before).abs().mean() < 0.01  # half precision


def test_a_form_is_warped_or_has_layers() -> None:
    with pytest.raises(ValueError, match="Where all is warped there are no layers"):
        replace(FORM, n_layers=3)
    with pytest.raises(ValueError, match="What is told must be: place_x"):
        replace(FORM, told={})


def _paint_waves(numbers: Tensor, side: int) -> Tensor:
    """Make black and white waves, kept, that are seen from where the first two numbers say."""
    axis = (torch.arange(side) + 0.5 - side / 2) * (2 / side)
    x = axis + 3 * numbers[:, NAMES.index("place_x"), None, None]
    y = axis[:, None] + 3 * numbers[:, NAMES.index("place_y"), None, None]
    bright = 0.5 + 0.4 * torch.sin(2.5 * x) * torch.cos(2.0 * y)
    return bright[:, None].expand(-1, 3, -1, -1)


def test_overtones_have_an_edge_once_in_a_turn() -> None:
    turns = torch.linspace(0, 2, 4001)[None]
    angles = 2 * math.pi * turns
    sines, cosines = torch.sin(angles), torch.cos(angles)
    saw, crest = overtones(sines, cosines)
    harmonics = torch.arange(1, 200)[:, None]
    strengths = 0.85**harmonics / harmonics
    torch.testing.assert_close(saw[0], (strengths * torch.sin(harmonics * angles)).sum(0))
    torch.testing.assert_close(crest[0], (strengths * torch.cos(harmonics * angles)).sum(0))
    assert saw.diff().abs().argmax() % 2000 in (0, 1999)  # where a turn begins
    assert crest.argmax() % 2000 == 0


class _Waves:
    """Endless waves, all seen as large as they are, and upright; they may be bent, but are not."""

    def __init__(self) -> None:
        self.painted: list[int] = []  # rows, of details

    def draw(self, generator: torch.Generator, n: int) -> Tensor:
        numbers = torch.full((n, 16), torch.nan)
        numbers[:, : len(NAMES)] = torch.rand(n, len(NAMES), generator=generator)
        numbers[:, [NAMES.index("turn"), NAMES.index("stretch")]] = 0.0
        numbers[:, NAMES.index("scale")] = 0.5
        return numbers

    def draw_eased(self, generator: torch.Generator, n: int, most: float) -> Tensor:
        numbers = self.draw(generator, n)
        numbers[:, [NAMES.index("warp"), NAMES.index("curl")]] *= most
        return numbers

    def paint(self, numbers: Tensor, side: int) -> Tensor:
        return _paint_waves(numbers, side).mul(255).byte()

    def paint_detail(self, numbers: Tensor, side: int, rows: slice, columns: slice) -> Tensor:
        self.painted.append(rows.stop - rows.start)
        return self.paint(numbers, side)[:, :, rows, columns]


def _train(settings: GanSettings) -> tuple[GanTraining, _Waves]:
    endless = _Waves()
    numbers = endless.draw(seeded(1), 32)
    pictures = endless.paint(numbers, 64).numpy()
    material = Material(
        pictures=[pictures] * 3, density=0.25, judge=lambda _: 0.0, numbers=[numbers] * 3,
        endless=endless,
    )  # fmt: skip
    return GanTraining(Fabric(devices=1, accelerator="cpu"), FORM, settings, material, 0), endless


def test_small_pictures_teach_what_all_of_them_share() -> None:
    training, endless = _train(GanSettings(n_small=8, n_details=16, alone_on_land=0.9))
    first = [training.step(step, 0.0)["copying"] for step in range(150)]
    for step in range(150, 250):
        figures = training.step(step, 0.3)
    assert set(figures) == {"copying"}
    assert sum(first[:5]) / 5 > 0.25
    others = endless.draw(seeded(2), 16)
    with torch.no_grad():
        styles = training.generator.style(to_noise(others, seeded(3)))
        painted = training.generator(styles, 32, 32, 1 / 8).mean(1) / 2 + 0.5
    true = _paint_waves(others, 32).mean(1)
    assert torch.corrcoef(torch.stack([painted.flatten(), true.flatten()]))[0, 1] > 0.8
    assert not endless.painted
    figures = training.step(250, 0.7)  # large ones from here on, and details of endless ones
    assert set(figures) == {"copying", "details"}
    assert figures["details"] < 0.25
    assert endless.painted == [16] * 4
    assert "critics" in training.step(251, 0.9)  # beside critics from here on


def test_the_least_bent_of_small_pictures_come_first() -> None:
    training, _ = _train(GanSettings())
    drawn: list[Tensor] = []

    def draw(noise: Tensor) -> Tensor:
        drawn.append(torch.special.ndtr(noise[:, [FORM.told["warp"], FORM.told["curl"]]]).amax(1))
        return style(noise)

    style = training.generator.style
    training.generator.style = draw  # type: ignore[method-assign]
    for step in range(20):
        training.step(step, 0.01)
    assert 0.1 < torch.cat(drawn).max() < 0.16
    for step in range(20):
        training.step(step, 0.59)
    assert torch.cat(drawn).max() > 0.9
