"""The machines: what each sees with, how it looks at the belt, and how its screen colours what it saw."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.xray.spectrum import Source

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Screen:
    """How a machine shows materials.

    Attributes:
        organic, mixed, metal: RGB at medium thickness.
        anchors: effective atomic numbers up to which all is organic, at which it is mixed, from which it is metal.
        background: grey value of nothing at all.
        tone: the greater, the sooner thin things show; k of log(1 + k L) / log(1 + k L1).
        deepest: the attenuation L1 that is shown black.
        sharpening, sharpening_px: strength and reach of the edge enhancement.
        full: lightness at which a colour is fullest; thinner things fade to white, thicker to black.
        darkening: power by which they do so: the less, the longer thick steel stays blue before it turns black.
        unsure: attenuation under which the colour says little of the material, drawn towards water's: where it is
            great, thin steel is green.
    """

    organic: Colour = (238, 138, 44)
    mixed: Colour = (74, 170, 62)
    metal: Colour = (28, 76, 196)
    anchors: tuple[float, float, float] = (8.1, 10.6, 18.0)
    background: int = 254
    tone: float = 3.0
    deepest: float = 6.3
    sharpening: float = 1.3
    sharpening_px: float = 1.3
    full: float = 0.45
    darkening: float = 0.8
    unsure: float = 0.03


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine.

    Attributes:
        name: what to call it.
        source: its tube and detector.
        screen: its colours.
        mm_per_px: millimetres of the belt that a pixel covers, where a thing lies.
        size_px: width (along the belt) and height of its picture.
        tilt_deg: how far its central ray leans across the belt.
        focus_mm: distance from the tube to the belt; the nearer, the more its fan of rays spreads.
        photons: in an open pixel of one layer; fewer give more grain.
        electronic: standard deviation of the electronic noise, as a share of the open signal.
        scatter: scattered light on top, as a share of the mean signal around.
        blur_px: standard deviation of the detector's blur.
        unevenness: standard deviation of the gain from one detector element (a row) to the next.
        faults: share of its pictures with a dead or weak row, a stop of the belt, or a speed that does not fit.
        testing: kept for testing: no picture of it is ever trained on.
    """

    name: str
    source: Source = field(default_factory=Source)
    screen: Screen = field(default_factory=Screen)
    mm_per_px: float = 1.35
    size_px: tuple[int, int] = (416, 320)
    tilt_deg: float = 0.0
    focus_mm: float = 1100.0
    photons: float = 20_000.0
    electronic: float = 0.0006
    scatter: float = 0.004
    blur_px: float = 0.55
    unevenness: float = 0.003
    faults: float = 0.04
    testing: bool = False


MACHINES: tuple[Machine, ...] = (
    Machine("amber"),
    Machine(
        "vivid",
        Source(tube_kv=160, filter_cu_mm=0.4, thin_mm=0.1),
        Screen((240, 104, 50), (64, 190, 84), (20, 60, 222), (7.9, 10.4, 17.0), tone=2.2, sharpening=1.6, full=0.5,
               darkening=0.5),
        mm_per_px=1.2,
        tilt_deg=12.0,
        photons=40_000,
    ),
    Machine(
        "pale",
        Source(tube_kv=140, filter_al_mm=2.5, filter_cu_mm=0.0, thin_mm=0.08, plate_mm=0.4),
        Screen((224, 196, 142), (150, 172, 116), (50, 64, 112), (7.8, 12.0, 21.0), tone=3.5, deepest=6.5, sharpening=2),
        mm_per_px=1.45,
        focus_mm=900.0,
        photons=4_000,
        electronic=0.0012,
        unevenness=0.006,
    ),
    Machine(
        "leaf",
        Source(tube_kv=150, filter_al_mm=4.0, plate_mm=0.8),
        Screen(
            (238, 150, 70), (66, 160, 58), (24, 104, 190), (7.4, 9.6, 20.0),
            tone=4.0, deepest=7.0, sharpening=1.4, full=0.4, darkening=0.4, unsure=0.3,
        ),
        mm_per_px=1.3,
        tilt_deg=-20.0,
        photons=60_000,
        electronic=0.0003,
    ),
    Machine(
        "harbour",
        Source(tube_kv=180, filter_al_mm=2.0, filter_cu_mm=1.0, thin_mm=0.15, plate_mm=1.0),
        Screen(
            (226, 128, 78), (96, 186, 130), (40, 66, 206), (8.8, 12.5, 19.0), background=234, tone=3.2, sharpening=1.4
        ),
        mm_per_px=1.5,
        focus_mm=1400.0,
        photons=14_000,
        blur_px=0.65,
        faults=0.08,
    ),
    Machine(
        "meadow",
        Source(tube_kv=145, filter_al_mm=3.0, plate_mm=0.6, thin_mm=0.1),
        Screen(
            (236, 148, 62), (98, 172, 62), (26, 108, 152), (7.5, 9.3, 17.0),
            tone=6.0, deepest=7.0, sharpening=1.5, full=0.5, darkening=0.22, unsure=0.5,
        ),
        mm_per_px=1.35,
        tilt_deg=4.0,
        photons=30_000,
        electronic=0.0004,
        scatter=0.002,
    ),
    Machine(
        "ember",
        Source(tube_kv=165, filter_al_mm=2.5, filter_cu_mm=0.2, plate_mm=0.5),
        Screen(
            (224, 92, 30), (84, 146, 70), (32, 84, 186), (7.8, 10.6, 17.5),
            tone=7.0, deepest=7.5, sharpening=1.6, full=0.55, darkening=0.35, unsure=0.15,
        ),
        mm_per_px=1.4,
        tilt_deg=-8.0,
        photons=12_000,
        electronic=0.0006,
        scatter=0.002,
        faults=0.06,
    ),
    Machine(
        "lagoon",
        Source(tube_kv=155, filter_al_mm=3.5, filter_cu_mm=0.1, thin_mm=0.14, plate_mm=0.5, thick_mm=5.0),
        Screen(
            (244, 160, 84), (84, 176, 96), (30, 124, 196), (7.7, 10.0, 18.5),
            tone=4.5, deepest=7.4, sharpening=1.6, full=0.42,
        ),
        mm_per_px=1.25,
        tilt_deg=7.0,
        focus_mm=1000.0,
        photons=25_000,
        blur_px=0.6,
        testing=True,
    ),
)  # fmt: skip
BELT = MACHINES[0]


def machine_named(name: str) -> Machine:
    """The machine of that name.

    Raises:
        ValueError: there is none; says which there are.
    """
    for machine in MACHINES:
        if machine.name == name:
            return machine
    raise ValueError(f"no machine {name!r}; there are {', '.join(machine.name for machine in MACHINES)}")
