"""Devices that were lost together: all behind one host, or several of the network within a second."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

NS_PER_S = 1_000_000_000
TOGETHER_NS = NS_PER_S
JOIN_NS = 10 * NS_PER_S
TOGETHER = "together"
_LEAST = 2


@dataclass(slots=True)
class Network:
    """Who stands behind which host, and who was lost with whom.

    Attributes:
        hosts: by device (and `plc`) the host that the configuration names; devices without one are not in it.
        groups: by subject of the alarm `network` (a host, or `together`) the members, with when each was lost.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)

    def look(self, lost: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        """Find groups among those lost (and since when, ns); each as its subject and who is lost, "" if it ends."""
        known = {name: since for name, since in lost.items() if name in self.hosts}
        for members in self.groups.values():
            newest = max(members.values())
            members.update({n: s for n, s in self._fresh(known).items() if s - newest <= JOIN_NS})
        for host in dict.fromkeys(self.hosts.values()):
            behind = {name: known[name] for name, at in self.hosts.items() if at == host and name in self._fresh(known)}
            if len(behind) >= _LEAST and len(behind) == sum(at == host for at in self.hosts.values()):
                self.groups[host] = behind
        fresh = self._fresh(known)
        newest = max(fresh.values(), default=0)
        together = {name: since for name, since in fresh.items() if newest - since <= TOGETHER_NS}
        if len(together) >= _LEAST:
            self.groups[TOGETHER] = together
        for subject, members in self.groups.items():
            still = [name for name in members if name in known]
            yield subject, self._named(still) if len(still) >= _LEAST else ""

    def _named(self, names: Collection[str]) -> str:
        hosts = {self.hosts[name] for name in names}
        behind = f", all behind {hosts.pop()}" if len(hosts) == 1 else ""
        return f"lost together: {', '.join(names)}{behind}"

    def _fresh(self, lost: Mapping[str, int]) -> dict[str, int]:
        """Those lost that are in no group yet."""
        grouped = {name for members in self.groups.values() for name in members}
        return {name: since for name, since in lost.items() if name not in grouped}

    def group_of(self, name: str) -> str:
        """Subject of the group that a device was lost with, "" if it was alone."""
        return next((subject for subject, members in self.groups.items() if name in members), "")
