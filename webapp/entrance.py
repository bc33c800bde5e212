"""The door of a site that is not open to everybody: one password for all who may come in."""

import hashlib
import hmac
import time
from urllib.parse import urlsplit

from flask import Blueprint, Flask, redirect, render_template, request, session, url_for
from flask_wtf import FlaskForm
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField

from webapp.service import service
from webapp.settings import LOOPBACK, Settings

WAIT_S = 0.5  # after a wrong password: whoever tries them out needs years
OPEN = {"static", "bootstrap.static", "entrance.enter"}  # what the door itself is made of
GUESTS = "guests"  # whoever has a link to a film

pages = Blueprint("entrance", __name__)


class EntranceForm(FlaskForm):
    """The password of the site."""

    password = PasswordField("Password")


def guard(app: Flask, settings: Settings) -> None:
    """Let in whom the settings let in, and answer to the site's own names alone.

    A page of somebody else's whose name suddenly leads to this machine could read all there is
    here (DNS rebinding); a site that asks for its own names does not answer it.
    """
    if settings.address:
        public = urlsplit(settings.address)
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
        app.config["TRUSTED_HOSTS"] = [public.hostname or "", settings.host, *LOOPBACK]
        app.config["SESSION_COOKIE_SECURE"] = public.scheme == "https"
    elif settings.host in LOOPBACK:
        app.config["TRUSTED_HOSTS"] = LOOPBACK
    if settings.password:
        app.before_request(_ask)


@pages.route("/enter", methods=["GET", "POST"])
def enter() -> AnyResponse | str | tuple[str, int]:
    """Ask for the password."""
    form = EntranceForm()
    if not form.validate_on_submit():
        return render_template("enter.html", form=form, sentence="")
    given, wanted = form.password.data or "", service().settings.password
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        time.sleep(WAIT_S)
        sentence = "That is not the password: try again."
        return render_template("enter.html", form=form, sentence=sentence), 403
    session["entered"] = _ticket()
    session.permanent = True
    return redirect(url_for("songs.home"), 303)


def _ask() -> AnyResponse | None:
    if request.endpoint in OPEN or request.blueprint == GUESTS:
        return None
    if session.get("entered") == _ticket():
        return None
    return redirect(url_for("entrance.enter"), 303)


def _ticket() -> str:
    """Name the password without telling it: with another one, all have to come in anew."""
    return hashlib.sha256(f"tonfilm {service().settings.password}".encode()).hexdigest()
