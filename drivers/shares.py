"""Whether a folder is on a share, whose listing may be old; from /proc/mounts."""

from __future__ import annotations

import os
import re
from pathlib import Path

SHARES = {"9p", "afs", "autofs", "ceph", "cifs", "fuse", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"}
"""File systems whose listings may be old, and all others of user space (`fuse.` with any name)."""

_OCTAL = re.compile(r"\\([0-7]{3})")
"""How /proc/mounts writes spaces and other characters, see proc_pid_mounts(5) and getmntent(3)."""


def is_share(kind: str) -> bool:
    """Whether another host may write there, so that a listing is as old as a cache."""
    return kind in SHARES or kind.startswith("fuse.")


def file_system(folder: Path) -> str:
    """Type of the file system that a folder is on, "" if unknown."""
    try:
        return mounted(os.path.realpath(folder), Path("/proc/mounts").read_text(errors="surrogateescape"))
    except OSError:
        return ""


def mounted(path: str, mounts: str) -> str:
    """Type of the file system of an absolute path, as /proc/mounts tells it; "" if it does not."""
    kind, longest = "", 0
    for line in mounts.splitlines():
        _, escaped, of_kind, *_ = line.split()
        point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), escaped)
        if os.path.commonpath([path, point]) == point and len(point) >= longest:  # what is mounted last lies on top
            kind, longest = of_kind, len(point)
    return kind
