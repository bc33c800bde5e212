"""What pages and tasks share besides the database."""

from dataclasses import dataclass

from celery import Celery
from flask import current_app

from webapp.settings import Settings
from webapp.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of one application."""

    settings: Settings
    storage: Storage
    celery: Celery


def service() -> Service:
    """Return the service of the application that is at work."""
    found: Service = current_app.extensions["tonfilm"]
    return found
