"""What the publisher is told: the broker, whose events they are, and where journal and cursor lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Level = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+$", max_length=64)]
"""One level of a topic."""


class PublisherSettings(BaseModel):
    """Frozen; unknown keys are errors. Secrets stand in files, read at each connect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: int = Field(default=1883, ge=1, le=65535)
    client_id: str = Field(default="", max_length=64, description='"" for site-line-station; one client per broker')
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = Field(default=None, description="with it the connection is TLS")
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = Field(default=10, ge=2, le=120)
    max_event_bytes: int = Field(default=200_000, ge=1000, description="a larger event is flagged and left out")
    window: int = Field(default=100, ge=1, le=1000, description="events on their way without acknowledgement")
    commands: bool = Field(default=False, description="commands are taken from the topics .../command/<type>")
    site: Level
    line: Level
    station: Level
    devices: frozenset[str] | None = Field(default=None, description="those of the station; null for any")
    data: Path = Field(description="folder of journal.db; the publisher keeps cursor.db there")

    @property
    def topic(self) -> str:
        """Root of all topics of the station."""
        return f"inspection/v1/{self.site}/{self.line}/{self.station}"

    @property
    def source(self) -> str:
        """CloudEvents `source`."""
        return f"inspection/{self.site}/{self.line}/{self.station}"

    @property
    def client(self) -> str:
        """The client id in use."""
        return self.client_id or f"{self.site}-{self.line}-{self.station}"
