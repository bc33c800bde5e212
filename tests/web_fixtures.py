"""Fixtures of the web room: an application in a folder of its own, and a visitor."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from web_service import Visitor, make_app

from webapp.settings import Settings
from webapp.tables import db


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with low limits."""
    return Settings(instance=tmp_path / "instance", max_upload_mb=2, max_song_s=8)


@pytest.fixture
def app(settings: Settings, tiny_theme: str) -> Iterator[Flask]:
    """Return an application with the tiny theme installed."""
    app = make_app(settings)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Return a visitor."""
    return Visitor(app)
