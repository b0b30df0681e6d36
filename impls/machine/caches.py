"""The cache for files that can be made again, `~/.cache/samegrad`, safe from what others could put there.

Compiled code is loaded from here. Who can write into the folder can run programs as its user, so the folder, what it
is in and each file must be safe from others.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from samegrad.impls.errors import Unavailable

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_folder(name: str = "") -> Path:
    """A folder of the user's own by that name, made where it is missing. Raises Unavailable, with what to do."""
    place = _home() / "samegrad"
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (place, place / name):
            folder.mkdir(mode=0o700, exist_ok=True)
            require_own(folder)
    except OSError as error:
        raise Unavailable(f"cannot keep anything in {place} ({error}); {CURE}") from None
    parent = place.parent.stat().st_mode
    if parent & stat.S_IWOTH and not parent & stat.S_ISVTX:
        raise Unavailable(f"others could replace what is in {place.parent}; {CURE}")
    require_runnable(place / name)
    return place / name


CURE = "set XDG_CACHE_HOME to a folder of your own"


def require_own(path: Path) -> None:
    """Raise Unavailable where the file or folder is another user's, or others may write to it."""
    status = path.stat()
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & OTHERS_WRITE):
        whose = "may be written by others" if status.st_uid == os.geteuid() else "belongs to another user"
        raise Unavailable(f"{path} {whose}, so nothing is loaded from it; {CURE}")


def require_runnable(folder: Path) -> None:
    """Raise Unavailable where no compiled code may be loaded from the folder, whether or not it exists yet."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if os.name == "posix" and os.statvfs(there).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise Unavailable(f"{folder} is mounted with noexec, so nothing compiled is loaded from it; {CURE}")


def _home() -> Path:
    """The user's folder for caches. A relative one is passed over, as the XDG specification wants it."""
    for variable, inside in (("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        if os.path.isabs(folder := os.environ.get(variable, "")):
            return Path(folder, inside)
    try:
        import pwd

        return Path(pwd.getpwuid(os.getuid()).pw_dir, ".cache")
    except KeyError:  # a container's user without a name
        raise Unavailable(f"there is no home folder; {CURE}") from None
    except ImportError:  # no POSIX system
        return Path.home() / ".cache"
