"""What the service remembers: songs, galleries, films and pictures, each of them also a job.

A row is the truth about its job; the message in the broker is only a wake-up (see `leases`).
"""

import enum
import time
import uuid

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Enum, ForeignKey, Text, UniqueConstraint
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


class Job:
    """The columns of a row whose content a worker makes. Times are seconds since 1970."""

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: uuid.uuid4().hex)
    created_s: Mapped[float] = mapped_column(default=time.time)
    state: Mapped[State] = mapped_column(
        Enum(
            State, native_enum=False, values_callable=lambda kind: [state.value for state in kind]
        ),
        default=State.QUEUED,
        index=True,
    )
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
    """A visitor's WAV; its job is the analysis that the page draws."""

    __tablename__ = "song"

    visitor: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    sha256: Mapped[str]
    sample_rate: Mapped[int]  # Hz
    n_channels: Mapped[int]
    n_samples: Mapped[int]
    n_promised_samples: Mapped[int]
    films: Mapped[list["Film"]] = relationship(
        back_populates="song", order_by="Film.created_s.desc()", cascade="all, delete-orphan"
    )

    @property
    def duration_s(self) -> float:
        """Length of the sound."""
        return self.n_samples / self.sample_rate


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
    song: Mapped[Song] = relationship(back_populates="films")


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
