"""The worker's tasks. Only inside them is the pipeline imported: it needs torch, pages do not."""

import logging
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from celery import Celery, Task, shared_task
from flask import Flask
from kombu.exceptions import OperationalError
from sqlalchemy.exc import OperationalError as DatabaseError

from film.disk import DiskFullError, plain_disk_errors
from spectro.errors import TonfilmError
from webapp import leases
from webapp.claims import Claims
from webapp.leases import DISK_FULL, InterruptedWorkError, Lease, SignsOfLife, TurnOverError
from webapp.service import service
from webapp.settings import Settings
from webapp.tables import Film, Gallery, Job, Picture, Song, State, db

OUR_MISTAKE = "Something went wrong inside Tonfilm: try again, and if it stays so, look at the log."

POLL_S = 0.1  # taste: how often a worker looks for messages in the instance folder

Results = dict[str, str]  # what a piece of work writes into its row, by column

log = logging.getLogger(__name__)


def make_celery(app: Flask, settings: Settings) -> "Celery[Task[Any, Any]]":
    """Build the Celery application: through the instance folder, or a broker of the settings."""

    class ContextTask(Task[Any, Any]):
        """A task that finds the database as a page does."""

        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery: Celery[Task[Any, Any]] = Celery("tonfilm", task_cls=ContextTask)
    celery.conf.update(
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_url=settings.broker or "filesystem://localhost",
    )
    if not settings.broker:
        folder = settings.instance.resolve() / "broker"
        celery.conf.update(
            broker_transport="webapp.broker:Transport",
            broker_transport_options={
                "polling_interval": POLL_S,
                "data_folder_in": str(folder),
                "data_folder_out": str(folder),
                "control_folder": str(folder / "control"),
            },
        )
    celery.set_default()
    return celery


def warm_up() -> None:
    """Import what the tasks need, before somebody waits for it."""
    for name in ("analysis", "stills", "rendering"):
        import_module(f"webapp.{name}")


def submit(job: Song | Gallery | Film | Picture) -> None:
    """Queue a job. Its row is committed first; the message only wakes a worker."""
    job.state = State.QUEUED
    job.sent_s = time.time()
    db.session.add(job)
    db.session.commit()
    wake(type(job), job.id)


def wake(table: type[Job], identity: str) -> None:
    """Send the message that wakes a worker for a row."""
    _send(TASKS[table].name, identity)


def _send(task: str, identity: str) -> None:
    try:
        service().celery.send_task(task, args=(identity,))
    except (OperationalError, OSError):
        # The broker is down, or its disk is full. The row stands, and the sweep sends it again.
        log.warning("No worker could be woken for %s %s", task, identity, exc_info=True)


@shared_task(name="tonfilm.analyse")
def analyse(song_id: str) -> None:
    """Compute the curves of a song."""

    def work(lease: Lease) -> Results:
        from webapp.analysis import analyse_song  # noqa: PLC0415, librosa is slow to import

        analyse_song(service(), song_id, lease)
        return {}

    _run(Song, song_id, work)


@shared_task(name="tonfilm.paint_stills")
def paint_stills(gallery_id: str) -> None:
    """Paint a page of the gallery."""

    def work(lease: Lease) -> Results:
        from webapp.stills import paint_gallery  # noqa: PLC0415, torch

        paint_gallery(service(), db.session.get_one(Gallery, gallery_id), lease)
        return {}

    _run(Gallery, gallery_id, work)


@shared_task(name="tonfilm.read_picture")
def read_picture(picture_id: str) -> None:
    """Read a visitor's own picture."""

    def work(lease: Lease) -> Results:
        from webapp.portraits import read_own  # noqa: PLC0415, torch

        return {"latent": read_own(service(), db.session.get_one(Picture, picture_id), lease)}

    _run(Picture, picture_id, work)


@shared_task(name="tonfilm.render")
def render(film_id: str) -> None:
    """Make a film."""

    def work(lease: Lease) -> Results:
        from webapp.rendering import render_film  # noqa: PLC0415, torch

        report = render_film(service(), film_id, lease, _claims(film_id, lease))
        return {"report": report.model_dump_json()}

    _run(Film, film_id, work)


@shared_task(name="tonfilm.help_render")
def help_render(film_id: str) -> None:
    """Paint segments of a film that another worker makes, if there are any to paint."""
    signs = leases.Help(db.engine, Film, film_id, service().settings.lease_s)
    claims = _claims(film_id, signs)
    if not (signs.is_wanted() and claims.any_is_free()):
        return
    _call_help(film_id)  # the next worker, if there is one
    from webapp.rendering import help_render as paint  # noqa: PLC0415, torch

    with signs:
        try:
            paint(service(), film_id, signs, claims)
        except (InterruptedWorkError, FileNotFoundError):
            log.info("Film %s needs no more help", film_id)
        except Exception:  # whatever it is, the worker that leads will meet it and tell the visitor
            log.exception("Helping with film %s failed", film_id)
        finally:
            claims.give_back()


def _claims(film_id: str, signs: SignsOfLife) -> Claims:
    lease_s = service().settings.lease_s
    return Claims(db.engine, film_id, signs, lease_s, lambda: _call_help(film_id))


def _call_help(film_id: str) -> None:
    _send(help_render.name, film_id)


TASKS: Mapping[type[Job], Task[Any, Any]] = {
    Song: analyse,
    Gallery: paint_stills,
    Picture: read_picture,
    Film: render,
}


def _run(table: type[Job], identity: str, work: Callable[[Lease], Results]) -> None:
    """Do a piece of work if its row is free, and write into the row how it ended."""
    lease = leases.claim(db.engine, table, identity, service().settings.lease_s)
    if lease is None:
        return
    with lease:
        try:
            with plain_disk_errors():
                results = work(lease)
        except InterruptedWorkError as reason:
            lease.give_back()
            if isinstance(reason, TurnOverError):
                wake(table, identity)  # behind those that wait
        except DatabaseError:
            # It is full or away. The row stands as it is, and the sweep sends it again.
            log.warning("No database for %s %s", table.__name__, identity, exc_info=True)
        except Exception as error:  # the one broad door: whatever it is, the visitor is told
            _end_badly(lease, f"{table.__name__} {identity}", error)
        else:
            lease.finish(State.DONE, **results)


def _end_badly(lease: Lease, job: str, error: Exception) -> None:
    if isinstance(error, DiskFullError):
        log.warning("%s waits: %s", job, error)
        lease.put_off(DISK_FULL)
    elif isinstance(error, TonfilmError):
        log.warning("%s: %s", job, error, exc_info=error.__cause__)
        lease.finish(State.FAILED, error=str(error))
    else:
        log.error("%s failed", job, exc_info=error)
        lease.finish(State.FAILED, error=OUR_MISTAKE)
