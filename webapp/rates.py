"""How often one address may ask for what costs something."""

import ipaddress
from collections.abc import Callable
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter

from webapp.settings import Settings

# A song counts as one on whichever of these pages it is sent, and so does a film.
SONGS = ("songs.upload", "songs.use_demo", "uploads.begin")
FILMS = ("films.order", "films.make_whole", "films.make_again")
PASSWORDS = "10 per minute; 60 per hour"
NETWORK_BITS = 64  # of an IPv6 address: one line has all the addresses behind them


def limit(app: Flask, settings: Settings) -> None:
    """Limit the pages; called when they all are there.

    On a machine of one's own nobody has to wait. The counts are in this process, or in the Redis
    server that is the broker; where that does not answer, in this process again.
    """
    has_redis = settings.broker.startswith("redis")
    limiter = Limiter(
        _address,
        app=app,
        storage_uri=settings.broker if has_redis else "memory://",
        in_memory_fallback_enabled=has_redis,
        headers_enabled=True,
    )
    if settings.password:
        _limit(app, limiter.limit(PASSWORDS, methods=["POST"]), ("entrance.enter",))
    if settings.is_public and settings.hourly:
        for kind, endpoints in (("songs", SONGS), ("films", FILMS)):
            _limit(app, limiter.shared_limit(f"{settings.hourly} per hour", kind), endpoints)


def _limit(app: Flask, decorate: Callable[[Any], Any], endpoints: tuple[str, ...]) -> None:
    for endpoint in endpoints:
        app.view_functions[endpoint] = decorate(app.view_functions[endpoint])


def _address() -> str:
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:  # a socket in the file system has none
        return "nowhere"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))
