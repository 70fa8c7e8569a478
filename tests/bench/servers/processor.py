"""Reads the processor time and the memory of a process from /proc, where there is one."""

import os
from pathlib import Path

_PROC = Path("/proc")
# Positions in /proc/PID/stat after the name: the parent; own time in user and system mode; that of children who have ended.
_PARENT, _TIMES, _ENDED = 1, (11, 12), (13, 14)


def cpu_seconds(process: int) -> float:
    """The processor time of a process so far, in seconds; 0 where the system has no /proc."""
    return _seconds(_status(process), _TIMES)


def cpu_seconds_with_children(process: int) -> float:
    """The processor time of a process and of all children that it has or had, in seconds; 0 where the system has no /proc."""
    statuses = {int(path.name): _status(int(path.name)) for path in _PROC.glob("[0-9]*")}
    own = _seconds(statuses.get(process, []), (*_TIMES, *_ENDED))
    return own + sum(_seconds(found, _TIMES) for found in statuses.values() if found and int(found[_PARENT]) == process)


def _status(process: int) -> list[str]:
    try:
        return (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _seconds(status: list[str], places: tuple[int, ...]) -> float:
    return sum(int(status[place]) for place in places) / os.sysconf("SC_CLK_TCK") if status else 0.0


def resident_mebibytes(process: int) -> float:
    """The memory that a process holds, in MiB; 0 where the system has no /proc."""
    return _mebibytes(process, "VmRSS:")


def anonymous_mebibytes(process: int) -> float:
    """The memory that a process holds for itself alone, in MiB, shared memory and files not counted; 0 where the system has no /proc."""
    return _mebibytes(process, "RssAnon:")


def peak_mebibytes(process: int) -> float:
    """The most memory that a process has held so far, in MiB; 0 where the system has no /proc."""
    return _mebibytes(process, "VmHWM:")


def _mebibytes(process: int, key: str) -> float:
    try:
        lines = (_PROC / str(process) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), 0.0)


def machine() -> dict[str, str]:
    """The machine: processor, cores, memory, system."""
    facts = {"cores": str(os.cpu_count()), "system": f"{os.uname().sysname} {os.uname().release}"}
    facts["processor"] = _first("cpuinfo", "model name") or os.uname().machine
    kibibytes = _first("meminfo", "MemTotal").removesuffix(" kB")
    facts["memory"] = f"{int(kibibytes) / 1024**2:.0f} GiB" if kibibytes else "unknown"
    return facts


def _first(file: str, key: str) -> str:
    try:
        lines = (_PROC / file).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
