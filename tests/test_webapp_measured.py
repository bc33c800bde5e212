"""How tight a film came out, on its page; and what a film without the flash guard warns of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from flask import Flask
from web_service import Visitor, film_row, work

from film.measured import NOT_MEASURED
from film.recipe import FLASH_WARNING, parse_recipe
from film.report import Measured, Report
from webapp import leases
from webapp.jobs import render
from webapp.tables import Film, State, db

pytest_plugins = ["web_fixtures"]


def film_path(app: Flask, film_id: str) -> Path:
    return Path(app.instance_path) / "films" / f"{film_id}.mp4"


def read_report(app: Flask, film_id: str) -> Report:
    return Report.model_validate_json(film_row(app, film_id).report)


def show_measured(
    app: Flask, visitor: Visitor, figures: dict[str, float | None], sentences: tuple[str, ...]
) -> str:
    """Make a film, put other figures into its report, and return its page."""
    film_id = visitor.new_film(visitor.new_song(0.5))
    work(app)
    measured = Measured(figures=figures, sentences=sentences, seconds=1.0)
    report = read_report(app, film_id).model_copy(update={"measured": measured})
    with app.app_context():
        db.session.get_one(Film, film_id).report = report.model_dump_json()
        db.session.commit()
    return visitor.get(f"/films/{film_id}").text


def forbid(*_: object, **__: object) -> Any:
    raise AssertionError("the film was made once more")


def test_the_page_says_how_tight_a_film_is(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    work(app)
    measured = read_report(app, film_id).measured
    assert measured is not None
    page = visitor.get(f"/films/{film_id}").text
    assert "In time with the music" in page
    assert all(sentence in page for sentence in measured.sentences)


@pytest.mark.parametrize(
    ("met", "by_chance", "sentences"),
    [
        (0.83, 0.21, ("Beats met: 83 %, by chance 21 %.", "The picture is tight on the beat.")),
        (0.83, None, ("Beats met: 83 %. What chance would meet cannot be told.",)),
        (None, None, ("No beat was heard in the music, so there is none to meet.",)),
    ],
    ids=["compared", "short", "silent"],
)
def test_words_stand_on_the_page_and_a_bar_where_there_are_two_figures(
    app: Flask,
    visitor: Visitor,
    *,
    met: float | None,
    by_chance: float | None,
    sentences: tuple[str, ...],
) -> None:
    figures = {"beats_met": met, "by_chance": by_chance, "are_flashes_safe": True}
    page = show_measured(app, visitor, figures, sentences)
    assert "notice" not in page
    assert all(sentence in page for sentence in sentences)
    assert ('<rect class="meter-met" width="83.0"' in page) == (by_chance is not None)
    assert ("shifted to another place" in page) == (by_chance is not None)


def test_a_film_that_flashes_too_often_warns_above_the_player(app: Flask, visitor: Visitor) -> None:
    figures = {"beats_met": 0.5, "by_chance": 0.2, "are_flashes_safe": False}
    danger = "It flashes up to 5 times within a second."
    page = show_measured(app, visitor, figures, ("Beats met: 50 %, by chance 20 %.", danger))
    assert page.count(danger) == 1
    assert page.index(danger) < page.index("<video")


def test_a_film_that_cannot_be_measured_is_done(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))

    def fail(*_: object) -> Any:
        raise RuntimeError("It broke.")

    monkeypatch.setattr("measures.report.watch", fail)
    work(app)
    assert film_row(app, film_id).state == State.DONE
    assert "RuntimeError: It broke." in caplog.text
    page = visitor.get(f"/films/{film_id}").text
    assert "<video" in page
    assert NOT_MEASURED in page
    assert "In time with the music" not in page
    assert visitor.get(f"/films/{film_id}/download").status_code == 200


def stop_the_worker(app: Flask, _film_id: str) -> None:
    leases.stopping.set()


def cancel(app: Flask, film_id: str) -> None:
    leases.cancel(db.engine, Film, film_id)
    leases.stopping.set()  # of what was cancelled the worker hears only at its next sign of life


@pytest.mark.parametrize(
    ("end", "state"), [(stop_the_worker, State.QUEUED), (cancel, State.CANCELLED)]
)
def test_a_film_whose_measuring_was_ended_is_not_made_again(
    app: Flask,
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    *,
    end: Callable[[Flask, str], None],
    state: State,
) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    tell = leases.Lease.__call__

    def tell_or_end(lease: leases.Lease, stage: str, done: int, total: int) -> None:
        if (stage, done) == ("measure", 5):
            end(app, film_id)
        tell(lease, stage, done, total)

    with monkeypatch.context() as patch, app.app_context():
        patch.setattr(leases.Lease, "__call__", tell_or_end)
        try:
            render(film_id)
        finally:
            leases.stopping.clear()
    assert film_row(app, film_id).state == state
    assert film_path(app, film_id).exists()
    monkeypatch.setattr("webapp.rendering.make_film", forbid)
    visitor.post(f"/films/{film_id}/again")
    work(app)
    assert film_row(app, film_id).state == State.DONE
    assert read_report(app, film_id).measured is not None


def test_the_page_shows_that_a_film_is_being_measured(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    tell, seen = leases.Lease.__call__, []

    def tell_and_look(lease: leases.Lease, stage: str, done: int, total: int) -> None:
        tell(lease, stage, done, total)
        if (stage, done) == ("measure", 6):
            lease.keep(stage=stage)  # as the next sign of life does
            seen.append(visitor.get(f"/films/{film_id}/status.json").json)

    monkeypatch.setattr(leases.Lease, "__call__", tell_and_look)
    work(app)
    (status,) = seen
    assert (status["state"], status["words"]) == ("running", "Measuring how tight it is")
    assert status["picture"], "the film that is measured has a poster"


def test_the_flash_guard_is_switched_off_by_a_tick_alone(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.5)
    guarded, unguarded = visitor.new_film(song_id), visitor.new_film(song_id, unguarded="y")
    assert parse_recipe(film_row(app, guarded).recipe).flash_guard
    assert not parse_recipe(film_row(app, unguarded).recipe).flash_guard
    page = visitor.get(f"/songs/{song_id}/film").text
    tick = page[page.index('name="unguarded"') - 200 : page.index('name="unguarded"') + 200]
    assert "checked" not in tick
    assert "seizures" in page
    again = visitor.get(f"/songs/{song_id}/film?again={unguarded}").text
    at = again.index('name="unguarded"')
    assert "checked" in again[at - 200 : at + 200]
    assert '<details class="advanced panel" open>' in again


def test_a_film_without_the_flash_guard_warns_on_its_page_and_in_its_file(
    app: Flask, visitor: Visitor
) -> None:
    song_id = visitor.new_song(0.5)
    film_id = visitor.new_film(song_id, unguarded="y")
    work(app)
    page = visitor.get(f"/films/{film_id}").text
    assert page.count(FLASH_WARNING) == 1
    assert page.index(FLASH_WARNING) < page.index("<video")
    with av.open(film_path(app, film_id)) as film:
        assert film.metadata["description"] == FLASH_WARNING
    guarded = visitor.new_film(song_id)
    work(app)
    assert FLASH_WARNING not in visitor.get(f"/films/{guarded}").text
    with av.open(film_path(app, guarded)) as film:
        assert "description" not in film.metadata
