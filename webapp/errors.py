"""What a visitor reads when something cannot be done: one sentence, and the way on."""

from flask import Flask, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from film.disk import plain_disk_errors
from spectro.errors import TonfilmError
from webapp.bodies import WITH_FILES
from webapp.jobs import OUR_MISTAKE
from webapp.service import service
from webapp.wording import size

Answer = tuple[str | dict[str, str], int]

JSON = "application/json"
SENTENCES = {
    404: "There is no such page, or it belongs to another browser.",
    413: "That is more than this page takes: go back, and send less of it.",
    429: "That was too often for one address: wait a while, then try again.",
    405: "This page cannot be used that way: go back to the start.",
}


def register(app: Flask) -> None:
    """Answer every error with a page."""
    app.register_error_handler(TonfilmError, lambda error: _page(str(error), 400))
    app.register_error_handler(CSRFError, _show_csrf)
    app.register_error_handler(HTTPException, _show_http)
    app.register_error_handler(SecurityError, _show_name)
    app.register_error_handler(OSError, _show_disk)


def _page(sentence: str, status: int) -> Answer:
    # A script of a page that asks for JSON shows the sentence where its visitor looks.
    if request.accept_mimetypes.best_match(["text/html", JSON]) == JSON:
        return {"sentence": sentence}, status
    return render_template("error.html", sentence=sentence), status


def _show_csrf(_error: CSRFError) -> Answer:
    return _page("This page had grown old: go back, load it again and repeat the last step.", 400)


def _show_name(_error: SecurityError) -> tuple[str, int, dict[str, str]]:
    # Plain text: a page is full of addresses, and under this name there are none.
    sentence = "Tonfilm does not answer to this name: set TONFILM_ADDRESS if it shall.\n"
    return sentence, 400, {"Content-Type": "text/plain; charset=utf-8"}


def _show_http(error: HTTPException) -> Answer:
    status = error.code or 500
    if status == 413 and request.endpoint in WITH_FILES:
        limit = size(service().settings.max_upload_mb)
        return _page(f"The file is too large: choose one of at most {limit}.", status)
    # A bug comes here too, wrapped as 500, once its trace is in the log.
    return _page(SENTENCES.get(status, OUR_MISTAKE), status)


def _show_disk(error: OSError) -> Answer:
    try:
        with plain_disk_errors():
            raise error
    except TonfilmError as plain:
        return _page(str(plain), 413)
