"""The recipe: what it refuses, and that it comes back as it was."""

import json
from fractions import Fraction

import pytest

from film.blends import BLENDS
from film.recipe import (
    BLEND_NAMES,
    MAX_KEYFRAMES,
    Recipe,
    build_recipe,
    choose_keyframes,
    parse_recipe,
)
from spectro.errors import TonfilmError

GOOD = {"keyframes": [3, 17, 42]}


def test_json_gives_the_same_recipe_back() -> None:
    recipe = build_recipe(
        {**GOOD, "fps": "24000/1001", "level": 0.25, "start_s": 1.5, "duration_s": 2, "seed": 9}
    ).bind(song_sha256="0" * 64, stems={}, weights={"pix2pix.safetensors": "f" * 64})
    assert parse_recipe(recipe.to_json()) == recipe
    assert recipe.fps == Fraction(24_000, 1001)


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        (24, "24"),
        (12.5, "25/2"),
        (29.97, "30000/1001"),
        ("23.976", "24000/1001"),
        ("59.94", "60000/1001"),
        ("30000/1001", "30000/1001"),
    ],
)
def test_frame_rates_are_exact(asked: object, exact: str) -> None:
    recipe = build_recipe({**GOOD, "fps": asked})
    assert json.loads(recipe.to_json())["fps"] == exact


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"fps": 0}, "frame rate"),
        ({"fps": "24/0"}, "frame rate"),
        ({"fps": "fast"}, "frame rate"),
        ({"fps": 61}, "frame rate"),
        ({"fps": "nan"}, "frame rate"),
        ({"fps": 23.97600001}, "frame rate"),
        ({"width": 641}, "width"),
        ({"width": 62}, "width"),
        ({"height": 4000}, "height"),
        ({"width": 1000, "height": 300}, "2.5 times"),
        ({"level": 1.01}, "level"),
        ({"frequency": -0.1}, "frequency"),
        ({"timbre": float("nan")}, "timbre"),
        ({"start_s": float("inf")}, "start_s"),
        ({"start_s": -1}, "start_s"),
        ({"duration_s": 0}, "duration_s"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"keyframes": []}, "keyframes"),
        ({"keyframes": [-1]}, "keyframes"),
        ({"keyframes": [1] * (MAX_KEYFRAMES + 1)}, "keyframes"),
        ({"blend": "wipe"}, "blend"),
        ({"quality": "best"}, "quality"),
        ({"version": 2}, "version"),
        ({"song_sha256": "abc"}, "song_sha256"),
        ({"weights": {"pix2pix.safetensors": "abc"}}, "weights"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_sentence(
    change: dict[str, object], word: str
) -> None:
    with pytest.raises(TonfilmError) as caught:
        build_recipe({**GOOD, **change})
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"keyframes": [1], "level": NaN}', "{}"])
def test_broken_json_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(TonfilmError) as caught:
        parse_recipe(text)
    assert "\n" not in str(caught.value)


def test_the_names_of_blends_are_those_there_are() -> None:
    assert tuple(BLENDS) == BLEND_NAMES
    for name in BLEND_NAMES:
        assert Recipe(keyframes=(1,), blend=name).blend == name


def test_a_seed_draws_the_same_different_keyframes() -> None:
    drawn = choose_keyframes(5, MAX_KEYFRAMES)
    assert drawn == choose_keyframes(5, MAX_KEYFRAMES)
    assert len(set(drawn)) == MAX_KEYFRAMES
    assert drawn != choose_keyframes(6, MAX_KEYFRAMES)
