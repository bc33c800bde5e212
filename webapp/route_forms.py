"""Routes as a musician reads and fills them in: words for what is heard and seen, and rows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wtforms import FieldList, Form, StringField
from wtforms.widgets import NumberInput

from spectro.motions import MOTIONS
from spectro.routes import CONTROLS, MAX_TIME_S, MIN_RELEASE_S, Route
from spectro.sources import SOURCES

# The questions that a musician is asked: name and explanation.
SLIDERS: Final = {
    "level": ("Sound level", "How much loud and soft, and every hit, move the picture."),
    "frequency": ("Frequency content", "How much bass, treble and harmony steer it."),
    "timbre": ("Timbre", "How much the character of the sound, mellow or sharp, shapes it."),
}
MECHANISMS: Final = {
    "before": (
        "Before the networks",
        "The spectrum they paint from grows louder, darker, softer.",
    ),
    "inside": ("Inside the networks", "What they imagine swells, turns or thins out."),
    "after": ("After the networks", "The finished picture moves, glows and changes colour."),
}
LAYERS: Final = {"coarse": "Large", "middle": "Middle", "fine": "Fine"}
RESPONSES: Final = {  # name and explanation of a route's curve
    "linear": ("Even", "as strong as it is heard"),
    "square": ("Strong only", "what is weak counts for less"),
    "root": ("Soft too", "what is weak counts for more"),
}
# What has no word here is called by its meaning.
HEARD: Final = {
    "beat": "Beat",
    "bass": "Bass",
    "mid": "Middle",
    "treble": "Treble",
    "section": "Quiet to loud parts",
    "novelty": "A new part",
    "centroid": "Dark to bright",
    "harmony": "Chord changes",
    "pitch": "Melody, low to high",
    "harmonic": "Long notes",
    "contrast": "Clear tones",
    "clarity": "A single voice",
    "change": "New timbre",
}
SEEN: Final = {
    "gain_db": "Spectrum: level",
    "tilt_db": "Spectrum: tilt",
    "bass_db": "Spectrum: bass",
    "mid_db": "Spectrum: middle",
    "treble_db": "Spectrum: treble",
    "smear": "Spectrum: blurred",
    "push": "Style: another one",
    "truncation": "Style: bolder",
    "swell": "Shapes swell",
    "magnify": "Shapes grow",
    "turn_deg": "Shapes turn",
    "threshold": "Shapes thin out",
    "noise": "Grain",
    "blend": "More painting",
    "bend": "Bending",
    "zoom": "Zoom",
    "spin_deg": "Rotation",
    "shift_x": "Shift sideways",
    "shift_y": "Shift up, down",
    "hue_turns": "Hue",
    "saturation": "Saturation",
    "brightness": "Brightness",
    "contrast": "Contrast",
    "blur": "Softness",
    "sharpen": "Sharpness",
    "glow": "Glow",
    "warp": "Waves",
}


@dataclass(frozen=True, kw_only=True)
class Option:
    """A thing to choose in a row."""

    value: str
    word: str
    meaning: str
    group: str = ""  # the slider that turns it up and down
    swings: bool = False  # to both sides, and so cannot be bent by a curve


Options = dict[str, list[Option]]  # under their headings


def name_heard(source: str) -> str:
    """Name what is heard."""
    return _name(HEARD, source, (SOURCES | MOTIONS)[source].meaning)


def name_seen(target: str) -> str:
    """Name what is seen."""
    return _name(SEEN, target, CONTROLS[target].meaning)


def _name(words: Mapping[str, str], name: str, meaning: str) -> str:
    return words.get(name, meaning[0].upper() + meaning[1:])


def _heard_options() -> Options:
    options: Options = {question: [] for question, _ in SLIDERS.values()}
    for name, source in (SOURCES | MOTIONS).items():
        question, _ = SLIDERS[source.group]
        option = Option(
            value=name,
            word=name_heard(name),
            meaning=source.meaning,
            group=source.group,
            swings=name in MOTIONS,
        )
        options[question].append(option)
    return options


def _seen_options() -> Options:
    options: Options = {place: [] for place, _ in MECHANISMS.values()}
    for name, control in CONTROLS.items():
        place, _ = MECHANISMS[control.mechanism]
        options[place].append(Option(value=name, word=name_seen(name), meaning=control.meaning))
    return options


def _curve_options() -> Options:
    options = RESPONSES.items()
    return {"": [Option(value=name, word=word, meaning=hint) for name, (word, hint) in options]}


class RouteChoice(StringField):
    """A choice in a row; `Route` knows what may be chosen."""

    def __init__(self, label: str, options: Options, **others: Any) -> None:
        super().__init__(label, **others)
        self.options = options


def _number(label: str, lowest: float, highest: float, step: float) -> StringField:
    # Text, so that what cannot be read comes back as it was typed; `Route` knows the bounds.
    hints = {"inputmode": "decimal"} if lowest >= 0 else {}  # a phone's digits have no minus
    return StringField(label, widget=NumberInput(step, lowest, highest), render_kw=hints)


class RouteRows(FieldList):  # type: ignore[type-arg]  # generic in its types alone
    """Rows with numbers in their names; what has none of a sensible length is no row."""

    def _extract_indices(self, prefix: str, formdata: Mapping[str, Any]) -> Iterator[int]:
        # WTForms would raise for digits of other alphabets and for thousands of them.
        for name in formdata:
            found = re.match(rf"{re.escape(prefix)}-([0-9]{{1,6}})-", name)
            if found:
                yield int(found[1])


class RouteForm(Form):
    """A row of the table of routes, with the fields of `Route`."""

    source = RouteChoice("What is heard", _heard_options())
    target = RouteChoice("What is seen", _seen_options())
    amount = _number("Amount", -1, 1, 0.01)
    attack_s = _number("Attack", 0, MAX_TIME_S, 0.01)
    release_s = _number("Release", MIN_RELEASE_S, MAX_TIME_S, 0.05)
    delay_s = _number("Delay", 0, MAX_TIME_S, 0.05)
    curve = RouteChoice("Response", _curve_options())

    @property
    def group(self) -> str:
        """The slider that turns the row up and down."""
        heard = (SOURCES | MOTIONS).get(self.source.data or "")
        return heard.group if heard else ""

    def route(self) -> Route:
        """Read the row.

        Raises
        ------
        ValueError
            It is no route; the words say why, without a full stop.
        """
        source, curve = self.source.data or "", self.curve.data or ""
        if source in MOTIONS and curve != "linear":
            raise ValueError(
                f"“{name_heard(source)}” swings to both sides, and its response can only be "
                f"“{RESPONSES['linear'][0]}”"
            )
        return Route(
            source=source,
            target=self.target.data or "",
            amount=_read(self.amount),
            attack_s=_read(self.attack_s),
            release_s=_read(self.release_s),
            delay_s=_read(self.delay_s),
            curve=curve,
        )


def _read(field: StringField) -> float:
    try:
        return float(field.data or "")
    except ValueError as error:
        raise ValueError(f"{field.label.text.lower()} has to be a number") from error


def write_number(value: float) -> str:
    """Write a number as short as a browser does, so that one can be compared with the other."""
    return f"{value:.12g}"


def write_route(route: Route) -> dict[str, str]:
    """Fill in a row."""
    return {
        name: value if isinstance(value, str) else write_number(value)
        for name, value in vars(route).items()
    }


def spare_row(prefix: str) -> RouteForm:
    """Return a row that does nothing yet."""
    return RouteForm(
        prefix=prefix, data=write_route(Route(source="level", target="zoom", amount=0))
    )
