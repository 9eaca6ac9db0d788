"""The station's side of TLS: whom it trusts, and by what the broker knows it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from station.clock import utc_text
from station.publisher.certificate import end_of
from station.publisher.settings import PublisherSettings


class SecretError(Exception):
    """A file of certificates, keys or passwords cannot be used; the sentence says why."""


def context(settings: PublisherSettings) -> ssl.SSLContext | None:
    """Made of the files as they are now, so that a renewed one is used; None without a CA: then there is no TLS.

    Raises:
        SecretError: a file cannot be used.
    """
    if settings.ca_file is None:
        if settings.cert_file or settings.key_file:
            raise SecretError("cert_file and key_file want ca_file too: without it the connection is not encrypted")
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _look("ca_file", settings.ca_file)
    try:
        made.load_verify_locations(settings.ca_file)
    except ssl.SSLError as error:
        raise SecretError(f"ca_file {settings.ca_file} holds no certificate (PEM): {error}") from error
    if settings.cert_file is not None:
        _know(made, settings.cert_file, settings.key_file or settings.cert_file)
    return made


def password(settings: PublisherSettings) -> str | None:
    """What `password_file` holds.

    Raises:
        SecretError: it cannot be read.
    """
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SecretError(f"password_file {settings.password_file} cannot be read: {error}") from error


def soonest_end(sock: object, cert_file: Path | None) -> tuple[datetime, str] | None:
    """When the first of the certificates ends by which this connection's two sides are known, and whose it is.

    None without TLS.
    """
    if not isinstance(sock, ssl.SSLSocket):
        return None
    own = sock.getpeercert() or {}
    known = [("the broker's certificate", own)]
    known += [
        ("its issuer's in ca_file", one) for one in sock.context.get_ca_certs() if one["subject"] == own["issuer"]
    ]
    told = [(ssl.cert_time_to_seconds(str(one["notAfter"])), whose) for whose, one in known if "notAfter" in one]
    ends = [(datetime.fromtimestamp(at, UTC), whose) for at, whose in told]
    if cert_file is not None and (end := end_of(cert_file)) is not None:
        ends.append((end, f"the station's own certificate in {cert_file}"))
    return min(ends, default=None)


def blame(settings: PublisherSettings, now: datetime) -> str:
    """What to add to why a connection failed: that the station's own certificate has ended, "" if it has not."""
    end = end_of(settings.cert_file) if settings.cert_file is not None else None
    if end is None or end > now:
        return ""
    ended = f"the station's own certificate in {settings.cert_file} ended at {utc_text(end)}"
    return f"; {ended}, and this PC's clock says {utc_text(now)}: renew it"


def _know(made: ssl.SSLContext, cert: Path, key: Path) -> None:
    def ask() -> str:
        raise SecretError(f"the key in {key} wants a pass phrase, and nobody is there to give it: give one without")

    _look("cert_file", cert)
    _look("key_file", key)
    try:
        made.load_cert_chain(cert, key, password=ask)
    except ssl.SSLError as error:
        raise SecretError(f"cert_file {cert} and key_file {key} cannot be used together: {error}") from error


def _look(name: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SecretError(f"{name} cannot be read: {error}") from error
