"""The styles of the made songs: who plays, how fast, how wet, how dirty. All numbers are taste."""

from dataclasses import dataclass

_PADS = ("warm pad", "strings", "choir", "saw pad")
_KEYS = ("piano", "electric piano", "organ")
_PLUCKED = ("pluck", "harp", "marimba", "bell", "guitar")
_LEADS = ("saw lead", "square lead", "vocal", "flute", "trumpet")
_SOLOISTS = ("trumpet", "violin", "flute", "clarinet", "vocal", "piano", "guitar", "harp", "bell")


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a song of one kind draws from; an empty tuple leaves the part out."""

    weight: float  # how often, beside the others
    tempo_bpm: tuple[float, float]
    metres: tuple[str, ...] = ("4/4",)
    modes: tuple[str, ...] = ()  # () draws from the common ones
    chords: tuple[str, ...] = ()
    bass: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    arpeggio: tuple[str, ...] = ()
    drone: tuple[str, ...] = ()  # sounds under every section
    extra: tuple[str, ...] = ()  # parts without a voice of their own: drums, noise, speech, risers
    patterns: tuple[int, ...] = ()  # of the drums, in 4/4; () draws from all
    reverb_s: tuple[float, float] = (0.6, 2.2)
    wetness: tuple[float, float] = (0.05, 0.35)
    drive: tuple[float, float] = (0.5, 1.6)  # gain into the limiter of the master
    density: tuple[float, float] = (0.25, 0.7)  # of the notes
    pump: tuple[float, float] = (0.0, 0.0)  # how far the kick pushes the rest down
    swing: tuple[float, float] = (0.0, 0.0)  # delay of the off-steps, of a step
    floor_db: tuple[float, float] = (-98.0, -70.0)  # noise under the song, of full scale


STYLES: dict[str, Style] = {
    "house": Style(
        weight=3,
        tempo_bpm=(116, 132),
        chords=("pluck", "organ", "saw pad", "electric piano"),
        bass=("saw bass", "sub bass", "acid bass"),
        lead=_LEADS,
        arpeggio=("pluck", "bell", "marimba"),
        extra=("drums", "risers"),
        patterns=(0, 0, 9),
        pump=(0.2, 0.7),
        drive=(1.2, 3.0),
    ),
    "trance": Style(
        weight=2,
        tempo_bpm=(128, 150),
        chords=("saw pad", "warm pad"),
        bass=("saw bass", "acid bass"),
        lead=("saw lead", "square lead"),
        arpeggio=("pluck", "square lead"),
        extra=("drums", "risers"),
        patterns=(0,),
        pump=(0.3, 0.8),
        drive=(1.5, 3.0),
        density=(0.5, 0.9),
    ),
    "pop": Style(
        weight=4,
        tempo_bpm=(84, 126),
        chords=_KEYS + _PADS,
        bass=("finger bass", "sub bass"),
        lead=_LEADS,
        arpeggio=_PLUCKED,
        extra=("drums",),
        patterns=(1, 2, 4, 9),
        drive=(1.0, 2.5),
    ),
    "hip hop": Style(
        weight=3,
        tempo_bpm=(70, 98),
        chords=("electric piano", "piano", "strings", "guitar"),
        bass=("sub bass", "finger bass"),
        lead=("flute", "bell", "vocal"),
        arpeggio=("harp", "pluck"),
        extra=("drums", "speech"),
        patterns=(2, 3, 9),
        swing=(0.1, 0.35),
        drive=(1.2, 2.6),
        floor_db=(-80.0, -58.0),
    ),
    "rock": Style(
        weight=3,
        tempo_bpm=(100, 176),
        chords=("power chord", "organ", "guitar"),
        bass=("finger bass", "saw bass"),
        lead=("fuzz lead", "vocal"),
        extra=("drums",),
        patterns=(1, 4, 6),
        drive=(1.6, 4.0),
        density=(0.4, 0.9),
        wetness=(0.03, 0.15),
        floor_db=(-86.0, -60.0),
    ),
    "drum and bass": Style(
        weight=2,
        tempo_bpm=(160, 180),
        chords=("warm pad", "electric piano", "choir"),
        bass=("sub bass", "acid bass", "saw bass"),
        lead=("vocal", "square lead"),
        arpeggio=("bell", "pluck"),
        extra=("drums", "risers"),
        patterns=(2, 4, 9),
        drive=(1.5, 3.5),
    ),
    "jazz": Style(
        weight=3,
        tempo_bpm=(90, 170),
        metres=("4/4", "4/4", "3/4"),
        chords=("piano", "electric piano", "guitar", "organ"),
        bass=("upright bass",),
        lead=("trumpet", "clarinet", "flute", "piano"),
        extra=("drums",),
        patterns=(7, 7, 1),
        swing=(0.4, 0.66),
        drive=(0.4, 1.0),
        density=(0.4, 0.8),
    ),
    "waltz": Style(
        weight=2,
        tempo_bpm=(84, 170),
        metres=("3/4",),
        chords=(*_KEYS, "strings"),
        bass=("upright bass", "finger bass"),
        lead=_SOLOISTS,
        arpeggio=("harp",),
        extra=("drums",),
        drive=(0.4, 1.2),
    ),
    "ballad": Style(
        weight=2,
        tempo_bpm=(60, 92),
        metres=("4/4", "6/8", "6/8", "3/4"),
        chords=(*_KEYS, "guitar"),
        bass=("finger bass", "upright bass"),
        lead=("vocal", "violin", "flute"),
        arpeggio=("harp", "piano", "guitar"),
        extra=("drums",),
        patterns=(1, 9, 8),
        drive=(0.5, 1.5),
    ),
    "orchestra": Style(
        weight=3,
        tempo_bpm=(60, 160),
        metres=("4/4", "3/4", "6/8"),
        chords=("strings", "brass", "choir"),
        bass=("strings", "brass"),
        lead=("violin", "trumpet", "flute", "clarinet"),
        arpeggio=("strings", "harp"),
        reverb_s=(1.5, 3.2),
        wetness=(0.2, 0.6),
        drive=(0.3, 0.8),
        density=(0.25, 0.8),
        floor_db=(-90.0, -68.0),
    ),
    "chamber": Style(
        weight=2,
        tempo_bpm=(66, 150),
        metres=("4/4", "3/4", "6/8"),
        chords=("strings",),
        lead=("violin", "flute"),
        reverb_s=(0.8, 2.4),
        wetness=(0.15, 0.45),
        drive=(0.3, 0.8),
        floor_db=(-90.0, -68.0),
    ),
    "solo": Style(
        weight=3,
        tempo_bpm=(60, 132),
        metres=("4/4", "3/4", "6/8"),
        lead=_SOLOISTS,
        reverb_s=(0.3, 2.6),
        wetness=(0.02, 0.5),
        drive=(0.3, 0.8),
        density=(0.2, 0.7),
        floor_db=(-92.0, -64.0),
    ),
    "ambient": Style(
        weight=3,
        tempo_bpm=(60, 84),
        chords=(*_PADS, "bell"),
        bass=("sub bass",),
        lead=("flute", "bell", "electric piano", "vocal"),
        arpeggio=("bell", "harp", "marimba"),
        extra=("noise",),
        reverb_s=(2.0, 4.0),
        wetness=(0.3, 0.9),
        drive=(0.3, 0.9),
        density=(0.08, 0.35),
    ),
    "percussion": Style(
        weight=1.5,
        tempo_bpm=(80, 150),
        metres=("4/4", "4/4", "6/8", "3/4"),
        arpeggio=("marimba",),
        extra=("drums",),
        patterns=(5, 8, 2, 6),
        density=(0.4, 0.9),
        reverb_s=(0.3, 2.0),
    ),
    "industrial": Style(
        weight=1.5,
        tempo_bpm=(70, 140),
        chords=("power chord", "brass"),
        bass=("acid bass", "saw bass"),
        lead=("fuzz lead",),
        extra=("drums", "noise", "speech"),
        patterns=(3, 4, 5, 6),
        drive=(4.0, 12.0),
        pump=(0.0, 0.6),
        floor_db=(-70.0, -48.0),
    ),
    "speech": Style(
        weight=1.5,
        tempo_bpm=(66, 110),
        extra=("speech",),
        reverb_s=(0.2, 0.7),
        wetness=(0.01, 0.12),
        drive=(0.4, 1.0),
        floor_db=(-84.0, -60.0),
    ),
    "chiptune": Style(
        weight=1.5,
        tempo_bpm=(110, 180),
        chords=("square lead",),
        bass=("square lead", "saw bass"),
        lead=("square lead",),
        arpeggio=("square lead",),
        extra=("drums",),
        patterns=(1, 2, 9, 0),
        wetness=(0.0, 0.08),
        density=(0.5, 0.95),
        floor_db=(-102.0, -84.0),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What one kind of section is like."""

    energy: tuple[float, float]  # at its start and its end; 1 is full, a tenth is 1.6 dB
    parts: tuple[str, ...]  # the parts that play, where the style has them


SCENES: dict[str, Scene] = {
    "intro": Scene(energy=(0.3, 0.5), parts=("chords", "arpeggio", "noise", "speech")),
    "verse": Scene(energy=(0.6, 0.65), parts=("drums", "bass", "chords", "lead", "speech")),
    "chorus": Scene(
        energy=(0.95, 1.0), parts=("drums", "bass", "chords", "lead", "arpeggio", "noise")
    ),
    "build": Scene(energy=(0.4, 0.9), parts=("drums", "chords", "arpeggio", "risers", "noise")),
    "break": Scene(energy=(0.35, 0.3), parts=("chords", "lead", "noise", "speech")),
    "beat": Scene(energy=(0.6, 0.7), parts=("drums", "bass", "speech")),
    "solo": Scene(energy=(0.5, 0.6), parts=("lead",)),
    "hush": Scene(energy=(-0.6, -1.0), parts=("chords", "arpeggio", "lead")),  # 25 to 30 dB down
    "outro": Scene(energy=(0.6, 0.0), parts=("chords", "bass", "lead")),
}
FORMS = (
    "intro verse chorus break chorus outro",
    "verse chorus verse chorus solo chorus",
    "intro build chorus break build chorus outro",
    "beat verse chorus hush chorus",
    "intro beat verse break chorus",
    "solo verse chorus hush solo",
    "chorus verse chorus build chorus",
)
