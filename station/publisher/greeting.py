"""Whether the broker would take the station: a real CONNECT under another id, for `station check`."""

from __future__ import annotations

from station.clock import now_ns, now_utc
from station.publisher.link import PahoLink
from station.publisher.ports import LinkError
from station.publisher.settings import PublisherSettings
from station.publisher.tls import blame

ANSWER_S = 6.0


def greet(settings: PublisherSettings) -> tuple[bool, str]:
    """Connect as `<client>-check`, and go again; whether the broker takes that client, and what it answers.

    Nothing is published and no last will left, so that nobody takes this for the station, nor does it end the
    station's own connection. Files of certificates, keys and passwords are read as the publisher reads them.
    """
    right, text = _greeted(settings)
    return right, text + blame(settings, now_utc())


def _greeted(settings: PublisherSettings) -> tuple[bool, str]:
    where = f"{settings.host}:{settings.port}"
    try:
        link = PahoLink(settings.model_copy(update={"client_id": f"{settings.client}-check"}), None)
    except LinkError as error:
        return False, str(error)
    try:
        until_ns = now_ns() + int(ANSWER_S * 1e9)
        while not link.ready:
            if now_ns() > until_ns:
                return False, f"{where} takes the connection and answers nothing of MQTT within {ANSWER_S:g} s"
            link.turn(0.05)
    except LinkError as error:
        return False, f"{where}: {error}"
    finally:
        link.close(in_order=link.ready)
    if 0 < link.largest < settings.max_event_bytes:
        text = f"{where} takes packets of {link.largest} bytes at most: raise that above max_event_bytes"
        return False, f"{text} ({settings.max_event_bytes}), or larger events are rejected"
    return True, f"{where}: takes this client"
