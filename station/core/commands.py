"""What a person or a central system can wish of the core: one pydantic model a command, each versioned and closed."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from station.core.handbook import SHELVED_AT_MOST_S, AlarmName

LONGEST = timedelta(hours=24)
_DIGITS = 8
"""How long after its issue a command may still be carried out."""

MOST_CODES = 100_000


def moment(text: str) -> datetime:
    """A time as commands have it; ValueError for one that is in no calendar."""
    return datetime.fromisoformat(text)


def _in_ms(text: str) -> str:
    """As the station's own clock tells it, so that two of them compare as texts."""
    return moment(text).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$"
"""One plain line: no control character, no separator of lines, nothing that turns the direction of writing."""
Time = Annotated[str, Field(pattern=_TIME), AfterValidator(_in_ms)]
"""UTC, ISO-8601 with `Z`; kept with milliseconds."""
CommandId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Who = Annotated[str, Field(min_length=1, max_length=64, pattern=_PRINTABLE)]
Subject = Annotated[str, Field(min_length=1, max_length=64, pattern=_PRINTABLE)]
Found = Annotated[str, Field(min_length=1, max_length=64, pattern=_PRINTABLE)]
Grams = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]


class Command(BaseModel):
    """A wish. `id` names it for ever: sent again, it has no second effect; `who` is a person's or a system's sign.

    It is carried out before `expires_at`, or not at all; that lies at most 24 hours behind `issued_at`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    type: ClassVar[str] = ""
    settles: ClassVar[str] = ""
    """What it puts in force until another command that settles the same; "" if nothing."""
    version: Literal[1] = 1
    id: CommandId
    who: Who
    issued_at: Time
    expires_at: Time

    @property
    def digest(self) -> str:
        """It tells it from another command of its id: 8 hex digits of what it wishes, 8 with when it was issued."""
        wish = f"{self.type} {self.model_dump_json(exclude={'issued_at', 'expires_at'})}"
        return f"{_digits(wish)}{_digits(f'{wish} {self.issued_at}')}"

    def repeats(self, digest: str, *, stands: bool) -> bool:
        """Whether it is that command of its id again.

        Issued anew it is, as long as nothing came of it that another has undone since: told "the station is paused"
        once more, its sender would believe it.

        Args:
            digest: of the one that was answered.
            stands: what that one put in force is in force still.
        """
        if not stands and self.settles:
            return self.digest == digest
        return self.digest[:_DIGITS] == digest[:_DIGITS]

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        lasts = moment(self.expires_at) - moment(self.issued_at)
        if not timedelta(0) < lasts <= LONGEST:
            raise ValueError("expires_at must lie behind issued_at, by 24 hours at most")
        return self


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


AS_BEFORE = "as before"
"""In the answer to a wish that changed nothing."""


class Pause(Command):
    """Inspect every parcel from now on, until `resume`."""

    type: ClassVar[str] = "pause"
    settles: ClassVar[str] = "pause"


class Resume(Command):
    """End a pause. A dry run that is on goes on."""

    type: ClassVar[str] = "resume"
    settles: ClassVar[str] = "pause"


class DryRun(Command):
    """Decide and log, and inspect every parcel; with `on` false the station goes live."""

    type: ClassVar[str] = "dry-run"
    settles: ClassVar[str] = "dry-run"
    on: bool = True


class ParcelName(BaseModel):
    """A parcel's identity, as `parcel-completed` has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    epoch: Number
    number: Number


class Resolve(Command):
    """What the human inspector concluded of a parcel that has left the belt; `found` if it is `confirmed`, and then."""

    type: ClassVar[str] = "resolve"
    parcel: ParcelName
    resolution: Literal["cleared", "confirmed"]
    found: Annotated[tuple[Found, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.resolution == "confirmed") != bool(self.found):
            raise ValueError("say what was found if it is confirmed, and nothing if it is cleared")
        return self


class HoldList(Command):
    """Replace the commanded hold list, as a whole; it lies beside the inbox, in the folder `hold`, by its SHA-256."""

    type: ClassVar[str] = "hold-list"
    settles: ClassVar[str] = "hold-list"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    codes: Annotated[int, Field(ge=0, le=MOST_CODES)]


class ChangePolicy(Command):
    """Change the site's rules: what is named, the rest stays. The station's YAML counts again once it is changed.

    `thresholds` are by label; `may_be_missing` names all devices without which a parcel may pass.
    """

    type: ClassVar[str] = "policy"
    settles: ClassVar[str] = "policy"
    weight_range_g: tuple[Grams, Grams] | None = None
    declared_tolerance_g: Grams | None = None
    declared_tolerance_percent: Percent | None = None
    thresholds: Annotated[dict[Found, Score], Field(max_length=100)] = {}
    may_be_missing: Annotated[tuple[Found, ...], Field(max_length=50)] | None = None

    @model_validator(mode="after")
    def _changes(self) -> Self:
        named = self.model_fields_set - Command.model_fields.keys()
        if not named:
            raise ValueError("name what is to be changed")
        if self.weight_range_g is not None and not self.weight_range_g[0] < self.weight_range_g[1]:
            raise ValueError("weight_range_g is least, greatest")
        return self


class ChangeModel(Command):
    """Go on with another image model, behind a start; it lies beside the inbox, in the folder `model`, by its release.

    `release` is the SHA-256 of its model.yaml. The station's YAML counts again once it names another model.
    """

    type: ClassVar[str] = "model"
    settles: ClassVar[str] = "model"
    release: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class AcknowledgeAlarm(Command):
    """Somebody has seen the alarm."""

    type: ClassVar[str] = "acknowledge-alarm"
    alarm: AlarmName
    subject: Subject


class ShelveAlarm(Command):
    """Somebody does not want to be told of the alarm for so many seconds; 0 unshelves it."""

    type: ClassVar[str] = "shelve-alarm"
    alarm: AlarmName
    subject: Subject
    for_s: Annotated[float, Field(ge=0, le=SHELVED_AT_MOST_S, allow_inf_nan=False)]


COMMANDS: dict[str, type[Command]] = {
    model.type: model
    for model in (Pause, Resume, DryRun, Resolve, HoldList, ChangePolicy, ChangeModel, AcknowledgeAlarm, ShelveAlarm)
}
"""Every command by its name; the inbox, the topics and the schemas know no other list."""
