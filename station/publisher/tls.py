"""The station's side of TLS: whom it trusts, and by what the broker knows it."""

from __future__ import annotations

import ssl
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
