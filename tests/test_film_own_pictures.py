"""Own pictures in a recipe: they keep their numbers, and what is damaged is refused."""

import base64
import json
import zlib

import numpy as np
import pytest
import torch
from film_files import make_rows

from film.engines import Duet
from film.own_pictures import Latent, OwnPicture, pack
from film.planes import Size, canvas_size
from film.portraits import cover, lay_stops
from film.recipe import MAX_KEYFRAMES, Recipe, parse_recipe
from film.theme import STILLS_FILE, Theme, load_theme
from film.video import MAX_RECIPE_BYTES
from keyframes.knots import Knots, spline_rows
from spectro.errors import TonfilmError

# Of the tiny theme, at the canvas of a square film: 8 places of 4 knots a side.
N_STYLE, SHAPE = 8, (16, 32, 32)
SQUARE = Size(height=256, width=256)


@pytest.fixture
def theme(tiny_theme: str) -> Theme:
    return load_theme(tiny_theme)


def make_latent(shape: tuple[int, int, int] = SHAPE) -> Latent:
    """Make numbers such as a fit leaves."""
    random = np.random.default_rng(0)
    return Latent(
        style=random.normal(size=N_STYLE).astype(np.float32),
        knots=random.normal(size=shape).astype(np.float32),
    )


def make_picture(latent: Latent | None = None, **about: object) -> OwnPicture:
    """Make an own picture for a square film."""
    values = {"name": "a.jpg", "weights": "a" * 64, "width": 256, "height": 256}
    return pack(latent or make_latent(), values | about)


def test_numbers_come_back_as_near_as_eight_bits_take_them() -> None:
    latent = make_latent()
    back = make_picture(latent).unpack()
    assert np.abs(back.style - latent.style).max() < 2e-3
    assert np.abs(back.knots - latent.knots).max() <= np.abs(latent.knots).max() / 127 / 2 + 1e-6


def test_a_flat_picture_comes_back() -> None:
    flat = Latent(style=np.zeros(N_STYLE, np.float32), knots=np.zeros(SHAPE, np.float32))
    assert not make_picture(flat).unpack().knots.any()


def test_seeds_and_pictures_come_back_from_json_in_their_order() -> None:
    recipe = Recipe(keyframes=(3, make_picture(), 17))
    assert parse_recipe(recipe.to_json()) == recipe
    assert Recipe.model_validate(recipe.model_dump()) == recipe


def test_a_recipe_full_of_the_largest_pictures_can_be_read_again() -> None:
    widest = canvas_size(Size(height=720, width=1800))
    picture = make_picture(make_latent((16, 32, 80)), height=widest.height, width=widest.width)
    recipe = Recipe(keyframes=(picture,) * MAX_KEYFRAMES)
    assert len(recipe.to_json()) < MAX_RECIPE_BYTES


def _damage(values: dict, how: str) -> None:
    raw = base64.b64decode(values["latent"])
    latent = {
        "letters": lambda: "?" + values["latent"],
        "cut off": lambda: values["latent"][:-40],
        "flipped": lambda: base64.b64encode(raw[:50] + b"\0" + raw[51:]).decode(),
        "no sum": lambda: base64.b64encode(raw[:-4]).decode(),
        "longer": lambda: base64.b64encode(zlib.compress(bytes(1 << 24))).decode(),
        "not finite": lambda: base64.b64encode(
            zlib.compress(b"\xff\xff" * N_STYLE + bytes(int(np.prod(SHAPE))))
        ).decode(),
    }
    if how == "too much":
        values["shape"] = [4096, 32, 32]
        raw = zlib.compress(bytes(2 * N_STYLE + int(np.prod(values["shape"]))))
        values["latent"] = base64.b64encode(raw).decode()
    elif how == "other shape":
        values["shape"] = [16, 32, 31]
    else:
        values["latent"] = latent[how]()


@pytest.mark.parametrize(
    "how",
    ["letters", "cut off", "flipped", "no sum", "longer", "not finite", "too much", "other shape"],
)
def test_a_damaged_picture_is_refused_in_one_sentence(how: str) -> None:
    values = json.loads(Recipe(keyframes=(3, make_picture())).to_json())
    _damage(values["keyframes"][1], how)
    with pytest.raises(TonfilmError, match=r"keyframes.*damaged.*again with --keyframes") as caught:
        parse_recipe(json.dumps(values))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_picture_belongs_to_the_stills_that_it_was_fitted_to(theme: Theme) -> None:
    recipe = Recipe(keyframes=(3, make_picture()), theme="tiny")
    with pytest.raises(TonfilmError, match=r"a\.jpg as another theme paints it.*--keyframes"):
        lay_stops(theme, recipe, SQUARE)


@pytest.mark.parametrize("change", [{"n_style": 10}, {"shape": (32, 32, 16)}, {"width": 512}])
def test_numbers_that_do_not_fit_together_are_refused(theme: Theme, change: dict) -> None:
    values = make_picture(weights=theme.card.weights[STILLS_FILE]).model_dump() | change
    raw = zlib.compress(bytes(2 * values["n_style"] + int(np.prod(values["shape"]))))
    values["latent"] = base64.b64encode(raw).decode()
    recipe = Recipe.model_validate({"keyframes": [values], "theme": "tiny"})
    with pytest.raises(TonfilmError, match=r"a\.jpg in numbers that do not fit together"):
        lay_stops(theme, recipe, SQUARE)


def test_a_film_walks_from_the_picture_to_the_still_of_a_seed(theme: Theme) -> None:
    picture = make_picture(weights=theme.card.weights[STILLS_FILE])
    recipe = Recipe(keyframes=(picture, 3), theme="tiny", width=64, height=64)
    duet, windows = Duet(theme, recipe), np.zeros((1, 256, 256), np.float32)
    frames = [
        duet.paint(make_rows(1, keyframe=place, toward=1, blend=0.0, bend=0.0), windows)
        for place in (0.0, 0.5, 1.0)
    ]
    stops = lay_stops(theme, recipe, SQUARE)
    fields = theme.stills.generator.fields(stops.styles, 256, 256)
    # A picture has neither fine fields nor lines, as when it was fitted.
    knots = Knots(coarse=stops.own.knots[:1]), fields[1:]
    rows = spline_rows(256)
    painted = [
        theme.stills.generator.read(some, style[None], rows, rows)
        for some, style in zip(knots, stops.styles, strict=True)
    ]
    ends = theme.stills.generator.soften(torch.cat(painted)).add(1).mul(0.5)
    torch.testing.assert_close(torch.cat(frames[::2]), ends, atol=2e-3, rtol=0)
    assert all((frames[1] - end).abs().mean() > 0.01 for end in ends)


def test_a_picture_is_laid_out_for_a_film_of_another_shape(theme: Theme) -> None:
    picture = make_picture(weights=theme.card.weights[STILLS_FILE])
    canvas = canvas_size(Size(height=720, width=1280))
    stops = lay_stops(theme, Recipe(keyframes=(picture, 3), theme="tiny"), canvas)
    painted = theme.stills.paint(stops.styles, canvas.height, canvas.width, stops.own)
    assert painted.shape == (2, 3, 256, 456)
    assert painted[0].std() > 0.01


def test_a_picture_covers_the_canvas_and_its_middle_is_kept() -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255
    covered = cover(pixels, SQUARE)
    assert covered.shape == (3, 256, 256)
    assert covered[:, :, 6:-6].min() > 0.99
    assert cover(pixels, Size(height=256, width=640)).shape == (3, 256, 640)
    plain = cover(np.full((33, 40, 3), 51, np.uint8), SQUARE)
    torch.testing.assert_close(plain, torch.full_like(plain, 0.2))
