"""How much a browser may send, and where it lies until it is used."""

from tempfile import TemporaryFile
from typing import IO

from flask import Flask, Request, request

from webapp.service import service

# Those take songs and pictures; every other page takes a form without files.
WITH_FILES = {"songs.upload", "uploads.go_on", "pictures.upload"}
MAX_PARTS = 1000  # a film's form with every still and every route has 800
MAX_FORM_BYTES = 512 << 10  # the same form has 100 kB


class Body(Request):
    """A request whose files never lie in memory, nor in a temporary folder that may be memory."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002, Werkzeug's signature
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        return TemporaryFile("rb+", dir=service().storage.uploads)


def limit(app: Flask) -> None:
    """Limit what pages take; called before anything that reads forms."""
    app.request_class = Body
    app.config["MAX_FORM_PARTS"] = MAX_PARTS
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FORM_BYTES

    @app.before_request
    def limit_form() -> None:
        if request.endpoint not in WITH_FILES:
            request.max_content_length = MAX_FORM_BYTES
