"""What the service remembers: songs, galleries, films and pictures, which are jobs, and uploads.

A row is the truth about its job; the message in the broker is only a wake-up (see `leases`).
"""

import enum
import time
import uuid

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Enum, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

N_STILLS = 24  # of a Gallery


class Base(DeclarativeBase):
    """The tables of Tonfilm."""


db = SQLAlchemy(model_class=Base)


class State(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


STATE = Enum(State, native_enum=False, values_callable=lambda kind: [state.value for state in kind])


class Job:
    """The columns of a row whose content a worker makes. Times are seconds since 1970."""

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: uuid.uuid4().hex)
    created_s: Mapped[float] = mapped_column(default=time.time)
    state: Mapped[State] = mapped_column(STATE, default=State.QUEUED, index=True)
    stage: Mapped[str] = mapped_column(default="")
    n_done: Mapped[int] = mapped_column(default=0)  # steps of the stage
    n_steps: Mapped[int] = mapped_column(default=0)  # 0: not known yet
    stage_began_s: Mapped[float] = mapped_column(default=0.0)
    stage_began_done: Mapped[int] = mapped_column(default=0)  # what an earlier try had left
    error: Mapped[str] = mapped_column(Text, default="")  # one sentence, when failed
    lease: Mapped[str] = mapped_column(default="")  # of the worker that is at it
    heartbeat_s: Mapped[float] = mapped_column(default=0.0)
    sent_s: Mapped[float] = mapped_column(default=0.0)  # when a worker was last woken for it
    n_tries: Mapped[int] = mapped_column(default=0)
    finished_s: Mapped[float] = mapped_column(default=0.0)

    @property
    def is_waiting(self) -> bool:
        """Claim that a worker will still change the row."""
        return self.state in (State.QUEUED, State.RUNNING)


class Song(Job, Base):
    """A visitor's WAV; its job is to be checked, and the analysis that the page draws."""

    __tablename__ = "song"

    visitor: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    # What the check finds; nothing and 0 before it, and for ever where it refuses the file.
    sha256: Mapped[str] = mapped_column(default="")
    sample_rate: Mapped[int] = mapped_column(default=0)  # Hz
    n_channels: Mapped[int] = mapped_column(default=0)
    n_samples: Mapped[int] = mapped_column(default=0)
    n_promised_samples: Mapped[int] = mapped_column(default=0)
    films: Mapped[list["Film"]] = relationship(
        back_populates="song", order_by="Film.created_s.desc()", cascade="all, delete-orphan"
    )

    @property
    def is_checked(self) -> bool:
        """Claim that the file was found good, and that its length and form are known."""
        return self.n_samples > 0

    @property
    def duration_s(self) -> float:
        """Length of the sound; 0 before it is checked."""
        return self.n_samples / self.sample_rate if self.is_checked else 0.0


class Upload(Base):
    """A song that is still arriving; the size of its file tells how far it is.

    When all is there it becomes a song of the same identity, and the row goes.
    """

    __tablename__ = "upload"

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: uuid.uuid4().hex)
    visitor: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    n_bytes: Mapped[int] = mapped_column(BigInteger)  # of the whole file, as was promised
    changed: Mapped[str]  # when the file was last changed, as the browser says it
    created_s: Mapped[float] = mapped_column(default=time.time)  # seconds since 1970


class Gallery(Job, Base):
    """A page of stills of a theme, the same for every visitor; its job paints them."""

    __tablename__ = "gallery"
    __table_args__ = (UniqueConstraint("theme", "weights", "first_seed"),)

    theme: Mapped[str]
    weights: Mapped[str]  # names the weights that paint them
    first_seed: Mapped[int]


class Film(Job, Base):
    """A film that was asked for; its job is the rendering."""

    __tablename__ = "film"

    song_id: Mapped[str] = mapped_column(ForeignKey("song.id"), index=True)
    recipe: Mapped[str] = mapped_column(Text)  # JSON, film.recipe.Recipe
    report: Mapped[str] = mapped_column(Text, default="")  # JSON, film.report.Report, when done
    # Of a preview: the recipe, in JSON, of the film that it is a preview of; else nothing.
    whole: Mapped[str] = mapped_column(Text, default="")
    # What the link to a shared film has to know, and until when, in seconds since 1970.
    share_key: Mapped[str] = mapped_column(default="", index=True)
    shared_until_s: Mapped[float] = mapped_column(default=0.0)
    song: Mapped[Song] = relationship(back_populates="films")


class FilmSegment(Base):
    """A segment of a film that is being made; see `webapp.claims`."""

    __tablename__ = "segment"

    film_id: Mapped[str] = mapped_column(
        ForeignKey("film.id", ondelete="CASCADE"), primary_key=True
    )
    first_frame: Mapped[int] = mapped_column(primary_key=True)  # of the whole song's timeline
    stop_frame: Mapped[int]  # one after the last
    state: Mapped[State] = mapped_column(STATE)
    lease: Mapped[str] = mapped_column(default="")  # of the worker that is at it
    heartbeat_s: Mapped[float] = mapped_column(default=0.0)
    n_tries: Mapped[int] = mapped_column(default=0)


class Picture(Job, Base):
    """A visitor's own picture, for one theme; its job reads and paints it."""

    __tablename__ = "picture"

    visitor: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]  # of its file, for words alone
    theme: Mapped[str]
    weights: Mapped[str]  # of the stills that it is fitted to, SHA-256
    width: Mapped[int]  # pixels of the film for whose shape it was cut
    height: Mapped[int]
    latent: Mapped[str] = mapped_column(Text, default="")  # JSON, film.own_pictures.OwnPicture
    used_s: Mapped[float] = mapped_column(default=time.time)  # when a film was last ordered with it

    @property
    def short(self) -> str:
        """How the order of the pictures names it, among those of its visitor."""
        return f"own:{self.id[:8]}"


TABLES: tuple[type[Job], ...] = (Song, Gallery, Film, Picture)
