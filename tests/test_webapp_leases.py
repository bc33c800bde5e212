"""Who works at which row: one worker at a time, and nothing is forgotten."""

import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import Engine
from web_service import work

from webapp import leases
from webapp.leases import MAX_TRIES, InterruptedWorkError, cancel, claim, find_lost
from webapp.tables import Gallery, State, db

pytest_plugins = ["web_fixtures"]


@pytest.fixture
def engine(app: Flask) -> Iterator[Engine]:
    """Return the database, with one queued row, "job"."""
    with app.app_context():
        db.session.add(Gallery(id="job", theme="tiny", weights="w", first_seed=0))
        db.session.commit()
        yield db.engine


@pytest.fixture(autouse=True)
def nobody_stops() -> Iterator[None]:
    """Let no test ask another one's worker to stop."""
    yield
    leases.stopping.clear()


def row() -> Gallery:
    """Read the row anew."""
    db.session.rollback()
    return db.session.get_one(Gallery, "job")


def change(**values: object) -> None:
    """Change the row."""
    with db.engine.begin() as connection:
        connection.execute(db.update(Gallery).values(**values))


def wait_for(is_so: object) -> None:
    """Wait until a condition holds, three seconds at most."""
    assert callable(is_so)
    deadline_s = time.monotonic() + 3
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_only_one_worker_gets_a_row(engine: Engine) -> None:
    assert claim(engine, Gallery, "job", 20) is not None
    assert claim(engine, Gallery, "job", 20) is None
    assert (row().state, row().n_tries) == (State.RUNNING, 1)


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
def test_what_is_over_is_not_claimed(engine: Engine, state: State) -> None:
    change(state=state)
    assert claim(engine, Gallery, "job", 20) is None
    assert row().state == state


def test_a_row_whose_worker_is_silent_goes_to_another(engine: Engine) -> None:
    first = claim(engine, Gallery, "job", 20)
    change(heartbeat_s=time.time() - 21)
    second = claim(engine, Gallery, "job", 20)
    assert first is not None
    assert second is not None
    assert not first.finish(State.DONE), "the first worker woke up too late"
    assert row().state == State.RUNNING
    assert second.finish(State.DONE)
    assert row().state == State.DONE


def test_signs_of_life_and_progress_are_written(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_S", 0.02)
    lease = claim(engine, Gallery, "job", 20)
    assert lease is not None
    before_s = row().heartbeat_s
    with lease:
        lease("paint", 3, 10)
        lease("paint", 5, 10)
        wait_for(lambda: row().n_done == 5)
    now = row()
    assert now.heartbeat_s > before_s
    assert (now.stage, now.n_steps, now.stage_began_done) == ("paint", 10, 3)


def test_the_worker_of_a_cancelled_row_is_interrupted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_S", 0.02)
    lease = claim(engine, Gallery, "job", 20)
    assert lease is not None

    def is_interrupted() -> bool:
        try:
            lease("paint", 1, 10)
        except InterruptedWorkError:
            return True
        return False

    with lease:
        assert not is_interrupted()
        assert cancel(engine, Gallery, "job")
        wait_for(is_interrupted)
        lease.give_back()
    assert row().state == State.CANCELLED
    assert not cancel(engine, Gallery, "job")


def test_a_worker_that_must_stop_gives_the_row_back(engine: Engine) -> None:
    lease = claim(engine, Gallery, "job", 20)
    assert lease is not None
    leases.stopping.set()
    with lease, pytest.raises(InterruptedWorkError):
        lease("paint", 1, 10)
    lease.give_back()
    assert (row().state, row().n_tries) == (State.QUEUED, 0)


def test_a_job_that_kills_its_workers_is_given_up(engine: Engine) -> None:
    for _ in range(MAX_TRIES):
        assert claim(engine, Gallery, "job", 20) is not None
        change(heartbeat_s=0.0)
    assert claim(engine, Gallery, "job", 20) is None
    assert row().state == State.FAILED
    assert row().error.endswith("smaller picture.")


@pytest.mark.parametrize(
    ("values", "is_lost"),
    [
        ({"sent_s": -100}, True),  # its message was sent long ago
        ({"sent_s": -1}, False),
        ({"state": State.RUNNING, "heartbeat_s": -100, "sent_s": -200}, True),  # killed
        ({"state": State.RUNNING, "heartbeat_s": -1, "sent_s": -200}, False),
        ({"state": State.DONE, "heartbeat_s": -100, "sent_s": -200}, False),
    ],
)
def test_the_sweep_finds_what_is_lost_once(
    engine: Engine, values: dict[str, float], *, is_lost: bool
) -> None:
    now_s = time.time()
    change(
        **{name: now_s + value if name.endswith("_s") else value for name, value in values.items()}
    )
    found = find_lost(engine, Gallery, lease_s=20, unsent_s=60)
    assert found == (["job"] if is_lost else [])
    assert find_lost(engine, Gallery, lease_s=20, unsent_s=60) == []


def test_a_bug_fails_the_job_with_a_plain_sentence(
    app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("webapp.stills.paint_gallery", fail)
    work(app)
    assert row().state == State.FAILED
    assert row().error.startswith("Something went wrong inside Tonfilm")
