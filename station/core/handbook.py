"""All alarms as data: priority, cause, consequence, what to do, delays, and what each follows from.

The pages of docs/operations.md are made from this table. Words and states are those of ANSI/ISA-18.2-2016 (IEC 62682).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Priority = Literal["low", "medium", "high", "top"]
SHELVED_AT_MOST_S = 8 * 3600
"""An alarm that is shelved comes back by itself: a shift is the longest."""
AlarmName = Literal[
    "belt-stopped",
    "clock",
    "detector",
    "device-lost",
    "disk-low",
    "heartbeat",
    "inbox",
    "journal",
    "lists",
    "network",
    "no-evidence",
    "no-session",
    "numbers",
    "order-late",
    "parcel-lost",
    "pictures",
    "plc-fault",
    "plc-jump",
    "plc-lost",
    "plc-mismatch",
    "plc-mode",
    "plc-slow",
    "publisher",
    "trigger-step",
    "wrong-lane",
]


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """One row of the table.

    Attributes:
        priority: by how soon somebody must act; a `top` alarm cannot be shelved.
        cause: the condition that raises it.
        consequence: what happens if nobody acts.
        action: what a technician does.
        on_s: the condition must have stood that long before the alarm is raised.
        off_s: it must have been gone that long before the alarm is cleared.
        follows: alarms, as `alarm` or `alarm/subject`, of which it is a consequence: while one of them stands, this
            one is suppressed by design.
    """

    priority: Priority
    cause: str
    consequence: str
    action: str
    on_s: float = 0.0
    off_s: float = 0.0
    follows: tuple[str, ...] = ()


_ALL = "no heartbeat is sent, so the PLC inspects all parcels"

HANDBOOK: Mapping[str, AlarmKind] = {
    "belt-stopped": AlarmKind(
        "top",
        "the PLC stopped the belt; the subject says why",
        "nothing moves until the cause is gone and, but for `lane_full` and `operator`, somebody has acknowledged at"
        " the panel",
        "`lane_full`: empty the inspection lane. `operator`: whoever pressed stop starts it again. `diverter`: look for"
        " a jam, then acknowledge at the panel. `encoder`: look at wheel and cable of the encoder; take out what lies"
        " under the diverter, then acknowledge. `unreleased_in_pass_lane`: take that parcel out by hand, then"
        " acknowledge",
    ),
    "clock": AlarmKind(
        "low",
        "nothing keeps this PC's clock right: the kernel says that it is not synchronised",
        "the times in events wander, and `clockstate` in them says so. Order, decisions and retention do not go by it;"
        " certificates of the broker may be refused if it is far off",
        "let an NTP client run (systemd-timesyncd, chrony) and reach its server; `timedatectl` shows both",
        on_s=900.0,
        off_s=60.0,
    ),
    "detector": AlarmKind(
        "top",
        "the image model no longer finds what it must find in its golden pictures, or has none that shows something",
        f"what it says cannot be trusted; {_ALL}",
        "as the text says: give it golden pictures with `station model golden`, then restart the station. It has some:"
        " restart the station; if it comes again, the model's folder or the PC's memory is damaged: put the model back,"
        " or another PC",
        off_s=3.0,
    ),
    "detector/commanded": AlarmKind(
        "high",
        "the image model that was commanded last cannot be used: its copy in the folder `model` is gone or damaged",
        "the model that the station's YAML names is in use",
        "give the model again with `station model use`; the text says what is wrong with the copy",
    ),
    "detector/hangs": AlarmKind(
        "top",
        "`hangs`: the image model has been looking at one picture for longer than a second, and than five times"
        " `model.detect_ms`",
        f"pictures have no findings, so their parcels are inspected; after two minutes {_ALL}",
        "what else runs on this PC, is its memory full, did a driver or a card of it fail? It clears itself once the"
        " model answers; if it does not, restart the station",
        off_s=10.0,
    ),
    "device-lost": AlarmKind(
        "high",
        "the named device is not connected",
        "parcels that pass it are inspected, reason `device-lost`, unless policy allows it to be missing",
        "plug, cable, power; `station check` names what is wrong. It connects again by itself",
        on_s=2.0,
        off_s=3.0,
    ),
    "disk-low": AlarmKind(
        "high",
        "the disk under `data` will be full soon, reckoned from how fast it filled up in the last six hours"
        " (`disk.alarm_hours`), or there is little room by any measure (`disk.thin_gb`)",
        "first fewer pictures are kept, then none; when it is full all parcels are inspected",
        "make room, set `retention.max_gb`, or give a larger disk; the text says how many hours are left",
        off_s=60.0,
        follows=("journal/disk",),
    ),
    "heartbeat": AlarmKind(
        "top",
        "the named part has not proved itself within its bound: `loop` turns every 300 ms, `detector` has seen its"
        " golden pictures right within two minutes. (That the journal was not proved is the alarm `journal`)",
        _ALL,
        "`loop`: what else runs on this PC? Is its disk or its memory slow? `detector`: it hangs if no alarm `detector`"
        " stands beside it: restart the station",
        off_s=1.0,
    ),
    "inbox": AlarmKind(
        "medium",
        "`access`: the command inbox cannot be used. `lost`: it was damaged or taken away, and is begun anew",
        "no command reaches the station, or (`lost`) those that waited in it are gone; the line goes on in either case",
        "`access`: as the text says. `lost`: give the commands again; it stands until the next start",
    ),
    "journal": AlarmKind(
        "top",
        "`disk`: the disk under the journal refuses to write, is full or fails; the text says which",
        f"no decision can be on disk, so none is ordered; {_ALL}. It recovers by itself when the disk writes again",
        "make room, or replace the disk; `station check` shows how much there is",
        off_s=3.0,
    ),
    "journal/aside": AlarmKind(
        "top",
        "`aside`: the journal was damaged as the station started, and set aside whole, or it was gone; a new one is"
        " begun",
        "all is inspected until `station resume`. What was not published yet lies in the journal that the text names,"
        " and so does what was commanded: policy and model are those of the configuration again",
        "see that policy, model and hold list are the ones wanted, then `station resume CONFIG`; look at the disk;"
        " keep the folder, or restore a backup (docs/operations.md). It stands until the next start",
    ),
    "journal/put-back": AlarmKind(
        "top",
        "`put-back`: as the station started, its journal was a backup that had been restored, or did not hold an event"
        " that had been published: an old copy of it was put back",
        "all is inspected until `station resume`. What was commanded since the copy was made is forgotten: a pause, a"
        " dry run, a policy, a model",
        "see that policy and model are the ones wanted, then `station resume CONFIG`. It stands until the next start",
    ),
    "journal/left": AlarmKind(
        "top",
        "`left`: as the station started, what its journal keeps of the last commands was damaged; the text says which",
        "all is inspected until `station resume`. Policy and model are those of the configuration again",
        "see that policy, model and hold list are the ones wanted, or give the commands again; then `station resume"
        " CONFIG`; look at the disk. It comes with each start until what was damaged has been given again",
    ),
    "journal/unkept": AlarmKind(
        "high",
        "`unkept`: the disk refused for so long that records were dropped; the text says how many",
        "nobody will know of them: the numbers of the events go on without a gap. Where parcels went that is missing"
        " here, the PLC decided by itself, and inspected them",
        "note it with the day's records; it stands until the next start. Keep more room on the disk, watch `disk-low`",
    ),
    "journal/size": AlarmKind(
        "high",
        "`size`: `retention.max_gb` cannot be kept to",
        "journal and pictures grow beyond what the site allows, until the disk is full",
        "see why events wait to be published, or allow more",
        off_s=30.0,
    ),
    "journal/held": AlarmKind(
        "high",
        "`held`: another program reads the journal without an end, so the log in front of it cannot be folded in and"
        " grows",
        "every event takes its room a second time until the disk is full; reading the journal becomes slow",
        "`fuser -v` on the named file tells which program has it open: end it, and let it read a copy that"
        " `station journal backup` made",
        on_s=60.0,
        off_s=30.0,
    ),
    "lists": AlarmKind(
        "high",
        "the hold list or the declared weights cannot be read",
        "the lists before stay in force; none before, since the start: every parcel is inspected, reason `no-lists`",
        "the text names file and line",
        on_s=2.0,
        off_s=2.0,
    ),
    "lists/commanded": AlarmKind(
        "high",
        "the hold list that lies in the data folder is not the one that the journal says was commanded last, or there"
        " is none: it was removed, a kill and a lost inbox at once, or an old copy of the journal",
        "all is inspected, reason `no-lists`: which codes are to be held is not known",
        "give the hold list again",
    ),
    "network": AlarmKind(
        "top",
        "several devices were lost together, all that stand behind one host or several within a second; the text names"
        " them",
        "parcels that pass them are inspected; if the PLC is one of them, all parcels are",
        "look at what they have in common: switch, its power, the cable to it. The devices connect again by themselves;"
        " one that does not gets its own alarm then",
        on_s=2.0,
        off_s=5.0,
    ),
    "no-evidence": AlarmKind(
        "high",
        "the named device is connected, and five parcels in a row had nothing usable of it (200 of a scanner while"
        " another one reads the labels): it says nothing, or only what cannot be used; the text has the last",
        "parcels are inspected for the lack of it, or pass on what another of its kind brings alone",
        "as the text says. Nothing comes: is its trigger there, its lamp on, its output format the configured one?"
        " `station explain` shows what it sent for a parcel. It clears itself with the first parcel that has something,"
        " or the fifth in a row where it had come back lately",
        follows=(
            "plc-lost",
            "plc-slow",
            "plc-jump",
            "trigger-step",
            "detector/golden",
            "detector/hangs",
            "journal/disk",
            "pictures/fault",
        ),
    ),
    "no-session": AlarmKind(
        "high",
        "the PLC answers, but has not taken the station's session for three seconds",
        "all parcels are inspected",
        "the PLC's program: does it take the command block, its checksum, its trailer?",
        off_s=1.0,
        follows=("plc-lost", "journal/disk", "heartbeat", "detector/golden", "numbers"),
    ),
    "numbers": AlarmKind(
        "top",
        "no new session or epoch can be written to `ids.json`",
        "no session can be opened: all parcels are inspected",
        "as the text says: disk, rights, or what the PLC reports",
        off_s=1.0,
        follows=("journal/disk",),
    ),
    "order-late": AlarmKind(
        "high",
        "an order came after its parcel had passed the decision eye",
        "that parcel went where the PLC sent it by itself: to inspection, or where an earlier order had said",
        "look at the CPU load and the network; `station check` shows the room there is",
        off_s=5.0,
        follows=("plc-lost",),
    ),
    "parcel-lost": AlarmKind(
        "medium",
        "a parcel was not seen where it should be",
        "its outcome is `lost`; it is somewhere on the belt, or somebody has it",
        "look at the belt between infeed and decision eye; ask who lifted it off",
        off_s=5.0,
        follows=("plc-lost",),
    ),
    "pictures": AlarmKind(
        "high",
        "room is short. `thinned`: of parcels that pass clean every tenth keeps its pictures (`disk.every`), or none"
        " does. `refused`: no picture is kept. `fault`: the folder `pictures` under `data` cannot be written",
        "there is less to look at later; what is decided is the same. Each event that names a picture which is not kept"
        " says so. `fault`: a parcel whose picture cannot be written is inspected",
        "as for `disk-low`; it ends by itself when there is room. `fault`: as the text says",
        off_s=10.0,
        follows=("journal/disk",),
    ),
    "plc-fault": AlarmKind(
        "high",
        "a bit of the PLC's fault word is set; the subject names it",
        "the PLC inspects all, or stops the belt, by its own rules (docs/plc-interface.md)",
        "as the subject says: an eye that stays broken, the encoder, the diverter's position inputs",
        off_s=2.0,
        follows=("plc-lost",),
    ),
    "plc-jump": AlarmKind(
        "high",
        "the PLC's clock or encoder count went back, or moved faster than the belt can",
        "what was on the belt is inspected",
        "the encoder's coupling and cable, the PLC's time; if it comes at each stop of the belt, the PLC's program"
        " passes on a wheel that springs back (docs/plc-interface.md); it clears when those parcels have left",
        off_s=1.0,
        follows=("plc-lost", "belt-stopped/encoder"),
    ),
    "plc-lost": AlarmKind(
        "top",
        "no valid answer from the PLC",
        "it ends the session after 500 ms and inspects all; when it is back that costs one belt load of inspections",
        "PLC power and network; if its connections are used up, end other clients or wait until it forgets dead ones;"
        " then nothing: it comes back by itself",
        off_s=3.0,
    ),
    "plc-mismatch": AlarmKind(
        "top",
        "the PLC's settings are not those of the station's configuration; the text names both values",
        "all parcels are inspected",
        "correct the one that is wrong",
    ),
    "plc-mode": AlarmKind(
        "high",
        "the diverter is in hand or bypass",
        "nothing is released by the station, and each parcel's record says so",
        "switch back to automatic at the panel",
        off_s=1.0,
        follows=("plc-lost",),
    ),
    "plc-slow": AlarmKind(
        "high",
        "for two seconds each of the PLC's answers has told of a scan longer ago than half of `timing.order_ms`",
        "a step of the PLC's clock could hide in that, so no reading is placed, and all parcels are inspected",
        "the load of the PLC, of the network and of this PC; if it is always so slow, raise `timing.order_ms`, and have"
        " `station check` tell whether the belt has the room",
        off_s=3.0,
        follows=("plc-lost",),
    ),
    "publisher": AlarmKind(
        "high",
        "`process`: it ended. `broker`: it refuses or cannot be reached, or accepts no events. `state`, `devices`: it"
        " does not take the retained words on the station, or on its devices. `client-id`: another client uses the"
        " same. `rejected`: an event cannot be published. `behind`: events reach the broker ever later. `journal`: it"
        " cannot be read, or is not the one that was published. `lock`, `cursor`: its own file cannot be used."
        " `commands`, `inbox`: commands over MQTT cannot be heard, or taken",
        "the central system does not hear of this line. Events are kept on disk and published later, all but one that"
        " is `rejected`; with `state` and `devices` they are published. The process is started again by itself",
        "as the text says",
        off_s=2.0,
    ),
    "publisher/certificate": AlarmKind(
        "medium",
        "`certificate`: one of those by which the broker is known, or the station's own (`cert_file`), ends within"
        " 14 days; the text says which, when, and what this PC's clock says",
        "behind that moment no event reaches the central system; they are kept on disk",
        "renew it at the broker, in `ca_file` or in `cert_file`; a renewed file is used with the next connection. Is"
        " the clock right?",
    ),
    "trigger-step": AlarmKind(
        "high",
        "trigger numbers and times of the X-ray machine disagree: a device or the PLC was restarted, a pulse was"
        " missed, or pictures come late, perhaps by a whole parcel",
        "its pictures are not trusted; parcels are inspected for the lack of one",
        "Four agreeing pictures of an uneven feed bring it back. If it stays: pause the feed until a parcel comes 2 s"
        " behind the one before; its picture brings the numbers back in step. If it comes again: look for missing"
        " pulses, or for a machine that has fallen behind",
        off_s=1.0,
    ),
    "wrong-lane": AlarmKind(
        "top",
        "what the station had not decided to pass left by the pass lane, as the PLC tells it",
        "a parcel that a person was to open is on its way out",
        "stop it and open it; then look at the diverter, and at what `station explain` tells of that parcel: an order"
        " that came too late, or a PLC program that releases by itself",
        off_s=5.0,
        follows=("belt-stopped/unreleased_in_pass_lane",),
    ),
}
"""By alarm, or `alarm/subject` where one subject differs in its texts."""
