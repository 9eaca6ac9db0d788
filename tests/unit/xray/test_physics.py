"""Attenuation, spectra, detector and colour: against tables, formulas and each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulator.xray.attenuation import mass_shares, table
from simulator.xray.colour import atomic_numbers, develop
from simulator.xray.detector import Belt, belt_of, signals
from simulator.xray.machines import BELT, MACHINES, Machine, machine_named
from simulator.xray.materials import BASIS, MATERIALS, amounts, basis_mu
from simulator.xray.spectrum import Source, response, spectra

# mu/rho in cm2/g as NIST's XCOM tables print them.
NIST = [
    ("Al", 60, 0.2778),
    ("Al", 100, 0.1704),
    ("Fe", 60, 1.205),
    ("Fe", 100, 0.3717),
    ("Cu", 80, 0.7630),
    ("C", 60, 0.1753),
    ("Pb", 100, 5.549),
    ("H", 60, 0.3260),
    ("O", 100, 0.1551),
]


def wedge(material: str, thickness_mm: float) -> NDArray[np.float32]:
    flat = np.zeros((len(BASIS), 1, 1), np.float32)
    flat[:, 0, 0] = np.array(amounts(material)) * thickness_mm
    return flat


def seen(material: str, thickness_mm: float, machine: Machine) -> NDArray[np.float32]:
    return response(machine.source).through(wedge(material, thickness_mm))


@pytest.mark.parametrize(("element", "kev", "mu_rho"), NIST)
def test_elements_agree_with_nist_within_three_percent(element: str, kev: int, mu_rho: float) -> None:
    at = int(np.flatnonzero(table().energies_kev == kev)[0])
    assert table().mu_rho[element][at] == pytest.approx(mu_rho, rel=0.03)


def test_shares_by_mass_of_water() -> None:
    shares = mass_shares("H2O")
    assert shares["H"] == pytest.approx(2 * 1.008 / 18.015, rel=1e-3)
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("formula", ["", "h2o", "H2(O)", "Uuo"])
def test_a_formula_that_cannot_be_read_is_refused(formula: str) -> None:
    with pytest.raises(ValueError, match="formula"):
        mass_shares(formula)


def test_narrow_beam_of_100_kev_through_10_mm_of_aluminium() -> None:
    """exp(-0.1704 cm2/g * 2.70 g/cm3 * 1 cm) = 0.631; one hundredth of copper takes a little more."""
    at = int(np.flatnonzero(table().energies_kev == 100)[0])
    assert np.exp(-MATERIALS["aluminium"].mu()[at] * 10) == pytest.approx(0.631, rel=0.02)


def test_narrow_beam_of_60_kev_through_2_mm_of_steel() -> None:
    """exp(-1.205 * 7.85 * 0.2) = 0.151."""
    at = int(np.flatnonzero(table().energies_kev == 60)[0])
    assert np.exp(-MATERIALS["steel"].mu()[at] * 2) == pytest.approx(0.151, rel=0.03)


@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_every_material_is_a_mixture_of_the_basis(name: str) -> None:
    energies = table().energies_kev
    edged = name in {"solder", "firework_salts"}
    least = 40 if edged else 28
    inside = (energies >= least) & (energies <= 160)
    ratio = (np.array(amounts(name)) @ basis_mu() / MATERIALS[name].mu())[inside]
    assert np.abs(ratio - 1).max() < (0.09 if edged else 0.035)
    assert np.abs(ratio - 1).mean() < (0.03 if edged else 0.0105)


def test_ten_energies_stand_for_the_whole_spectrum() -> None:
    source = Source()
    energies, taken = spectra(source)
    taken = taken / taken.sum(axis=1, keepdims=True)
    known = table().energies_kev
    for material, thickness, within in (
        ("polyethylene", 300, 0.01),
        ("steel", 1, 0.03),
        ("steel", 30, 0.03),
        ("lead", 4, 0.06),
    ):
        mu = np.exp(np.interp(np.log(energies), np.log(known), np.log(MATERIALS[material].mu())))
        whole = -np.log(taken @ np.exp(-mu * thickness))
        few = -np.log(response(source).through(wedge(material, thickness))[:, 0, 0])
        assert few == pytest.approx(whole, rel=within)


def test_a_beam_hardens() -> None:
    """The first millimetre of steel takes more, per millimetre, than the twentieth."""
    one, nineteen, twenty = (float(-np.log(seen("steel", t, BELT)[1, 0, 0])) for t in (1, 19, 20))
    assert twenty - nineteen < 0.75 * one


@given(st.sampled_from(sorted(MATERIALS)), st.floats(0.1, 50), st.floats(1.01, 3))
@settings(max_examples=60, deadline=None)
def test_more_of_anything_lets_less_through(material: str, thickness: float, factor: float) -> None:
    less = seen(material, thickness * factor, BELT)
    more = seen(material, thickness, BELT)
    assert (less < more).all()
    assert (more < 1).all()


SURE = [machine for machine in MACHINES if machine.screen.unsure < 0.2]
"""Machines whose colours tell what even thin things are of."""


@pytest.mark.parametrize("machine", SURE, ids=lambda machine: machine.name)
@pytest.mark.parametrize("thickness", [5, 10, 30])
def test_atomic_numbers_are_in_order(machine: Machine, thickness: int) -> None:
    organic, light, metal = (
        float(atomic_numbers(seen(material, deep, machine), machine)[0, 0])
        for material, deep in (("polyethylene", thickness * 3), ("aluminium", thickness), ("steel", thickness / 4))
    )
    assert organic < 8 < 11 < light < 15 < 18 <= metal


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_steel_stays_metal_at_every_thickness_and_ends_black(machine: Machine) -> None:
    """Never brown: where a pixel still has a colour, its blue is its strongest channel."""
    steps = np.geomspace(0.3 if machine in SURE else 4.0, 90, 120)
    light = np.concatenate([seen("steel", float(step), machine) for step in steps], axis=2)
    light = np.maximum(np.repeat(light, 9, axis=1), np.float32(2e-4))
    row = develop(light, machine)[4].astype(int)
    coloured = row.max(axis=1) > 12
    assert (row[coloured, 2] >= row[coloured].max(axis=1) - 2).all()
    assert row[-1].max() <= 12
    assert coloured.sum() > 60


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_thin_blade_is_teal_where_thin_things_are_unsure_and_a_gun_is_blue(machine: Machine) -> None:
    plates = (np.broadcast_to(seen("steel", mm, machine), (2, 9, 9)) for mm in (0.8, 8.0))
    blade, gun = (develop(plate, machine)[4, 4].astype(int) for plate in plates)
    assert (blade[1] > blade[2] - 5) == (machine not in SURE)
    assert gun[2] > max(gun[0], gun[1])


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_steel_stays_metal_under_noise_and_scattered_light(machine: Machine) -> None:
    for thickness in (4, 8, 12, 16, 20, 26, 34):
        block = np.zeros((len(BASIS), 320, 416), np.float32)
        block[1, 120:200, 150:250] = thickness
        shown = develop(signals(block, machine, Belt(), np.random.default_rng(thickness)), machine)
        red, _, blue = shown[130:190, 160:240].astype(int).transpose(2, 0, 1)
        assert (red > blue + 10).mean() < 0.02, thickness


def test_open_air_is_the_background_and_grain_is_that_of_its_photons() -> None:
    quiet = Machine("quiet", photons=10_000, electronic=0.0, scatter=0.0, blur_px=0.01, unevenness=0.0, faults=0.0)
    light = signals(np.zeros((3, 320, 416), np.float32), quiet, Belt(), np.random.default_rng(1))
    assert light.mean() == pytest.approx(1, abs=1e-4)
    assert light.std() == pytest.approx(0.01, rel=0.02)


def test_scatter_is_a_floor_under_what_is_dark() -> None:
    dark = np.zeros((3, 320, 416), np.float32)
    dark[1, 120:200, 160:260] = 60
    bright = Machine("bright", photons=1e9, electronic=0.0, scatter=0.01, unevenness=0.0, faults=0.0)
    light = signals(dark, bright, Belt(), np.random.default_rng(1))
    assert 0.0003 < light[1, 160, 210] < 0.0101
    assert light[1, 125, 165] > light[1, 160, 210]


@given(st.integers(0, 2000))
@settings(max_examples=60, deadline=None)
def test_a_belt_never_runs_backwards(seed: int) -> None:
    belt = belt_of(Machine("worn", faults=0.7), np.random.default_rng(seed))
    assert 0.9 < belt.stretch < 1.1
    if belt.columns is not None:
        assert belt.columns.shape == (416,)
        assert (np.diff(belt.columns) >= 0).all()
        assert belt.columns[0] == 0
        assert belt.columns[-1] <= 415


def test_machines_have_names_and_one_is_kept_for_testing() -> None:
    assert len({machine.name for machine in MACHINES}) == len(MACHINES) >= 5
    assert sum(machine.testing for machine in MACHINES) == 1
    assert not BELT.testing
    assert machine_named(BELT.name) is BELT
    with pytest.raises(ValueError, match="there are amber"):
        machine_named("none")
