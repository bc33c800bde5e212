"""The forms, and how their fields become a recipe."""

import re
from collections.abc import Mapping
from typing import Any, Final

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    FloatField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import AnyOf, NumberRange, Optional, ValidationError
from wtforms.widgets import RangeInput

from film.recipe import MAX_KEYFRAMES, MAX_SEED, Recipe, build_recipe

SIZES: Final = {
    "1280x720": "Wide",
    "720x1280": "Tall",
    "720x720": "Square",
    "1920x1080": "Full HD",
    "640x360": "Small",
}
FRAME_RATES: Final = {
    "24000/1001": "23.976",
    "24": "24",
    "25": "25",
    "30000/1001": "29.97",
    "30": "30",
    "50": "50",
    "60": "60",
}
QUALITIES: Final = {"final": "Final", "draft": "Draft, quicker"}
BLENDS: Final = {
    "crossfade": "Cross-fade",
    "pyramid": "Pyramid, shapes under detail",
    "colour": "Colour, taken from the music",
    "displace": "Displace, bent by the music",
}
# The questions that a musician is asked: name and explanation.
SLIDERS: Final = {
    "level": ("Sound level", "How much loud and soft, and every hit, move the picture."),
    "frequency": ("Frequency content", "How much bass, treble and harmony steer it."),
    "timbre": ("Timbre", "How much the character of the sound, mellow or sharp, shapes it."),
}
MAX_EXCERPT_S: Final = 36_000.0  # of the settings' longest song


class UploadForm(FlaskForm):
    """A visitor's song."""

    song = FileField("Song", validators=[FileRequired("Choose a WAV file first.")])


class Number(FloatField):
    """A number with bounds, and one sentence for every way to miss them."""

    def __init__(self, label: str, lowest: float, highest: float, **options: Any) -> None:
        self.sentence = f"{label}: give a number from {lowest:g} to {highest:g}."
        checks = [*options.pop("checks", ()), NumberRange(lowest, highest, self.sentence)]
        super().__init__(label, checks, **options)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the number."""
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(self.sentence) from error


class Seed(IntegerField):
    """A whole number that varies a film."""

    sentence = f"Seed: give a whole number from 0 to {MAX_SEED}."

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, [NumberRange(0, MAX_SEED, self.sentence)], **options)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the number."""
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError(self.sentence) from error


def _choice(label: str, choices: Mapping[str, str], kind: type[SelectField], default: str) -> Any:
    return kind(
        label,
        [AnyOf(choices, f"{label}: choose one of those on the page.")],
        choices=dict(choices),
        default=default,
        validate_choice=False,
    )


def _slider(name: str) -> Number:
    label, description = SLIDERS[name]
    return Number(label, 0, 1, default=0.5, description=description, widget=RangeInput(step=0.05))


class FilmForm(FlaskForm):
    """Every choice of a recipe. A field has the recipe's name, but for the size."""

    theme = HiddenField("Theme")
    picked = SelectMultipleField("Pictures", validate_choice=False)
    keyframes = StringField(
        "Order of the pictures",
        description="Filled in as you choose; a picture may come twice.",
    )
    level = _slider("level")
    frequency = _slider("frequency")
    timbre = _slider("timbre")
    size = _choice("Size", SIZES, RadioField, "1280x720")
    fps = _choice("Frames a second", FRAME_RATES, SelectField, "24")
    quality = _choice("Quality", QUALITIES, SelectField, "final")
    blend = _choice("Blend", BLENDS, SelectField, "crossfade")
    start_s = Number("Start, in seconds", 0, MAX_EXCERPT_S, default=0)
    duration_s = Number(
        "Length, in seconds",
        0.1,
        MAX_EXCERPT_S,
        checks=[Optional()],
    )
    seed = Seed("Seed", default=0, description="Another number, another variation.")

    def validate_keyframes(self, field: StringField) -> None:
        """Check the chosen pictures."""
        sentence = f"Choose 1 to {MAX_KEYFRAMES} pictures."
        try:
            n_seeds = len(self.seeds())
        except ValueError as error:
            raise ValidationError(
                f"{field.label.text}: give numbers with commas between them, such as 3, 17, 42."
            ) from error
        if not 1 <= n_seeds <= MAX_KEYFRAMES:
            raise ValidationError(sentence)

    def seeds(self) -> list[int]:
        """List the chosen pictures in order; without JavaScript the ticks alone are there."""
        words = re.split(r"[,;\s]+", (self.keyframes.data or "").strip(" ,;\t\r\n"))
        return [int(word) for word in (words if words != [""] else self.picked.data or [])]

    def recipe(self) -> Recipe:
        """Build the recipe of a form that was found valid.

        Raises
        ------
        TonfilmError
            The values do not go together.
        """
        width, height = self.size.data.split("x")
        same = ("theme", "level", "frequency", "timbre", "fps", "quality", "blend", "seed")
        return build_recipe(
            {name: self[name].data for name in (*same, "start_s", "duration_s")}
            | {"keyframes": self.seeds(), "width": int(width), "height": int(height)}
        )

    def first_error(self) -> str:
        """Return one sentence of what is wrong, or nothing."""
        return next((str(field.errors[0]) for field in self if field.errors), "")
