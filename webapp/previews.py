"""Five seconds of a film, small and soon: what the choices of a page lead to."""

from typing import Final

from sqlalchemy import select

from film.recipe import Recipe, build_recipe
from webapp import leases
from webapp.curves import FPS
from webapp.retention import forget_film
from webapp.tables import Film, Song, db

PREVIEW_S: Final = 5.0
LONGEST_SIDE: Final = 640  # pixels
SHORTEST_SIDE: Final = 256  # pixels; the networks paint no smaller ones any faster


def preview_of(recipe: Recipe, song: Song, start_s: float) -> Recipe:
    """Return the recipe of five seconds of a film.

    Its rate is that at which the song was listened to, so nobody has to wait for that again.

    Raises
    ------
    TonfilmError
        The film's own recipe does not go together.
    """
    longest, shortest = max(recipe.width, recipe.height), min(recipe.width, recipe.height)
    scale = min(1.0, max(LONGEST_SIDE / longest, SHORTEST_SIDE / shortest))
    width, height = (round(side * scale / 2) * 2 for side in (recipe.width, recipe.height))
    latest_s = max(0.0, song.duration_s - PREVIEW_S)
    changed = {
        "width": width,
        "height": height,
        "fps": FPS,
        "quality": "draft",
        "start_s": min(start_s, latest_s),
        "duration_s": PREVIEW_S,
    }
    return build_recipe(recipe.model_dump() | changed)


def forget_previews(song: Song) -> None:
    """Delete a song's earlier previews; one that is being made is stopped, and goes next time."""
    previews = select(Film).where(Film.song_id == song.id, Film.whole != "")
    for film in db.session.scalars(previews).all():
        if film.is_waiting:
            leases.cancel(db.engine, Film, film.id)
            continue
        forget_film(film)
    db.session.commit()
