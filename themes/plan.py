"""The plan of a theme: all that its training is begun with, and resumed with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from film.cards import THEME_NAME
from pix2pix.run import Budget
from spectro.errors import TonfilmError
from training_data.ripper import Ripping

RUNS: Final = Path("runs")
PLAN_NAME: Final = "plan.json"
# Stills take longer than frames until they are good: measured with the shipped themes.
SHARES: Final = {"keyframes": 0.6, "pix2pix": 0.4}

Stage = Literal["keyframes", "pix2pix"]


class Plan(BaseModel):
    """What a theme is made from, and how; exactly one of made, pictures and videos is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    begun: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    made: tuple[str, ...] = ()  # makers; several are learnt together
    pictures: Path | None = None  # folder
    videos: Path | None = None  # folder
    ripping: Ripping = Ripping()
    from_scratch: bool = False  # else from networks that ship
    begin_with: Path | None = None  # a pix2pix checkpoint, instead of the shipped one
    size: Literal[128, 256, 512] = 256  # pixels of the short side that stills are learnt at
    width: Annotated[int, Field(ge=1, le=256)] = 32  # channels outside of pix2pix; paper: 64
    precision: Literal["auto", "bf16-mixed", "32-true"] = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
    minutes: Annotated[float, Field(gt=0)] | None = None  # of both networks together
    steps: Annotated[int, Field(ge=1)] | None = None  # of each network
    keep_every: Annotated[int, Field(ge=1)] | None = None  # epochs between snapshots

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not THEME_NAME.fullmatch(self.name):
            raise ValueError(
                f"a theme's name is made of a to z, 0 to 9, - and _, not {self.name!r}"
            )
        if sum(map(bool, (self.made, self.pictures, self.videos))) != 1:
            raise ValueError("give one of --made, --pictures and --videos")
        if self.minutes is None and self.steps is None:
            raise ValueError("give --minutes or --steps")
        return self

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return RUNS / self.name

    @property
    def path(self) -> Path:
        """Where the plan itself lies."""
        return self.folder / PLAN_NAME

    def uses_bf16(self, *, automatic: bool) -> bool:
        """Tell whether to compute in bfloat16, where the plan leaves it open as given."""
        return automatic if self.precision == "auto" else self.precision == "bf16-mixed"

    def budget(self, stage: Stage) -> Budget:
        """Return the budget of one of the networks."""
        minutes = None if self.minutes is None else self.minutes * SHARES[stage]
        return Budget(minutes=minutes, steps=self.steps)

    def save(self) -> None:
        """Write the plan into its run's folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.model_dump_json(indent=2) + "\n")


def build_plan(**values: object) -> Plan:
    """Build a plan from what a user gave.

    Raises
    ------
    TonfilmError
        A value is out of its range, or they contradict each other.
    """
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = "-".join(str(part) for part in first["loc"][:1]).replace("_", "-")
        reason = first["msg"].removeprefix("Value error, ").rstrip(".")
        # The numbers of the ripping are options each, and their sentences name them.
        sentence = f"--{place}: {reason}" if place not in ("", "ripping") else reason
        raise TonfilmError(f"{sentence[0].upper()}{sentence[1:]}.") from error


def load_plan(name: str) -> Plan:
    """Read the plan of a run.

    Raises
    ------
    TonfilmError
        There is no such run, or its plan is damaged.
    """
    path = RUNS / name / PLAN_NAME
    if not THEME_NAME.fullmatch(name) or not path.exists():
        raise TonfilmError(f"No training of {name!r} has been begun in {RUNS}/: begin one.")
    try:
        return Plan.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise TonfilmError(f"{path} is damaged: remove {path.parent} and begin again.") from error
