"""The family tree of errors: the user's fault, passing, or ours.

An error's text names what was wrong, the rule, the value received and the remedy. The
command line turns a `UserError` into exit code 2, everything else into 1, and prints
one line, never a traceback, for all of them.
"""

from __future__ import annotations

import errno

# A disk, a quota, and the limit of a file's size (`ulimit -f`).
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BuildError(Exception):
    """Any error that this program raises on purpose."""

    exit_code = 1


class UserError(BuildError):
    """Something that the user asked for or supplied cannot be done as it is."""

    exit_code = 2


class ConfigError(UserError):
    """The configuration breaks a rule."""


class SourceError(UserError):
    """A source's file or options cannot be read as a source of questions."""


class InputError(UserError):
    """A file given to a stand-alone command is missing or not in its format."""


class StaleTable(UserError):
    """A table was built by another recipe than the one at hand."""


class VersionBusy(UserError):
    """Another run holds this version."""


class StoreUnwritable(UserError):
    """The data folder cannot be written: read-only, full, or not a folder."""


class DiskFull(StoreUnwritable):
    """A disk filled up while a run was writing; the same run goes on when there is room."""

    exit_code = 1


class MachineTooSmall(UserError):
    """This machine has less disk, memory or open files than the run is reckoned to need."""


class LedgerOpen(UserError):
    """Questions are pending or unaccounted for, so nothing may be published."""


class ProbesMissed(UserError):
    """Planted copies of benchmark items got past decontamination, so nothing may be published."""


class Unavailable(UserError):
    """The machine lacks something that the configuration asks for (a model, a package)."""


class PassingError(BuildError):
    """Something outside failed in a way that may pass; running again resumes."""


class TeacherUnavailable(PassingError):
    """The teacher's servers did not answer in spite of all retries."""


class LeaseLost(PassingError):
    """Another worker took over what this one was at; nothing of it was sealed here."""


class BudgetSpent(PassingError):
    """A cap on tokens or money is reached; what arrived is kept."""


class CorruptShard(BuildError):
    """A shard on disk is not what its manifest says."""


class LedgerBroken(BuildError):
    """The ledger does not balance: a question is counted twice or not at all."""


def unwritable(error: OSError, text: str) -> StoreUnwritable:
    """Return the error for a file that can't be written: DiskFull where that is why."""
    return (DiskFull if error.errno in FULL else StoreUnwritable)(text)
