"""What the operator may decide, read from the environment once and checked."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from spectro.audio import Limits
from spectro.errors import TonfilmError

PREFIX = "TONFILM_"
LOOPBACK = ["127.0.0.1", "localhost"]
# Variables of that name that others read: where the themes lie, and what tests may not skip.
READ_ELSEWHERE = {"TONFILM_MODELS", "TONFILM_REQUIRE"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, with the default that suits a machine of one's own.

    Each field is read from the environment variable of its name in capitals behind
    ``TONFILM_``; ``python scripts/serve.py --help`` lists them with these words.

    Raises
    ------
    TonfilmError
        A value lies outside its range.
    """

    instance: Path = field(
        default=Path("instance"), metadata={"help": "folder of songs, films, database and secret"}
    )
    host: str = field(default="127.0.0.1", metadata={"help": "address to listen on"})
    port: int = field(default=8000, metadata={"help": "port to listen on, 1 to 65535"})
    database: str = field(
        default="", metadata={"help": "URL of another database than the instance folder's SQLite"}
    )
    broker: str = field(
        default="", metadata={"help": "URL of a Redis broker instead of the instance folder"}
    )
    max_upload_mb: int = field(
        default=1024, metadata={"help": "largest upload, in MiB, 1 to 16384"}
    )
    max_song_s: float = field(
        default=1200.0, metadata={"help": "longest song, in seconds, 1 to 36000"}
    )
    lease_s: float = field(
        default=20.0,
        metadata={
            "help": "seconds without a sign of life after which a job is given away, 1 to 600"
        },
    )

    address: str = field(
        default="",
        metadata={"help": "public address behind a proxy, such as https://films.example.org"},
    )
    password: str = field(
        default="", metadata={"help": "password that visitors have to give; empty: none"}
    )
    admin_password: str = field(
        default="", metadata={"help": "password of the list of all jobs at /admin; empty: no list"}
    )
    keep_days: float = field(
        default=0.0,
        metadata={"help": "days after which songs and films are deleted, 0 to 3650; 0: never"},
    )
    hourly: int = field(
        default=120,
        metadata={
            "help": "songs, and films, that one address may ask for in an hour where others can "
            "reach the site, 0 to 100000; 0: any number"
        },
    )
    visitor_mb: int = field(
        default=0,
        metadata={"help": "MiB of songs and films of one visitor, 0 to 100000; 0: any number"},
    )
    disk_mb: int = field(
        default=0,
        metadata={"help": "MiB that the instance folder may fill, 0 to 999999; 0: any number"},
    )

    def __post_init__(self) -> None:
        ranges = {
            "port": (1, 65_535),
            "max_upload_mb": (1, 16_384),
            "max_song_s": (1.0, 36_000.0),
            "lease_s": (1.0, 600.0),
            "keep_days": (0.0, 3_650.0),
            "hourly": (0, 100_000),
            "visitor_mb": (0, 100_000),
            "disk_mb": (0, 999_999),
        }
        for name, (lowest, highest) in ranges.items():
            if not lowest <= getattr(self, name) <= highest:
                raise TonfilmError(
                    f"Set {PREFIX}{name.upper()} to a number from {lowest:g} to {highest:g}."
                )
        if self.address and not re.fullmatch(r"https?://[^/\s?#]+/?", self.address):
            raise TonfilmError(
                f"Set {PREFIX}ADDRESS to an address such as https://films.example.org."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the settings from variables named ``TONFILM_*``; unknown ones are refused.

        Raises
        ------
        TonfilmError
            A variable is misspelt or its value is not of the setting's kind.
        """
        known = {PREFIX + entry.name.upper(): entry for entry in fields(cls)}
        values: dict[str, Any] = {}
        for variable, text in environment.items():
            if not variable.startswith(PREFIX) or variable in READ_ELSEWHERE:
                continue
            if variable not in known:
                raise TonfilmError(f"There is no setting {variable}; see scripts/serve.py --help.")
            kind: Any = known[variable].type
            try:
                values[known[variable].name] = kind(text)
            except ValueError as error:
                raise TonfilmError(f"Set {variable} to a number, not to {text!r}.") from error
        return cls(**values)

    @property
    def limits(self) -> Limits:
        """What a song may be at most."""
        return Limits(max_duration_s=self.max_song_s, max_bytes=self.max_upload_mb << 20)

    @property
    def is_public(self) -> bool:
        """Claim that others than this machine's own user can reach the pages."""
        return bool(self.address) or self.host not in LOOPBACK

    @property
    def database_url(self) -> str:
        """The database in use."""
        return self.database or f"sqlite:///{self.instance.resolve() / 'tonfilm.sqlite'}"


def read_secret(instance: Path) -> str:
    """Return the key that signs cookies, made at the first start; only its owner can read it.

    The key is complete before it has its name, so that two processes that start at once agree.
    """
    path = instance / "secret"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        fresh = instance / f"secret.{secrets.token_hex(8)}"
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass  # the other process was first: its key counts
        finally:
            fresh.unlink()
    return path.read_text()
