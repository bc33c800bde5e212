"""What whoever has a link to a film sees: the film, and nothing else of the visitor's.

Nobody is asked for a password here, and no cookie is set: the link is the key.
"""

from flask import Blueprint, Response, render_template
from werkzeug.exceptions import HTTPException

from film.recipe import FLASH_WARNING
from film.report import Report
from webapp.film_pages import send_film, send_poster
from webapp.share_pages import shared_film

pages = Blueprint("guests", __name__, url_prefix="/shared/<link>")


@pages.errorhandler(404)
@pages.errorhandler(410)
def tell(error: HTTPException) -> tuple[str, int]:
    """Say in one sentence why there is no film."""
    return render_template("unshared.html", sentence=error.description), error.code or 404


@pages.get("")
def show(link: str) -> str:
    """Show a film to a guest."""
    film = shared_film(link)
    report = Report.model_validate_json(film.report)
    return render_template(
        "shared.html", film=film, link=link, report=report, flash_warning=FLASH_WARNING
    )


@pages.get("/film.mp4")
def watch(link: str) -> Response:
    """Send the film to the player, in whatever ranges it asks for."""
    return send_film(shared_film(link), as_attachment=False)


@pages.get("/download")
def download(link: str) -> Response:
    """Send the film as a file of its title."""
    return send_film(shared_film(link), as_attachment=True)


@pages.get("/poster.jpg")
def poster(link: str) -> Response:
    """Send the picture that stands for the film."""
    return send_poster(shared_film(link))
