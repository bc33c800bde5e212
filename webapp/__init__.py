"""The page: forms, job tables, downloads, and the tasks of the worker."""

import sqlite3
from pathlib import Path

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import event

from webapp import (
    admin_pages,
    bodies,
    entrance,
    errors,
    film_pages,
    gallery_pages,
    guest_pages,
    live_pages,
    picture_pages,
    playlist_pages,
    rates,
    security,
    share_pages,
    song_pages,
    upload_pages,
    wording,
)
from webapp.jobs import make_celery
from webapp.service import Service
from webapp.settings import Settings, read_secret
from webapp.storage import Storage
from webapp.tables import db

MIGRATIONS = Path(__file__).parent / "migrations"
YEAR_S = 365 * 24 * 3600


def create_app(settings: Settings) -> Flask:
    """Build the application; its Celery half stands in ``app.extensions["celery"]``."""
    storage = Storage(instance=settings.instance.resolve())
    storage.make_folders()
    app = Flask(__name__, instance_path=str(storage.instance))
    app.config.update(
        SECRET_KEY=read_secret(settings.instance),
        SESSION_COOKIE_NAME="tonfilm",
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=YEAR_S,
        MAX_CONTENT_LENGTH=settings.max_upload_mb << 20,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_TIME_LIMIT=None,  # choosing pictures may take longer than an hour
    )
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    Bootstrap5(app)
    bodies.limit(app)
    CSRFProtect(app)
    celery = make_celery(app, settings)
    app.extensions["celery"] = celery
    app.extensions["tonfilm"] = Service(settings=settings, storage=storage, celery=celery)
    for room in (
        song_pages,
        upload_pages,
        gallery_pages,
        film_pages,
        picture_pages,
        live_pages,
        playlist_pages,
        share_pages,
        guest_pages,
        admin_pages,
        entrance,
    ):
        app.register_blueprint(room.pages)
    rates.limit(app, settings)
    security.protect(app)
    entrance.guard(app, settings)
    admin_pages.prepare(app)
    errors.register(app)
    wording.register(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _prepare_sqlite)
    return app


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Readers and the writer do not wait for each other, and a second writer waits its turn.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA foreign_keys = ON")
