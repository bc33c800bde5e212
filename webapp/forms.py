"""The forms, and how their fields become a recipe."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    FloatField,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import AnyOf, NumberRange, Optional, ValidationError
from wtforms.widgets import RangeInput

from film.own_pictures import OwnPicture
from film.recipe import MAX_KEYFRAMES, MAX_SEED, Recipe, build_recipe
from spectro.pins import MAX_PINS
from spectro.routes import MAX_ROUTES, Route
from webapp import own_pictures
from webapp.keyframe_field import Choice, pins_of, read_choices, write_choices
from webapp.preset_choice import (
    DRIVES,
    OWN,
    PRESET_WORDS,
    Drives,
    change_preset,
    default_drives,
    find_preset,
    write_drives,
)
from webapp.route_forms import LAYERS, MECHANISMS, SLIDERS, RouteForm, RouteRows, write_number

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


def _one_of(label: str, choices: Mapping[str, str]) -> AnyOf:
    return AnyOf(choices, f"{label}: choose one of those on the page.")


def _choice(label: str, choices: Mapping[str, str], kind: type[SelectField], default: str) -> Any:
    return kind(
        label,
        [_one_of(label, choices)],
        choices=dict(choices),
        default=default,
        validate_choice=False,
    )


def _slider(words: tuple[str, str], default: float = 0.5) -> Number:
    label, description = words
    widget = RangeInput(step=0.05)
    return Number(label, 0, 1, default=default, description=description, widget=widget)


class FilmForm(FlaskForm):
    """Every choice of a recipe. A field has the recipe's name, but for size and flash guard.

    `own` is what drives the film when no preset does: the defaults, or those of the film whose
    making again this is.
    """

    own: Drives
    theme = HiddenField("Theme")
    picked = SelectMultipleField("Pictures", validate_choice=False)
    keyframes = StringField(
        "Order of the pictures",
        description="Filled in as you choose. A picture may come twice; 17@1:04 pins number 17 to "
        "the part of the song that begins there.",
    )
    preset = _choice("Preset", PRESET_WORDS, RadioField, OWN)
    # The preset that the fields below show: without JavaScript, not the one that was chosen.
    filled = HiddenField("Preset", [_one_of("Preset", PRESET_WORDS)], default=OWN)
    level = _slider(SLIDERS["level"])
    frequency = _slider(SLIDERS["frequency"])
    timbre = _slider(SLIDERS["timbre"])
    before = _slider(MECHANISMS["before"], 1)
    inside = _slider(MECHANISMS["inside"], 1)
    after = _slider(MECHANISMS["after"], 1)
    layer = _choice("Layer", LAYERS, RadioField, "middle")
    # A tick that is not sent is no tick: so that leaves the guard on.
    unguarded = BooleanField(
        "Switch the flash guard off",
        description="Light that flashes often is then left as it comes. It may bring on seizures "
        "in people with photosensitive epilepsy. The film will carry a warning.",
    )
    routes = RouteRows(FormField(RouteForm), "Routes", max_entries=MAX_ROUTES + 1)
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
    preview_s = Number("Preview from", 0, MAX_EXCERPT_S, default=0, widget=RangeInput(step=1))
    seed = Seed("Seed", default=0, description="Another number, another variation.")

    def __init__(self) -> None:
        super().__init__()
        self.own = default_drives()

    def fill(self, made: Recipe | None) -> None:
        """Fill in what a new film begins with, or what a film was made with."""
        values = write_drives(self.own)
        self.process(data=values | _write_choices(made) if made else values)

    def add(self, pictures: Iterable[str]) -> None:
        """Put pictures behind those that are chosen."""
        before = self.keyframes.data or ", ".join(self.picked.data or [])
        self.keyframes.data = ", ".join([*([before] if before else []), *pictures])
        self.picked.data = [*(self.picked.data or []), *pictures]

    def drop(self, picture: str) -> None:
        """Take a picture out of those that are chosen, wherever it stands."""
        words = re.split(r"[,;\s]+", self.keyframes.data or "")
        self.keyframes.data = ", ".join(word for word in words if word.split("@")[0] != picture)
        self.picked.data = [word for word in self.picked.data or [] if word != picture]

    def validate_keyframes(self, field: StringField) -> None:
        """Check the chosen pictures."""
        try:
            choices = self.choices()
            pins = pins_of(choices)
        except ValueError as error:
            raise ValidationError(f"{field.label.text}: {error}.") from error
        if not 1 <= len(choices) <= MAX_KEYFRAMES:
            raise ValidationError(f"Choose 1 to {MAX_KEYFRAMES} pictures.")
        if len(pins) > MAX_PINS:
            raise ValidationError(f"Pin pictures {MAX_PINS} times at most.")

    def choices(self) -> list[Choice]:
        """List the chosen pictures in order; without JavaScript the ticks alone are there."""
        return read_choices(self.keyframes.data or "") or read_choices(
            ",".join(self.picked.data or [])
        )

    def validate_routes(self, field: Any) -> None:
        """Check each row of the table."""
        for number, entry in enumerate(field.entries, 1):
            try:
                entry.form.route()
            except ValueError as error:
                sentence = f"Route {number}: {error}."
                entry.form.form_errors.append(sentence)  # the page marks the row
                raise ValidationError(sentence) from error
        if len(self._routes()) > MAX_ROUTES:
            raise ValidationError(f"Keep at most {MAX_ROUTES} routes: take some away.")

    def _routes(self) -> tuple[Route, ...]:
        """List the routes; one that has no amount does nothing, and is left out."""
        if not self.filled.raw_data:  # not sent by the page, and so without its table
            return tuple(self.own["routes"])
        rows: Any = self.routes.entries
        return tuple(route for row in rows if (route := row.form.route()).amount)

    def recipe(self) -> Recipe:
        """Build the recipe of a form that was found valid.

        Raises
        ------
        TonfilmError
            The values do not go together.
        """
        width, height = self.size.data.split("x")
        choices = self.choices()
        same = ("theme", "fps", "quality", "seed", "start_s", "duration_s")
        drives = {name: self[name].data for name in DRIVES} | {"routes": self._routes()}
        return build_recipe(
            {name: self[name].data for name in same}
            | change_preset(drives, str(self.filled.data), self.preset.data, self.own)
            | {"keyframes": [self._keyframe(choice) for choice in choices]}
            | {"pins": pins_of(choices)}
            | {"width": int(width), "height": int(height), "flash_guard": not self.unguarded.data}
        )

    def _keyframe(self, choice: Choice) -> int | OwnPicture:
        if isinstance(choice.picture, int):
            return choice.picture
        return own_pictures.find(choice.picture, self.theme.data or "")

    def first_error(self) -> str:
        """Return one sentence of what is wrong, or nothing."""
        return next((str(field.errors[0]) for field in self if field.errors), "")


def _write_choices(made: Recipe) -> dict[str, Any]:
    """Fill in what a film was made with, but for what drives it."""
    line = write_choices(made, own_pictures.bring_back(made))
    preset = find_preset(made)
    return {
        "theme": made.theme,
        "keyframes": line,
        "picked": [str(choice.picture) for choice in read_choices(line)],
        "preset": preset,
        "filled": preset,
        "size": f"{made.width}x{made.height}",
        "fps": str(made.fps),
        "quality": made.quality,
        "start_s": write_number(made.start_s),
        "duration_s": made.duration_s and write_number(made.duration_s),
        "seed": made.seed,
        "unguarded": not made.flash_guard,
    }
