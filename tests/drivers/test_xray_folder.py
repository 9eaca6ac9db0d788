"""The X-ray machine's folder on a disk. Field cases C37 and C41."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from drivers import xray_folder
from drivers.shares import mounted
from drivers.xray_folder import XrayFolder, XrayFolderSettings
from station.core.events import DeviceState
from station.ports import Device, Picture
from tests.codec.test_picture_codec import JPEG, PNG
from tests.drivers.conftest import Caught, eventually

Start = Callable[[Device], Device]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "xray"
    made.mkdir()
    return made


def device(folder: Path, **more: object) -> XrayFolder:
    settings = XrayFolderSettings(folder=folder, poll_ms=5, incomplete_ms=150, **more)  # type: ignore[arg-type]
    return XrayFolder("xray-1", settings, time.monotonic_ns)


def refuse(_path: Path, _to: object = None) -> None:
    raise PermissionError(13, "Permission denied")


def pictures(caught: Caught, count: int = 1) -> list[Picture]:
    return caught.wait_for(Picture, count)  # type: ignore[return-value]


def looked_again(one: XrayFolder) -> None:
    """Wait until the driver has begun two more looks at the folder."""
    for _ in range(2):
        before = one._looked_ns
        eventually(lambda before=before: one._looked_ns != before)  # type: ignore[misc]


@pytest.mark.parametrize(("data", "end"), [(PNG, "png"), (JPEG, "jpg")])
def test_a_renamed_picture_is_delivered_with_trigger_and_honest_bounds(
    folder: Path, caught: Caught, started: Start, data: bytes, end: str
) -> None:
    one = started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "part.tmp").write_bytes(data)
    before_ns = time.monotonic_ns()
    (folder / "part.tmp").rename(folder / f"line1_00042.{end}")
    after_ns = time.monotonic_ns()
    [picture] = pictures(caught)
    assert (picture.data, picture.trigger, picture.fault) == (data, 42, "")
    assert picture.arrived.after_ns <= after_ns
    assert picture.arrived.before_ns >= before_ns
    eventually(lambda: [path.name.split("_", 1)[1] for path in (folder / "done").iterdir()] == [f"line1_00042.{end}"])
    assert one.health().counters["delivered"] == 1
    assert one.health().counters.get("wrong names", 0) == 0


@pytest.mark.parametrize(("data", "end"), [(PNG, "png"), (JPEG, "jpg")])
def test_a_slow_writers_picture_is_delivered_whole_and_its_interval_spans_the_writing(
    folder: Path, caught: Caught, started: Start, data: bytes, end: str
) -> None:
    one = device(folder)
    started(one)
    caught.wait_for(DeviceState)
    begun_ns = time.monotonic_ns()
    written_ns = begun_ns + 20_000_000
    with (folder / f"7.{end}").open("wb") as file:
        for at in range(0, len(data), len(data) // 3):
            file.write(data[at : at + len(data) // 3])
            file.flush()
            looked_again(one)
            if file.tell() < len(data):
                assert 0 < (one.health().seen_empty_ns or 0) <= written_ns
        ended_ns = time.monotonic_ns()
    [picture] = pictures(caught)
    assert (picture.data, picture.trigger, picture.fault) == (data, 7, "")
    assert picture.arrived.after_ns <= begun_ns
    assert picture.arrived.before_ns >= ended_ns - 20_000_000


@pytest.mark.parametrize(
    "content", [PNG[: len(PNG) // 2], JPEG[:-2], JPEG[:200] + bytes(len(JPEG) - 200), b"", b"GIF89a" * 20]
)
def test_a_file_that_stays_incomplete_is_a_fault_with_its_name(
    folder: Path, caught: Caught, started: Start, content: bytes
) -> None:
    started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "8.png").write_bytes(content)
    [picture] = pictures(caught)
    assert picture.fault.startswith("8.png lacks ")
    assert picture.trigger == 8
    assert picture.arrived.before_ns - picture.arrived.after_ns > 150_000_000


def test_a_picture_takes_as_much_memory_as_it_is_large(folder: Path) -> None:
    (folder / "1.png").write_bytes(PNG)
    tracemalloc.start()
    try:
        data, lacks = device(folder)._read("1.png", xray_folder._Seen(0, 0, (0, 0, 0)))
        assert (data, lacks) == (PNG, "")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_what_lay_there_before_is_never_delivered(folder: Path, caught: Caught, started: Start) -> None:
    (folder / "1.png").write_bytes(PNG)
    (folder / "notes.txt").write_text("keep me")
    one = started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "1.png").write_bytes(PNG)
    [picture] = pictures(caught)
    assert picture.arrived.after_ns > 0
    assert one.health().counters["old"] == 1
    assert (folder / "notes.txt").exists()
    eventually(lambda: one.health().counters.get("wrong names", 0) == 1)
    assert "notes.txt" in one.health().detail


def test_a_machine_that_writes_capitals(folder: Path, caught: Caught, started: Start) -> None:
    started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "t").write_bytes(PNG)
    (folder / "t").rename(folder / "IMG_0042.PNG")
    assert [picture.trigger for picture in pictures(caught)] == [42]


def test_files_of_other_names_are_looked_at_once_however_many_they_are(
    folder: Path, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One .xml beside each picture: 30,000 of them took half a second at each look."""
    for n in range(xray_folder.MANY + 50):
        (folder / f"{n}.xml").touch()
    matched = Counter[str]()
    one = device(folder)
    whole = one._pattern

    def fullmatch(name: str) -> object:
        matched[name] += 1
        return whole.fullmatch(name)

    monkeypatch.setattr(one, "_pattern", SimpleNamespace(fullmatch=fullmatch))
    started(one)
    caught.wait_for(DeviceState)
    for _ in range(3):
        looked_again(one)
    assert set(matched.values()) == {1}
    eventually(lambda: "so many slow it down" in one.health().detail)


def test_pictures_come_in_order_and_done_is_bounded(folder: Path, caught: Caught, started: Start) -> None:
    started(device(folder, keep=3))
    caught.wait_for(DeviceState)
    for n in range(10):
        (folder / "t").write_bytes(PNG)
        (folder / "t").rename(folder / f"{n}.png")
    assert [p.trigger for p in pictures(caught, 10)] == list(range(10))
    eventually(lambda: len(list((folder / "done").iterdir())) == 3)


def test_delivered_files_may_be_deleted_and_names_used_again(folder: Path, caught: Caught, started: Start) -> None:
    started(device(folder, delivered="delete"))
    caught.wait_for(DeviceState)
    for n in range(1, 4):
        (folder / "5.png").write_bytes(PNG)
        pictures(caught, n)
        eventually(lambda: list(folder.iterdir()) == [])


def test_a_file_that_cannot_be_cleared_is_delivered_once_and_said(
    folder: Path, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = device(folder)
    started(one)
    caught.wait_for(DeviceState)
    monkeypatch.setattr(Path, "replace", refuse)
    (folder / "1.png").write_bytes(PNG)
    pictures(caught)
    looked_again(one)
    assert len(caught.of(Picture)) == 1
    assert "cannot be cleared away: Permission denied" in one.health().detail


def test_a_file_that_could_not_be_cleared_is_cleared_once_it_can_be(
    folder: Path, caught: Caught, started: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(xray_folder, "TOLD_NS", 100_000_000)
    one = started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "done").rmdir()
    (folder / "done").touch()
    for n in (1, 2):
        (folder / f"{n}.png").write_bytes(PNG)
        pictures(caught, n)
    eventually(lambda: "1.png and 1 more in" in one.health().detail)
    assert "cannot be cleared away: File exists; give this user write access" in one.health().detail
    assert one.health().counters["not cleared"] == 2
    eventually(lambda: "cannot be cleared away" in caplog.text)
    (folder / "done").unlink()
    eventually(lambda: len(list(folder.glob("done/*.png"))) == 2)
    eventually(lambda: one.health().detail == "connected")
    assert one.health().counters["not cleared"] == 0
    assert caplog.text.count("cannot be cleared away") == caplog.text.count("are cleared away again") == 1
    assert len(caught.of(Picture)) == 2


def test_a_folder_with_too_many_files_that_cannot_be_cleared_is_lost_until_they_are(
    folder: Path, caught: Caught, started: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xray_folder, "MOST_UNCLEARED", 3)
    one = started(device(folder))
    caught.wait_for(DeviceState)
    with monkeypatch.context() as readonly:
        readonly.setattr(Path, "replace", refuse)
        for n in range(4):
            (folder / f"{n}.png").write_bytes(PNG)
            pictures(caught, n + 1)
        lost: DeviceState = caught.wait_for(DeviceState, 2)[1]  # type: ignore[assignment]
        assert "0.png and 3 more in" in lost.detail
        assert "cannot be cleared away: Permission denied" in lost.detail
        eventually(lambda: one.health().counters["losses"] >= 2)
        assert len(caught.of(DeviceState)) == 2
    assert [s.connected for s in caught.wait_for(DeviceState, 3)] == [True, False, True]  # type: ignore[attr-defined]
    eventually(lambda: not list(folder.glob("*.png")))
    assert len(caught.of(Picture)) == 4


def test_files_of_other_names_are_no_longer_told_of_when_they_are_gone(
    folder: Path, caught: Caught, started: Start
) -> None:
    one = started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "filler").touch()
    eventually(lambda: "filler in" in one.health().detail)
    (folder / "filler").unlink()
    eventually(lambda: one.health().detail == "connected")


def test_a_share_that_went_away_is_lost_once_and_what_came_meanwhile_is_old(
    folder: Path, caught: Caught, started: Start
) -> None:
    one = started(device(folder))
    caught.wait_for(DeviceState)
    folder.rename(folder.with_suffix(".away"))
    lost = caught.wait_for(DeviceState, 2)[-1]
    assert "is the share mounted?" in lost.detail  # type: ignore[attr-defined]
    (folder.with_suffix(".away") / "3.png").write_bytes(PNG)
    folder.with_suffix(".away").rename(folder)
    assert [s.connected for s in caught.wait_for(DeviceState, 3)] == [True, False, True]  # type: ignore[attr-defined]
    assert one.health().counters["old"] == 1
    (folder / "4.png").write_bytes(PNG)
    assert [p.trigger for p in pictures(caught)] == [4]


def test_a_listing_that_may_be_old_widens_the_interval(folder: Path, caught: Caught, started: Start) -> None:
    started(device(folder, listing_delay_ms=3000))
    caught.wait_for(DeviceState)
    (folder / "4.png").write_bytes(PNG)
    [picture] = pictures(caught)
    assert picture.arrived.before_ns - picture.arrived.after_ns > 3_000_000_000


def test_a_share_that_hangs_is_found(folder: Path, caught: Caught, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.wire.HANGS_NS", 50_000_000)
    one = device(folder)
    monkeypatch.setattr(one, "_turn", lambda: one._wait(0.3))
    one.start(caught)
    eventually(lambda: "hangs" in one.health().detail)
    assert not one.health().connected
    one.stop()
    assert caught.of(DeviceState)[0].connected is False  # type: ignore[attr-defined]


def test_probe_names_a_missing_folder_and_a_share_without_its_delay(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert device(folder).probe() == ""
    assert "does not exist" in device(folder / "none").probe()
    monkeypatch.setattr("drivers.xray_folder.file_system", lambda _folder: "nfs4")
    assert "set `listing_delay_ms`" in device(folder).probe()
    assert device(folder, listing_delay_ms=3000).probe() == ""


def test_probe_says_that_nothing_in_the_folder_is_a_picture_by_its_name(folder: Path) -> None:
    for name in ("0042.bmp", "0043.bmp"):
        (folder / name).touch()
    assert "of 2 files in" in device(folder).probe()
    assert "none matches `pattern`, as 0042.bmp" in device(folder).probe()
    (folder / "44.png").touch()
    assert device(folder).probe() == ""


def test_the_example_is_valid_and_a_bad_pattern_is_not() -> None:
    keys = yaml.safe_load(xray_folder.DRIVER.example)
    keys.pop("kind")
    assert XrayFolderSettings(**keys)
    with pytest.raises(ValueError, match="no regular expression"):
        XrayFolderSettings(folder=Path("/x"), pattern="(")


def test_a_name_in_another_encoding_is_told_in_plain_characters(folder: Path, caught: Caught, started: Start) -> None:
    one = started(device(folder))
    caught.wait_for(DeviceState)
    Path(os.fsdecode(bytes(folder) + b"/bild_\xfc\x1b[2J_17.png")).write_bytes(PNG[:-20])
    Path(os.fsdecode(bytes(folder) + b"/bild_\xfc.tmp")).write_bytes(b"")
    [picture] = pictures(caught)
    assert picture.trigger == 17
    assert picture.fault.startswith("bild_\\xfc\N{REPLACEMENT CHARACTER}[2J_17.png lacks ")
    eventually(lambda: one.health().detail.startswith("bild_\\xfc.tmp in "))


def test_a_link_that_points_nowhere_once_it_is_put_away_does_not_keep_the_next_start_from_reading(
    folder: Path, caught: Caught, started: Start
) -> None:
    (folder / "kept").write_bytes(PNG)
    first = started(device(folder))
    caught.wait_for(DeviceState)
    (folder / "8.png").symlink_to("kept")
    assert pictures(caught)[0].trigger == 8
    first.stop()
    assert not [path for path in (folder / "done").iterdir() if path.exists()]
    started(device(folder))
    caught.wait_for(DeviceState, 2)
    (folder / "t").write_bytes(PNG)
    (folder / "t").rename(folder / "9.png")
    assert pictures(caught, 2)[1].trigger == 9


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("server:/pictures /srv/xray nfs4 rw 0 0", "nfs4"),
        ("systemd-1 /srv/xray autofs rw 0 0\nserver:/pictures /srv/xray nfs4 rw 0 0", "nfs4"),
        ("//server/pictures /srv/xray\\040share cifs rw 0 0", "ext4"),
        ("remote: /srv/xray fuse.rclone rw 0 0", "fuse.rclone"),
        ("/dev/sdb1 /srv/xray2 vfat rw 0 0", "ext4"),
    ],
)
def test_what_a_folder_is_mounted_from(line: str, kind: str) -> None:
    assert mounted("/srv/xray/line-1", f"/dev/sda1 / ext4 rw 0 0\n{line}\nproc /proc proc rw 0 0\n") == kind


def test_a_space_in_the_place_of_a_mount() -> None:
    mounts = "/dev/sda1 / ext4 rw 0 0\n//server/pictures /srv/xray\\040share cifs rw 0 0\n"
    assert mounted("/srv/xray share", mounts) == "cifs"


@pytest.mark.parametrize("kind", ["autofs", "vboxsf", "fuse", "fuse.rclone", "9p"])
def test_every_kind_of_share_is_asked_how_old_its_listing_may_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("drivers.xray_folder.file_system", lambda _folder: kind)
    assert "listing_delay_ms" in device(folder).probe()
