"""What can be wrong with the files of the journal: each ends in a stated behaviour, and nothing is deleted.

A damaged journal is set aside whole by a start, which begins a new one; a foreign or newer one is refused with a
sentence; where the file is sound, the station goes on, and `verify`, `journal-opened` or the publisher says what
is missing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import apsw
import pytest

from station.beginning import begin
from station.journal import CURSOR_FILE, Journal, JournalError, PictureStore, Reader
from station.journal.look import look_at
from station.journal.verify import verify
from station.publisher.cursor import Cursor
from tests.unit.journal.conftest import NOON, changed
from tests.unit.journal.keep import KEPT, fill

PAGE = 4096
LAST = 481
PUBLISHED = 300


@dataclass(slots=True)
class Site:
    """A station's data: the journal as a kill left it, with a write-ahead log; cursor, pictures, and a backup."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "journal.db"

    @property
    def wal(self) -> Path:
        return self.folder / "journal.db-wal"

    @property
    def cursor(self) -> Path:
        return self.folder / CURSOR_FILE

    def change(self, path: Path, offset: int, data: bytes) -> None:
        whole = bytearray(path.read_bytes())
        offset = offset % len(whole)
        whole[offset : offset + len(data)] = data
        path.write_bytes(whole)

    def flip(self, path: Path, offset: int) -> None:
        offset = offset % path.stat().st_size
        self.change(path, offset, bytes([path.read_bytes()[offset] ^ 0x55]))

    def cut(self, path: Path, size: int) -> None:
        path.write_bytes(path.read_bytes()[:size])

    def fold(self) -> None:
        """The log is folded into the file, as after an end in order."""
        journal_of(self.path).close()

    def sql(self, *statements: str) -> None:
        self.fold()
        db = apsw.Connection(str(self.path))
        for statement in statements:
            db.execute(statement)
        db.close()

    def files(self) -> dict[Path, int]:
        """All that must not vanish or shrink; locks and shared memory hold nothing."""
        return {
            path: path.stat().st_size
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.endswith((".lock", "-shm"))
        }


def journal_of(path: Path, station: str = "demo") -> Journal:
    ticks = count()
    return Journal(path, station=station, now_utc=lambda: NOON, mono_ns=lambda: next(ticks))


def _make(folder: Path) -> None:
    store = PictureStore(folder / "pictures")
    store.put(b"one picture")
    store.put(b"and another")
    journal = journal_of(folder / "journal.db")
    fill(journal)
    journal.close()
    shutil.copy(folder / "journal.db", folder / "old.db")
    journal = journal_of(folder / "journal.db")
    for n in range(22):
        journal.append([changed(n * 20 + i) for i in range(20 if n else 19)], epoch=1, session=1)
    reader = Reader(folder / "journal.db")
    with Cursor(folder / CURSOR_FILE) as cursor:
        cursor.begin(reader)
        cursor.advance(PUBLISHED)
        cursor.keep()
    for name in ("journal.db", "journal.db-wal"):
        shutil.copy(folder / name, folder / f"{name}.killed")
    reader.close()
    journal.close()
    for name in ("journal.db", "journal.db-wal"):
        (folder / f"{name}.killed").rename(folder / name)
    for shared in folder.glob("*-shm"):
        shared.unlink()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    _make(folder)
    return folder


@pytest.fixture
def site(made: Path, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(made, tmp_path / "data")
    yield Site(tmp_path / "data")
    for path in (tmp_path / "data").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _foreign(site: Site) -> None:
    site.path.unlink()
    db = apsw.Connection(str(site.path))
    db.execute("CREATE TABLE other (a)")
    db.close()


def _folder(path: Path) -> None:
    path.rename(path.with_name(f"{path.name}.was"))
    path.mkdir()
    (path / "note.txt").write_text("mine")


def _swap(site: Site) -> None:
    one, other = site.path.read_bytes(), site.wal.read_bytes()
    site.path.write_bytes(other)
    site.wal.write_bytes(one)


def _pages_swapped(site: Site) -> None:
    site.fold()
    whole = site.path.read_bytes()
    pages = [whole[i : i + PAGE] for i in range(0, len(whole), PAGE)]
    pages[-2], pages[-3] = pages[-3], pages[-2]
    site.path.write_bytes(b"".join(pages))


def _of(site: Site, other: str, *, wal: bool = False) -> None:
    """Another file in the journal's place, or in that of its log."""
    (site.wal if wal else site.path).write_bytes((site.folder / other).read_bytes())


def _without_log(site: Site) -> None:
    site.wal.unlink()


Damage = Callable[[Site], object]

REFUSED: dict[str, tuple[Damage, str]] = {
    "empty": (lambda s: s.cut(s.path, 0), "cut off"),
    "one byte": (lambda s: (s.wal.unlink(), s.cut(s.path, 1)), "only 1 bytes long"),
    "half a header": (lambda s: (s.wal.unlink(), s.cut(s.path, 50)), "cut off"),
    "header only": (lambda s: (s.wal.unlink(), s.cut(s.path, 100)), "cut off"),
    "one page": (lambda s: (s.fold(), s.cut(s.path, PAGE)), "damaged"),
    "two pages": (lambda s: (s.fold(), s.cut(s.path, 2 * PAGE)), "damaged"),
    "half the file": (lambda s: (s.fold(), s.cut(s.path, s.path.stat().st_size // 2)), "damaged"),
    "half a page cut": (lambda s: (s.fold(), s.cut(s.path, s.path.stat().st_size - PAGE // 2)), "damaged"),
    "last page cut": (lambda s: (s.fold(), s.cut(s.path, s.path.stat().st_size - PAGE)), "damaged"),
    "last ten pages cut": (lambda s: (s.fold(), s.cut(s.path, s.path.stat().st_size - 10 * PAGE)), "damaged"),
    "magic": (lambda s: (s.fold(), s.flip(s.path, 3)), "not a journal"),
    "page size": (lambda s: (s.fold(), s.change(s.path, 16, b"\x00\x07")), "not a journal|damaged"),
    "write format": (lambda s: (s.fold(), s.change(s.path, 18, b"\x09\x09")), "not a journal|not be written|another"),
    "payload fraction": (lambda s: (s.fold(), s.change(s.path, 21, b"\x00")), "not a journal|damaged"),
    "schema format": (lambda s: (s.fold(), s.change(s.path, 44, struct.pack(">I", 99))), "schema|format|version|SQL"),
    "owner": (lambda s: (s.fold(), s.flip(s.path, 68)), "another program"),
    "newer by one": (lambda s: s.sql("PRAGMA user_version = 4"), "version 4.*install the program"),
    "much newer": (lambda s: s.sql("PRAGMA user_version = 99"), "version 99"),
    "version nought": (lambda s: s.sql("PRAGMA user_version = 0"), "version 0"),
    "negative version": (lambda s: s.sql("PRAGMA user_version = -1"), "version -1"),
    "schema page zeroed": (lambda s: (s.fold(), s.change(s.path, 100, bytes(PAGE - 100))), "damaged|another program"),
    "page 2 zeroed": (lambda s: (s.fold(), s.change(s.path, PAGE, bytes(PAGE))), "damaged"),
    "page 5 garbage": (lambda s: (s.fold(), s.change(s.path, 4 * PAGE, os.urandom(PAGE))), "damaged"),
    "last page garbage": (lambda s: (s.fold(), s.change(s.path, -PAGE, os.urandom(PAGE))), "damaged"),
    "middle zeroed": (lambda s: (s.fold(), s.change(s.path, 8 * PAGE, bytes(4 * PAGE))), "damaged"),
    "two pages swapped": (_pages_swapped, "damaged"),
    "text": (lambda s: (s.wal.unlink(), s.path.write_text("Dear diary, " * 400)), "not a journal"),
    "zeros": (lambda s: (s.wal.unlink(), s.path.write_bytes(bytes(PAGE * 4))), "not a journal"),
    "picture": (lambda s: (s.wal.unlink(), s.path.write_bytes(b"\x89PNG\r\n\x1a\n" * 999)), "not a journal"),
    "database of another": (lambda s: (s.wal.unlink(), _foreign(s)), "another program"),
    "cursor in its place": (lambda s: (s.wal.unlink(), _of(s, CURSOR_FILE)), "another program"),
    "log in its place": (_swap, "not a journal"),
    "a folder": (lambda s: _folder(s.path), "folder"),
    "missing beside its log": (lambda s: s.path.rename(s.path.with_name("elsewhere")), "is missing, but its log"),
    "another station's": (lambda s: s.sql("UPDATE meta SET value = 'other' WHERE key = 'station'"), "'other'"),
    "no owner": (lambda s: s.sql("DELETE FROM meta"), "does not say what it is"),
    "no event table": (lambda s: s.sql("DROP TABLE event"), "no such table"),
    "no meta table": (lambda s: s.sql("DROP TABLE meta"), "no such table"),
    "no incarnations": (lambda s: s.sql("DELETE FROM incarnation"), "has the id"),
    "no gap table": (lambda s: s.sql("DROP TABLE gap"), "no such table"),
    "newest changed": (lambda s: s.sql(f"UPDATE event SET time = 'x' WHERE seq = {LAST}"), "does not follow"),
    "an event cut out": (lambda s: s.sql("DELETE FROM event WHERE seq = 400"), "event 400 is missing"),
    "many cut out": (lambda s: s.sql("DELETE FROM event WHERE seq BETWEEN 50 AND 400"), "events 50 to 400 are missing"),
    "no UTF-8": (lambda s: s.sql(f"UPDATE event SET type = CAST(x'ff' AS TEXT) WHERE seq = {LAST}"), "damaged"),
    "a link cut": (lambda s: s.sql(f"UPDATE event SET chain = x'00' WHERE seq = {LAST - 1}"), "does not follow"),
    "version 1, other tables": (lambda s: s.sql("PRAGMA user_version = 1"), "duplicate column|already exists"),
    "version 1, garbage": (
        lambda s: (s.wal.unlink(), shutil.copy(KEPT / "v1.db", s.path), s.change(s.path, 5 * PAGE, os.urandom(PAGE))),
        "damaged",
    ),
    "locked": (lambda s: LOCKS.append(_locked(s.path)), "locked by another program"),
}
LOCKS: list[apsw.Connection] = []


def _locked(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.execute("BEGIN IMMEDIATE")
    return db


GOES_ON: dict[str, tuple[Damage, int, str]] = {
    "nothing at all": (lambda _s: None, LAST, ""),
    "text encoding": (lambda s: (s.fold(), s.change(s.path, 56, struct.pack(">I", 9))), LAST, ""),
    "log removed": (_without_log, 41, "was published and is not here"),
    "log cut short": (lambda s: s.cut(s.wal, s.wal.stat().st_size * 4 // 5), -1, ""),
    "log cut to half": (lambda s: s.cut(s.wal, s.wal.stat().st_size // 2), -1, "was published and is not here"),
    "log cut to its header": (lambda s: s.cut(s.wal, 32), 41, "was published and is not here"),
    "log empty": (lambda s: s.cut(s.wal, 0), 41, "was published and is not here"),
    "log header flipped": (lambda s: s.flip(s.wal, 9), 41, "was published and is not here"),
    "log salt flipped": (lambda s: s.flip(s.wal, 17), 41, "was published and is not here"),
    "log frame flipped": (lambda s: s.flip(s.wal, 32 + 24 + 3000), 41, "was published and is not here"),
    "log's last frame flipped": (lambda s: s.flip(s.wal, -100), -1, ""),
    "log of another": (lambda s: _of(s, CURSOR_FILE, wal=True), 41, "was published and is not here"),
    "garbage behind the log": (lambda s: s.wal.write_bytes(s.wal.read_bytes() + os.urandom(9000)), LAST, ""),
    "garbage shared memory": (lambda s: Path(f"{s.path}-shm").write_bytes(os.urandom(32768)), LAST, ""),
    "old copy in its place": (lambda s: (s.wal.unlink(), _of(s, "old.db")), 41, "was published and is not here"),
    "unfinished new one beside": (lambda s: (s.folder / "journal.db.new").write_bytes(b"x" * 99), LAST, ""),
    "stale lock": (lambda s: Path(f"{s.path}.lock").write_text("99999999\n"), LAST, ""),
    "cursor missing": (lambda s: s.cursor.rename(s.folder / "elsewhere"), LAST, ""),
    "cursor garbage": (lambda s: s.cursor.write_bytes(os.urandom(9000)), LAST, ""),
    "cursor cut": (lambda s: s.cut(s.cursor, 100), LAST, ""),
    "cursor empty": (lambda s: s.cut(s.cursor, 0), LAST, ""),
    "cursor a folder": (lambda s: _folder(s.cursor), LAST, ""),
    "journal in the cursor's place": (lambda s: s.cursor.write_bytes(s.path.read_bytes()), LAST, ""),
    "an old event changed": (
        lambda s: (s.fold(), _flood(s), s.sql("UPDATE event SET session = 9 WHERE seq = 5")),
        -1,
        "event 5 (",
    ),
    "an old event cut out": (
        lambda s: (s.fold(), _flood(s), s.sql("DELETE FROM event WHERE seq = 5")),
        -1,
        "event 5 is missing",
    ),
}


def _flood(site: Site) -> None:
    journal = journal_of(site.path)
    journal.append([changed(n) for n in range(1100)], epoch=1, session=1)
    journal.close()


def test_there_are_sixty_kinds_and_more() -> None:
    assert len(REFUSED) + len(GOES_ON) >= 60


@pytest.mark.parametrize("name", REFUSED)
def test_a_journal_that_cannot_be_trusted_is_refused_and_nothing_is_deleted(site: Site, name: str) -> None:
    damage, word = REFUSED[name]
    damage(site)
    before = site.files()
    try:
        with pytest.raises(JournalError, match=word) as start:
            journal_of(site.path).close()
        if name not in {"locked", "version 1, other tables"}:
            with pytest.raises(JournalError):
                look_at(site.path, "demo")
    finally:
        while LOCKS:
            LOCKS.pop().close()
    assert len(str(start.value)) > 40
    assert str(site.folder) in str(start.value)
    _nothing_lost(site, before)
    assert not list(site.folder.glob("*.new"))


ONES_OWN = {
    "a folder", "another station's", "cursor in its place", "database of another", "locked",
    "much newer", "negative version", "newer by one", "no event table", "no gap table", "no meta table", "owner",
    "schema format", "version 1, other tables", "version nought",
}  # fmt: skip
"""What is somebody's, or may be, or is not damaged at all: a start leaves it where it is."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_start_sets_aside_what_is_damaged_and_leaves_what_is_not(site: Site, name: str) -> None:
    REFUSED[name][0](site)
    before = site.files()
    try:
        if name in ONES_OWN:
            with pytest.raises(JournalError):
                begin(site.path, NOON, lambda: journal_of(site.path))
            _nothing_lost(site, before)
            return
        begun = begin(site.path, NOON, lambda: journal_of(site.path))
    finally:
        while LOCKS:
            LOCKS.pop().close()
    begun.journal.append([changed(1)], epoch=1, session=1)
    begun.journal.close()
    assert [event.seq for event in Reader(site.path).after(0, 9)] == [1, 2]
    assert verify(site.path).faults == []
    (folder,) = site.folder.glob("journal-aside-*")
    assert str(folder) in begun.text
    kept = {folder / path.name if path in {site.path, site.wal} else path: size for path, size in before.items()}
    after = site.files()
    for path, size in kept.items():
        assert path.name == "journal.db-wal" or after[path] >= size, path


@pytest.mark.parametrize("name", GOES_ON)
def test_what_is_sound_goes_on_and_what_is_missing_is_found(site: Site, name: str) -> None:
    damage, last, word = GOES_ON[name]
    damage(site)
    before = site.files()
    assert "events" in look_at(site.path, "demo")
    _nothing_lost(site, before)
    faults = [fault.text for fault in verify(site.path, cursor=site.cursor).faults]
    assert bool(faults) == bool(word)
    if word:
        assert word in faults[0]
    journal = journal_of(site.path)
    assert last in {-1, journal.last_seq}
    before_append = journal.last_seq
    journal.append([changed(1)], epoch=1, session=1)
    opening = Reader(site.path).after(before_append, 1)[0]
    assert (b'"published_beyond":""' in opening.payload) == ("was published" not in word)
    journal.close()
    kept = {
        path: size for path, size in before.items() if not path.name.startswith(("journal.db-wal", "journal.db.new"))
    }
    _nothing_lost(site, kept)


def _nothing_lost(site: Site, before: dict[Path, int]) -> None:
    after = site.files()
    log = {site.wal} if site.wal not in after and site.path.is_file() else set()
    for path, size in before.items():
        assert path in log or after[path] >= size, path


def _lock(site: Site) -> None:
    """The lock's file of an earlier run."""
    lock = Path(f"{site.path}.lock")
    lock.touch()
    lock.chmod(0o666)


RIGHTS: dict[str, tuple[Damage, str]] = {
    "file read-only": (lambda s: s.path.chmod(0o444), "write access"),
    "file unreadable": (lambda s: s.path.chmod(0o000), "cannot be opened|write access"),
    "folder read-only": (lambda s: (_lock(s), s.folder.chmod(0o555)), "write access|cannot be"),
    "folder without a lock read-only": (lambda s: s.folder.chmod(0o555), "let this user write there"),
    "folder shut": (lambda s: s.folder.chmod(0o000), "let this user write there"),
}


@pytest.mark.parametrize("name", RIGHTS)
def test_without_the_right_to_write_it_is_refused(made: Path, name: str) -> None:
    damage, word = RIGHTS[name]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(made, Path(folder) / "data")
        site = Site(Path(folder) / "data")
        Path(f"{site.path}.lock").unlink()
        before = site.files()
        for path in (site.folder, *site.folder.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        damage(site)
        with _nobody(), pytest.raises(JournalError, match=word):
            journal_of(site.path)
        site.folder.chmod(0o755)
        _nothing_lost(site, before)


@contextlib.contextmanager
def _nobody() -> Iterator[None]:
    """Root may write everywhere."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_missing_journal_is_begun_anew_and_the_pictures_stay(site: Site) -> None:
    for name in ("journal.db", "journal.db-wal"):
        (site.folder / name).rename(site.folder / f"aside-{name}")
    before = site.files()
    assert "first start begins it" in look_at(site.path, "demo")
    journal = journal_of(site.path)
    journal.append([changed(1)], epoch=1, session=1)
    assert b'"published_beyond":""' not in Reader(site.path).after(0, 1)[0].payload
    journal.close()
    _nothing_lost(site, before)
