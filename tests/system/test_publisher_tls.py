"""The publisher over TLS with a password, against a real Mosquitto. Field case C64."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from station.clock import now_utc
from station.publisher.certificate import end_of
from station.publisher.greeting import greet
from station.publisher.settings import PublisherSettings
from tests.needs import need
from tests.system.broker import Mosquitto, free_port
from tests.system.publisher_rig import Publisher, Station

WARNED_DAYS = 14


def certificate(folder: Path, name: str, issuer: str = "", *, days: int = 2) -> None:
    """A key and a certificate, self-signed or by an issuer; `days` below zero make it expired."""
    openssl, key = need("openssl"), ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    request = [openssl, "req", *key, "-keyout", f"{name}.key", "-subj", f"/CN={name}"]
    if not issuer:
        subprocess.run(
            [*request, "-x509", "-days", str(days), "-out", f"{name}.pem"], cwd=folder, check=True, capture_output=True
        )
        return
    subprocess.run([*request, "-out", f"{name}.csr"], cwd=folder, check=True, capture_output=True)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    sign = [openssl, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key",
            "-CAcreateserial", "-extfile", "names", "-days", str(days), "-out", f"{name}.pem"]  # fmt: skip
    subprocess.run(sign, cwd=folder, check=True, capture_output=True)


def tls(folder: Path) -> list[str]:
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run([need("mosquitto_passwd", "mosquitto"), "-b", str(passwords), "s1", "secret"], check=True)
    return [f"certfile {folder}/broker.pem", f"keyfile {folder}/broker.key", f"password_file {passwords}"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "pass").write_text("secret\n")
    (tmp_path / "wrong").write_text("guess\n")
    for name in ("ca", "other"):
        certificate(tmp_path, name)
    return tmp_path


def publisher(folder: Path, port: int, *, ca: str = "ca", password: str = "pass") -> Publisher:
    secrets = {"ca_file": str(folder / f"{ca}.pem"), "password_file": str(folder / password), "username": "s1"}
    return Publisher(folder / "data", port, **secrets)


def ended(one: Publisher) -> None:
    one.end()
    one.close_pipes()


def test_a_broker_is_reached_by_certificate_and_password_and_refusals_are_named(folder: Path) -> None:
    certificate(folder, "broker", "ca")
    broker, station = Mosquitto(folder, *tls(folder), anonymous=False), Station(folder / "data")
    stranger = publisher(folder, broker.port, ca="other")
    word = stranger.told("broker")
    assert "certificate verify failed" in word
    assert "this PC's clock says 20" in word
    ended(stranger)
    guesser = publisher(folder, broker.port, password="wrong")
    assert "refuses this client: Not authorized" in guesser.told("broker")
    ended(guesser)
    station.many(3)
    one = publisher(folder, broker.port)
    one.told("broker", standing=False)
    ended(one)
    station.close()
    broker.end()


def test_a_key_with_a_pass_phrase_and_files_that_cannot_be_used_are_named_and_nobody_is_asked(folder: Path) -> None:
    certificate(folder, "client", "ca")
    lock = ["ec", "-in", "client.key", "-out", "locked.key", "-aes256", "-passout", "pass:secret"]
    subprocess.run([need("openssl"), *lock], cwd=folder, check=True, capture_output=True)
    (folder / "rubbish").write_text("rubbish")
    station = Station(folder / "data")
    for name, file, word in (
        ("key_file", "locked.key", "wants a pass phrase"),
        ("key_file", "gone", "key_file cannot be read"),
        ("key_file", "ca.key", "cannot be used together"),
        ("ca_file", "rubbish", "holds no certificate"),
        ("password_file", "gone", "cannot be read"),
    ):
        files = {"ca_file": "ca.pem", "cert_file": "client.pem", "key_file": "client.key", "password_file": "pass"}
        paths = {key: str(folder / path) for key, path in (files | {name: file}).items()}
        one = Publisher(folder / "data", free_port(), username="s1", **paths)
        assert word in one.told("broker")
        assert one.end() == 0
        one.close_pipes()
    station.close()


def test_a_certificate_that_becomes_valid_later_is_tried_again(folder: Path) -> None:
    certificate(folder, "broker", "ca", days=-1)
    port, station = free_port(), Station(folder / "data")
    broker = Mosquitto(folder, *tls(folder), anonymous=False, port=port)
    one = publisher(folder, port)
    assert "certificate has expired" in one.told("broker")
    broker.end()
    certificate(folder, "broker", "ca")
    broker = Mosquitto(folder, *tls(folder), anonymous=False, port=port)
    one.told("broker", standing=False)
    ended(one)
    station.close()
    broker.end()


@pytest.mark.parametrize(("days", "warned"), [(5, True), (60, False)])
def test_a_certificate_that_ends_soon_is_told_in_time(folder: Path, days: int, warned: bool) -> None:  # noqa: FBT001
    certificate(folder, "long", days=400)
    certificate(folder, "broker", "long", days=days)
    broker, station = Mosquitto(folder, *tls(folder), anonymous=False), Station(folder / "data")
    try:
        one = publisher(folder, broker.port, ca="long")
        if warned:
            text = one.told("certificate")
            assert "the broker's certificate ends in 4 day(s), at 20" in text
            assert "this PC's clock says 20" in text
        else:
            assert one.told("certificate", standing=False) == ""
        ended(one)
    finally:
        station.close()
        broker.end()


@pytest.mark.parametrize("days", [5, 60])
def test_the_stations_own_certificate_is_told_of_in_time(folder: Path, days: int) -> None:
    with known_by_certificates(folder, days) as (broker, settings):
        one = Publisher(folder / "data", broker.port, **settings)
        word = one.told("certificate", standing=days < WARNED_DAYS)
        assert ("the station's own certificate" in word and "client.pem ends in 4 day(s), at 20" in word) == (days == 5)
        ended(one)


def test_an_own_certificate_that_has_ended_is_named_in_alarm_and_check(folder: Path) -> None:
    with known_by_certificates(folder, -1) as (broker, settings):
        one = Publisher(folder / "data", broker.port, **settings)
        word = one.told("broker")
        ended(one)
        names = {"host": "127.0.0.1", "port": broker.port, "site": "a", "line": "b", "station": "c", "data": folder}
        right, text = greet(PublisherSettings.model_validate(names | settings))
    assert not right
    for told in (word, text):
        assert f"the station's own certificate in {folder}/client.pem ended at 20" in told
        assert "this PC's clock says 20" in told


@pytest.mark.parametrize("content", ["", "rubbish", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_has_no_end(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.pem").write_text(content)
    assert end_of(tmp_path / "c.pem") is None
    assert end_of(tmp_path) is None


def test_an_end_far_ahead_is_read_as_openssl_has_it(tmp_path: Path) -> None:
    for days in (1, 365 * 30):
        certificate(tmp_path, "c", days=days)
        end = end_of(tmp_path / "c.pem")
        assert end is not None
        assert abs(end - now_utc() - timedelta(days=days)) < timedelta(minutes=5)


@contextmanager
def known_by_certificates(folder: Path, days: int) -> Iterator[tuple[Mosquitto, dict[str, str]]]:
    """A broker that knows the station by its certificate, which ends in so many days, and what names it."""
    certificate(folder, "long", days=400)
    certificate(folder, "broker", "long", days=300)
    certificate(folder, "client", "long", days=days)
    wants = [f"certfile {folder}/broker.pem", f"keyfile {folder}/broker.key", f"cafile {folder}/long.pem",
             "require_certificate true"]  # fmt: skip
    broker, station = Mosquitto(folder, *wants), Station(folder / "data")
    try:
        yield broker, {"ca_file": f"{folder}/long.pem", "cert_file": f"{folder}/client.pem",
                       "key_file": f"{folder}/client.key"}  # fmt: skip
    finally:
        station.close()
        broker.end()
