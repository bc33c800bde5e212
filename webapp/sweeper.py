"""The sweep of a worker: jobs whose message was lost, or whose worker died, are sent again."""

import logging
import threading
import time

from celery.signals import worker_ready, worker_shutting_down
from flask import Flask
from sqlalchemy.exc import OperationalError

from webapp import leases
from webapp.jobs import TASKS, wake, warm_up
from webapp.retention import forget_old, forget_unfinished
from webapp.service import service
from webapp.tables import db

# Every this many leases a queued job is sent again, though it may just be standing in line: a
# second message for it is harmless and costs one row update.
UNSENT_LEASES = 3

log = logging.getLogger(__name__)


def sweep(app: Flask, unsent_s: float) -> None:
    """Wake a worker once more for every row that seems forgotten, and forget what is old.

    Parameters
    ----------
    unsent_s : how long ago the last message for a queued row must have been sent
    """
    with app.app_context():
        lease_s = service().settings.lease_s
        for table in TASKS:
            for identity in leases.find_lost(db.engine, table, lease_s, unsent_s):
                wake(table, identity)
        forget_old()
        forget_unfinished()


def watch(app: Flask, lease_s: float) -> None:
    """Sweep when the worker of this process starts and while it lives, and hear when it must stop.

    In a process without a worker this does nothing.
    """

    @worker_ready.connect(weak=False)
    def start(**_: object) -> None:
        threading.Thread(target=_keep_sweeping, args=(app, lease_s), daemon=True).start()
        warm_up()

    @worker_shutting_down.connect(weak=False)
    def stop(**_: object) -> None:
        leases.stopping.set()


def _keep_sweeping(app: Flask, lease_s: float) -> None:
    unsent_s = 0.0  # whatever was queued before this worker started may be lost
    while True:
        try:
            sweep(app, unsent_s)
        except OperationalError:
            log.warning("The database did not answer the sweep", exc_info=True)
        else:
            unsent_s = UNSENT_LEASES * lease_s
        time.sleep(lease_s / 2)
