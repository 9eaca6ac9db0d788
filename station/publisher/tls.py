"""The station's side of TLS: whom it trusts, and by what the broker knows it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

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


def soonest_end(sock: object) -> tuple[datetime, str] | None:
    """When the first of the certificates ends by which this connection's broker is known, and whose it is.

    That of the station itself is the broker's to look at; None without TLS.
    """
    if not isinstance(sock, ssl.SSLSocket):
        return None
    own = sock.getpeercert() or {}
    known = [("the broker's certificate", own)]
    known += [
        ("its issuer's in ca_file", one) for one in sock.context.get_ca_certs() if one["subject"] == own["issuer"]
    ]
    ends = [(ssl.cert_time_to_seconds(str(one["notAfter"])), whose) for whose, one in known if "notAfter" in one]
    return min(((datetime.fromtimestamp(at, UTC), whose) for at, whose in ends), default=None)


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
