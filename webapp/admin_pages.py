"""The administrator's list of all jobs, behind a password of its own."""

import hmac
import logging
import math
import shutil
import threading
import time

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from webapp import leases
from webapp.admin_jobs import KINDS, count_states, delete, list_entries
from webapp.entrance import EntranceForm
from webapp.service import service
from webapp.tables import Job, db

STAY_S = 3600.0  # after this the password is asked for again
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # between two tries; taste
FORGET_S = 3600.0  # an address that has not tried for so long begins anew
TRIES = "tonfilm.admin_tries"  # among the application's extensions

pages = Blueprint("admin", __name__, url_prefix="/admin")
log = logging.getLogger(__name__)


class Tries:
    """How often an address has tried a password: each time it waits twice as long for the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, float]] = {}  # the last wait and its end, in seconds

    def begin(self, address: str) -> float:
        """Count a try; return 0, or the seconds to wait where it comes too soon."""
        now_s = time.monotonic()
        with self._lock:
            self._seen = {who: it for who, it in self._seen.items() if it[1] > now_s - FORGET_S}
            wait_s, until_s = self._seen.get(address, (FIRST_WAIT_S / 2, 0.0))
            if until_s > now_s:
                return until_s - now_s
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            self._seen[address] = (wait_s, now_s + wait_s)
        return 0.0

    def forget(self, address: str) -> None:
        """Let an address begin anew: its password was right."""
        with self._lock:
            self._seen.pop(address, None)


def prepare(app: Flask) -> None:
    """Count the tries of this application."""
    app.extensions[TRIES] = Tries()


@pages.before_request
def ask() -> AnyResponse | None:
    """Let in whoever has given the password within the hour; without one there is no list."""
    if not service().settings.admin_password:
        abort(404)
    if request.endpoint == "admin.enter" or _is_in():
        return None
    return redirect(url_for("admin.enter"), 303)


@pages.after_request
def keep_nothing(response: Response) -> Response:
    """Leave no copy of the list behind in a browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.route("/enter", methods=["GET", "POST"])
def enter() -> AnyResponse | str | tuple[str, int]:
    """Ask for the administrator's password."""
    form = EntranceForm()
    if not form.validate_on_submit():
        return _show_door(form, "")
    tries: Tries = current_app.extensions[TRIES]
    address = request.remote_addr or ""
    if wait_s := tries.begin(address):
        sentence = f"That was too soon: wait {math.ceil(wait_s)} s and try again."
        return _show_door(form, sentence), 429
    given, wanted = form.password.data or "", service().settings.admin_password
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        log.warning("A wrong administrator's password came from %s", address)
        return _show_door(form, "That is not the password: try again."), 403
    tries.forget(address)
    session["admin"] = [_ticket(), time.time() + STAY_S]
    return redirect(url_for("admin.show"), 303)


@pages.post("/leave")
def leave() -> AnyResponse:
    """Forget that the password was given."""
    session.pop("admin", None)
    return redirect(url_for("songs.home"), 303)


@pages.get("")
def show() -> str:
    """Show a page of the list."""
    page = max(request.args.get("page", 0, type=int), 0)
    entries, has_older = list_entries(page)
    return render_template(
        "admin.html",
        entries=entries,
        counts=count_states(),
        page=page,
        has_older=has_older,
        n_free_bytes=shutil.disk_usage(service().storage.instance).free,
    )


@pages.post("/<kind>/<identity>/cancel")
def cancel(kind: str, identity: str) -> AnyResponse:
    """Stop a job, whosever it is."""
    job = _find(kind, identity)
    if leases.cancel(db.engine, type(job), identity):
        log.info("An administrator cancelled %s %s", type(job).__name__, identity)
    return redirect(url_for("admin.show"), 303)


@pages.post("/<kind>/<identity>/delete")
def remove(kind: str, identity: str) -> AnyResponse:
    """Delete a job with its files, whosever it is, unless a worker is at it."""
    job = _find(kind, identity)
    delete(job)
    db.session.commit()
    log.info("An administrator deleted %s %s", type(job).__name__, identity)
    return redirect(url_for("admin.show"), 303)


def _find(kind: str, identity: str) -> Job:
    job = db.session.get(KINDS[kind], identity) if kind in KINDS else None
    if job is None:
        abort(404)
    return job


def _show_door(form: EntranceForm, sentence: str) -> str:
    address = url_for("admin.enter")
    return render_template(
        "enter.html", form=form, sentence=sentence, address=address, title="The list of all jobs"
    )


def _is_in() -> bool:
    ticket, until_s = session.get("admin", ("", 0.0))
    return hmac.compare_digest(ticket, _ticket()) and time.time() < until_s


def _ticket() -> str:
    """Name the password without telling it: with another one, all have to come in anew."""
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.new(secret, service().settings.admin_password.encode(), "sha256").hexdigest()
