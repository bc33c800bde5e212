"""Routes say what they are, and what is wrong with them."""

from dataclasses import replace
from pathlib import Path

import pytest

from spectro.errors import TonfilmError
from spectro.motions import MOTIONS
from spectro.routes import CONTROLS, DEFAULT_ROUTES, Route, change_routes, parse_route
from spectro.sources import SOURCES

ROUTE = {"source": "level", "target": "zoom", "amount": 0.5}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"source": "loudness"}, "there is no source 'loudness'"),
        ({"target": "speed"}, "there is no target 'speed'"),
        ({"curve": "cube"}, "there is no curve 'cube'"),
        ({"amount": 1.1}, "amount is 1.1"),
        ({"amount": float("nan")}, "amount is nan"),
        ({"release_s": 0.1}, "release is 0.1"),
        ({"release_s": float("inf")}, "release is inf"),
        ({"attack_s": 0.0}, "attack is 0"),
        ({"delay_s": -1.0}, "delay is -1"),
        ({"source": "turn", "curve": "root"}, "turn swings to both sides"),
    ],
)
def test_a_route_checks_itself(wrong: dict[str, str | float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Route(**ROUTE | wrong)


def test_a_route_is_read_from_a_line() -> None:
    assert parse_route("onset:zoom=0.4") == Route(source="onset", target="zoom", amount=0.4)
    text = "bass : swell = -1, attack=0.05,release = 2,delay=0.1,curve=square"
    assert parse_route(text) == Route(
        source="bass",
        target="swell",
        amount=-1.0,
        attack_s=0.05,
        release_s=2.0,
        delay_s=0.1,
        curve="square",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "write it as onset:zoom=0.4"),
        ("onset", "write it as onset:zoom=0.4"),
        ("onset:zoom", "write it as onset:zoom=0.4"),
        ("onset:zoom=much", "write it as onset:zoom=0.4"),
        ("onset:zoom=0.4,attack", "write it as onset:zoom=0.4"),
        ("onset:zoom=0.4,speed=3", "a setting that none has: attack, release, delay, curve"),
        ("onset:zoom=nan", "amount is nan"),
        ("onset:zoom=0.4,release=0.01", "release is 0.01, and must lie between 0.2 and 60"),
        ("kazoo:zoom=0.4", "there is no source 'kazoo'"),
        ("onset:kazoo=0.4", "there is no target 'kazoo'"),
    ],
)
def test_a_line_that_is_no_route_gives_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(TonfilmError, match=sentence) as error:
        parse_route(text)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


def test_routes_take_the_place_of_those_with_the_same_ends() -> None:
    first = DEFAULT_ROUTES[0]
    louder, new = replace(first, amount=0.9), Route(source="beat", target="swell", amount=0.5)
    assert change_routes(DEFAULT_ROUTES, [louder, new]) == (louder, *DEFAULT_ROUTES[1:], new)
    assert change_routes(DEFAULT_ROUTES, [replace(first, amount=0.0)]) == DEFAULT_ROUTES[1:]
    assert not change_routes((), [replace(new, amount=0.0)])


def test_the_manual_says_what_every_end_of_a_route_is() -> None:
    manual = (Path(__file__).resolve().parents[1] / "docs" / "manual.md").read_text()
    for name, source in (SOURCES | MOTIONS).items():
        assert f"| `{name}` | " in manual
        assert f" | {source.meaning} |" in manual
    for name, control in CONTROLS.items():
        bounds = f"{control.lowest:g}, {control.neutral:g}, {control.highest:g}"
        line = next(
            line
            for line in manual.splitlines()
            if line.startswith(
                f"| `{name}` | {'after them' if control.mechanism == 'after' else ''}"
            )
        )
        assert line.endswith(f" | {bounds} | {control.meaning} |")
