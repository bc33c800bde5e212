"""From presets and the table of routes on the page to the recipe of a film, and back."""

import html
import re
from dataclasses import replace

import pytest
from flask import Flask
from web_service import Visitor, film_fields, film_row, route_fields, routes_on, sentence

import film.recipe
from film.presets import PRESETS, read_preset
from film.recipe import Recipe, parse_recipe
from spectro.routes import CONTROLS, CURVES, DEFAULT_ROUTES, MAX_ROUTES, Route
from spectro.sources import SOURCES
from webapp.route_forms import HEARD, LAYERS, RESPONSES, SEEN
from webapp.tables import Film, db

pytest_plugins = ["web_fixtures"]

ONE = Route(source="beat", target="zoom", amount=0.1)


def made(app: Flask, film_id: str) -> Recipe:
    return parse_recipe(film_row(app, film_id).recipe)


def preset_routes(name: str) -> tuple[Route, ...]:
    return tuple(Route(**route) for route in read_preset(name)["routes"])


def test_all_that_can_be_chosen_has_a_word() -> None:
    assert set(RESPONSES) == set(CURVES)
    assert set(LAYERS) == set(film.recipe.LAYERS)
    assert set(SEEN) == set(CONTROLS)
    assert set(HEARD) <= set(SOURCES)


def test_a_film_that_nobody_tunes_has_the_default_routes(app: Flask, visitor: Visitor) -> None:
    page = visitor.get(f"/songs/{visitor.new_song()}/film").text
    assert routes_on(page) == list(DEFAULT_ROUTES)
    sent = visitor.new_film(visitor.new_song(), **route_fields(DEFAULT_ROUTES), filled="own")
    unsent = visitor.new_film(visitor.new_song())
    for film_id in (sent, unsent):
        assert made(app, film_id).routes == DEFAULT_ROUTES


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fills_in_what_was_not_changed(app: Flask, visitor: Visitor, name: str) -> None:
    """Without JavaScript the page still shows the fields from before the choice."""
    shown = route_fields(DEFAULT_ROUTES) | {"filled": "own"}
    recipe = made(app, visitor.new_film(visitor.new_song(), preset=name, **shown))
    preset = read_preset(name)
    sliders = (preset["level"], preset["frequency"], preset["timbre"])
    assert (recipe.level, recipe.frequency, recipe.timbre) == sliders
    assert recipe.blend == preset.get("blend", "crossfade")
    assert recipe.routes == preset_routes(name)


def test_what_was_changed_beats_the_preset(app: Flask, visitor: Visitor) -> None:
    changes = {"preset": "dream", "timbre": "0.05", "blend": "colour", **route_fields([ONE])}
    film_id = visitor.new_film(visitor.new_song(), **changes, filled="own")
    recipe = made(app, film_id)
    assert (recipe.timbre, recipe.blend, recipe.routes) == (0.05, "colour", (ONE,))
    assert recipe.frequency == read_preset("dream")["frequency"]


def test_a_preset_that_the_page_has_filled_in_is_taken_as_it_stands(
    app: Flask, visitor: Visitor
) -> None:
    fields = {"preset": "calm", "filled": "calm", **route_fields(preset_routes("calm"))}
    film_id = visitor.new_film(visitor.new_song(), **fields, level="0.9")
    recipe = made(app, film_id)
    assert (recipe.level, recipe.routes) == (0.9, preset_routes("calm"))


def test_from_preset_to_preset_a_blend_that_the_first_one_set_goes_back(
    app: Flask, visitor: Visitor
) -> None:
    shown = {"filled": "dream", **route_fields(preset_routes("dream"))}
    for blend, expected in (("displace", "crossfade"), ("pyramid", "pyramid")):
        film_id = visitor.new_film(visitor.new_song(), **shown, preset="pulse", blend=blend)
        assert made(app, film_id).blend == expected


TABLES = {
    "changed": (replace(DEFAULT_ROUTES[0], amount=-0.4, delay_s=1.5), *DEFAULT_ROUTES[1:]),
    "one taken away": DEFAULT_ROUTES[1:],
    "one added": (
        *DEFAULT_ROUTES,
        Route(source="mid", target="gain_db", amount=1.0, attack_s=0.001, curve="root"),
    ),
    "all taken away": (),
    "the most": (ONE,) * MAX_ROUTES,
}


@pytest.mark.parametrize("routes", TABLES.values(), ids=TABLES.keys())
def test_the_table_reaches_the_recipe(
    app: Flask, visitor: Visitor, routes: tuple[Route, ...]
) -> None:
    film_id = visitor.new_film(visitor.new_song(), **route_fields(routes), filled="own")
    assert made(app, film_id).routes == routes


def test_a_route_without_an_amount_is_left_out(app: Flask, visitor: Visitor) -> None:
    """So one goes without JavaScript, and a full table has room for the row that may be added."""
    fields = route_fields([replace(ONE, amount=0.0)] + [ONE] * MAX_ROUTES)
    assert made(app, visitor.new_film(visitor.new_song(), **fields, filled="own")).routes == (
        (ONE,) * MAX_ROUTES
    )


MISTAKES = {
    "an unknown source": ({"source": "<b>"}, "Route 2: there is no source '<b>': choose among"),
    "no source": ({"source": ""}, "Route 2: there is no source ''"),
    "an unknown target": ({"target": "smell"}, "Route 2: there is no target 'smell'"),
    "an unknown curve": ({"curve": "xor"}, "Route 2: there is no curve 'xor'"),
    "too large an amount": ({"amount": "1.01"}, "Route 2: amount is 1.01, and must lie between"),
    "no number": ({"amount": "loud"}, "Route 2: amount has to be a number."),
    "nothing": ({"delay_s": ""}, "Route 2: delay has to be a number."),
    "not a number": ({"amount": "nan"}, "Route 2: amount is nan, and must lie between"),
    "infinity": ({"delay_s": "inf"}, "Route 2: delay is inf, and must lie between 0 and 60."),
    "no attack": ({"attack_s": "0"}, "Route 2: attack is 0, and must lie between"),
    "too short a release": ({"release_s": "0.1"}, "Route 2: release is 0.1, and must lie between"),
    "a swing that is bent": (
        {"source": "drift_x", "curve": "square"},
        "Route 2: “Sway sideways” swings to both sides, and its response can only be “Even”.",
    ),
}


@pytest.mark.parametrize(("cells", "reason"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_the_table_is_named_by_its_row(
    app: Flask, visitor: Visitor, cells: dict[str, str], reason: str
) -> None:
    wrong = {f"routes-1-{name}": value for name, value in cells.items()}
    fields = route_fields([ONE, ONE, ONE]) | wrong
    answer = visitor.post(f"/songs/{visitor.new_song()}/film", film_fields(**fields, filled="own"))
    assert answer.status_code == 400
    said = html.unescape(sentence(answer))
    assert said.startswith(reason)
    assert said.count(". ") == 0
    assert answer.text.count("is-wrong") == 1
    assert re.search(r'<details class="advanced panel" open>', answer.text)
    with app.app_context():
        assert not db.session.scalars(db.select(Film)).all()


@pytest.mark.parametrize("number", ["²", "٣", "9" * 5_000, "-1", "x"])
def test_a_row_with_a_strange_number_is_no_row(app: Flask, visitor: Visitor, number: str) -> None:
    fields = route_fields([ONE]) | {f"routes-{number}-source": "level"}
    film_id = visitor.new_film(visitor.new_song(), **fields, filled="own")
    assert made(app, film_id).routes == (ONE,)


def test_too_many_routes_are_a_mistake(visitor: Visitor) -> None:
    fields = film_fields(**route_fields([ONE] * (MAX_ROUTES + 1)), filled="own")
    answer = visitor.post(f"/songs/{visitor.new_song()}/film", fields)
    assert answer.status_code == 400
    assert sentence(answer) == f"Keep at most {MAX_ROUTES} routes: take some away."


def test_a_mistake_loses_nothing_of_what_was_chosen(visitor: Visitor) -> None:
    chosen = [replace(ONE, amount=-0.25), replace(ONE, delay_s=2.0, curve="root")]
    fields = route_fields(chosen) | {"routes-1-amount": "a lot"}
    choices = {"preset": "club", "filled": "club", "inside": "0.4", "layer": "coarse"}
    answer = visitor.post(
        f"/songs/{visitor.new_song()}/film", film_fields(**fields, **choices, picked=["30", "2"])
    )
    assert answer.status_code == 400
    page = answer.text
    assert value_of(page, "routes-1-amount") == "a lot"
    assert routes_on(page.replace('"a lot"', '"0.1"')) == chosen
    assert value_of(page, "filled") == "club"
    assert value_of(page, "inside") == "0.4"
    assert checked(page, "preset") == ["club"]
    assert checked(page, "layer") == ["coarse"]
    assert sorted(checked(page, "picked")) == ["2", "30"], "on the gallery's second page too"


def value_of(page: str, name: str) -> str:
    """Read what a field holds."""
    found = re.search(rf'<input[^>]*\bname="{name}"[^>]*\bvalue="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


def checked(page: str, name: str) -> list[str]:
    """Read which of some boxes or buttons are ticked."""
    boxes = re.findall(rf'<input\b[^>]*\bname="{name}"[^>]*>', page)
    values = (re.search(r'\bvalue="([^"]*)"', box) for box in boxes if " checked" in box)
    return [value[1] for value in values if value]


def test_a_film_can_be_made_again_with_changes(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song()
    choices = {
        "keyframes": "30, 2, 30",
        "size": "720x1280",
        "fps": "24000/1001",
        "duration_s": "0.5",
        "seed": "9",
        "after": "0.45",
        "layer": "fine",
        "level": "0.15",
    }
    film_id = visitor.new_film(song_id, preset="dream", **choices)
    address = f"/songs/{song_id}/film?again={film_id}"
    visitor.post(f"/films/{film_id}/cancel")
    assert address in html.unescape(visitor.get(f"/films/{film_id}").text)

    page = visitor.get(address).text
    assert f'action="{address}"' in page
    for name in ("keyframes", "duration_s", "seed", "after", "level"):
        assert value_of(page, name) == choices[name]
    assert '<option selected value="24000/1001">' in page
    assert '<option selected value="displace">' in page
    assert checked(page, "size") == ["720x1280"]
    assert checked(page, "layer") == ["fine"]
    assert sorted(checked(page, "picked")) == ["2", "30"]
    assert (checked(page, "preset"), value_of(page, "filled")) == (["dream"], "dream")
    assert routes_on(page) == list(preset_routes("dream"))

    # Without JavaScript another preset changes only what is as the film had it.
    sent = route_fields(routes_on(page)) | {"filled": "dream", "level": "0.15", "timbre": "0.7"}
    again = visitor.post(
        address, film_fields(**sent, preset="pulse", blend="displace", frequency="0.6")
    )
    recipe = made(app, again.location.rsplit("/", 1)[1])
    assert (recipe.level, recipe.timbre) == (0.15, read_preset("pulse")["timbre"])
    assert recipe.routes == preset_routes("pulse")


def test_pictures_of_another_theme_are_not_taken_over(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song()
    film_id = visitor.new_film(song_id, keyframes="30, 2")
    page = visitor.get(f"/songs/{song_id}/film?again={film_id}&theme=tiny").text
    assert value_of(page, "keyframes") == "30, 2"
    with app.app_context():
        row = db.session.get_one(Film, film_id)
        recipe = parse_recipe(row.recipe).model_copy(update={"theme": "gone"})
        row.recipe = recipe.to_json()
        db.session.commit()
    page = visitor.get(f"/songs/{song_id}/film?again={film_id}").text
    assert (value_of(page, "theme"), value_of(page, "keyframes")) == ("tiny", "")


def test_nobody_makes_a_strangers_film_again(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song())
    stranger = Visitor(app)
    song_id = stranger.new_song()
    assert stranger.get(f"/songs/{song_id}/film?again={film_id}").status_code == 404


def test_the_page_of_a_film_says_what_moved_what(visitor: Visitor) -> None:
    song_id = visitor.new_song()
    film_id = visitor.new_film(song_id, preset="calm", before="0", layer="fine")
    page = visitor.get(f"/films/{film_id}").text
    assert "<dt>Preset</dt><dd>Calm</dd>" in page
    assert "<dt>Before the networks</dt><dd>off</dd>" in page
    assert "<dt>Inside the networks</dt><dd>100 %, fine shapes</dd>" in page
    assert f"What moved what: {len(preset_routes('calm'))} routes" in page
    film_id = visitor.new_film(song_id, filled="own", **route_fields([replace(ONE, amount=-0.3)]))
    page = visitor.get(f"/films/{film_id}").text
    assert "<dt>Preset</dt><dd>Own</dd>" in page
    assert "What moved what: 1 route<" in page
    assert "<span>Beat</span><span>Zoom</span><span>-0.3</span>" in page
