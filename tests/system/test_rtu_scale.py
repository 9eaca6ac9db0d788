"""A scale on Modbus RTU, on a whole line: what it weighed is what the plant put on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system.rig import Rig
from tests.system.test_line import assert_promises

WIRE = (
    "{port: wires/rtu, poll_ms: 15, map: {weight: {address: 0, type: int32}, factor: 0.001, unit: kg, "
    "status: {address: 2, stable_bit: 0}, counter: 3, pattern: {address: 4, type: uint32, value: 305419896}}}"
)


@pytest.mark.timeout(120)
@pytest.mark.xdist_group("line")
def test_a_line_with_a_scale_on_modbus_rtu(make_rig: Callable[..., Rig]) -> None:
    overrides = ["devices.scale.kind=modbus-rtu-scale", f"devices.scale.wire={WIRE}"]
    overrides.append("devices.scale.latency_ms=[10, 32]")  # the poll comes on top, and the line has no room for more
    rig = make_rig(overrides=overrides, wires={"modbus_rtu_scale": "wires/rtu"})
    rig.start()
    rig.let_pass(10, 40.0)
    report = rig.finish()
    assert_promises(rig, report)
    done = rig.events("parcel-completed")
    weighed = [parcel for parcel in done if parcel["weight_g"] is not None]
    assert len(weighed) >= 0.9 * len(done)
