"""Every exception Reenact raises on purpose, with its data in fields.

    ReenactError
    ├─ InvariantBroken            a bug: stop the session, keep the log
    ├─ ConfigInvalid              every bad field at once
    ├─ LogError
    │  ├─ LogConflict             another writer holds the session
    │  ├─ LogGap                  a commit is missing or out of order
    │  ├─ LogCorrupt              bytes that do not prove themselves
    │  └─ LogUnavailable          retryable: locked, full, unreachable
    ├─ FeedError
    │  ├─ FeedInvalid             a row or file that cannot be read
    │  └─ FeedStale               retryable
    ├─ VenueError
    │  ├─ VenueProtocolError
    │  └─ VenueDisconnected       retryable
    ├─ StrategyError              a strategy broke its contract: file and line
    └─ ReplayDiverged             today's code decided otherwise than the log

A refusal by our own rules is an event (`OrderDenied`), never an exception.
"""

from __future__ import annotations


class ReenactError(Exception):
    """Root of the tree. `place` says where, `remedy` what to do; both are shown to people."""

    def __init__(self, sentence: str, *, place: str = "", remedy: str = "") -> None:
        self.sentence = sentence
        self.place = place
        self.remedy = remedy
        super().__init__(sentence)

    def __str__(self) -> str:
        text = f"{self.place}: {self.sentence}" if self.place else self.sentence
        if not self.remedy:
            return text
        return f"{text} {self.remedy}" if text.endswith((".", "!", "?")) else f"{text}. {self.remedy}"


class InvariantBroken(ReenactError):
    """A rule that must always hold did not: a bug in Reenact."""


class ConfigInvalid(ReenactError):
    """The configuration is refused. `problems` lists every bad field as (place, sentence)."""

    def __init__(self, problems: list[tuple[str, str]], *, place: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p}: {s}" if p else s for p, s in problems), place=place)


class LogError(ReenactError):
    """The log refused or failed. `session`, `commit` and `seq` name the place, as far as it is known (0: not)."""

    def __init__(self, sentence: str, *, session: str = "", commit: int = 0, seq: int = 0, remedy: str = "") -> None:
        self.session = session
        self.commit = commit
        self.seq = seq
        parts = [f"session {session}" if session else "", f"commit {commit}" if commit else "", f"seq {seq}" if seq else ""]
        place = ", ".join(part for part in parts if part)
        super().__init__(sentence, place=place, remedy=remedy)


class LogConflict(LogError):
    """Another writer appended first; this one is fenced out and must stop."""


class LogGap(LogError):
    """A commit is missing, repeated or out of order."""


class LogCorrupt(LogError):
    """Bytes that do not match their hash, their chain or the canonical encoding."""


class LogUnavailable(LogError):
    """Locked, full or unreachable; nothing that was committed is lost. Retryable."""


class FeedError(ReenactError):
    """Market data could not be taken in."""


class FeedInvalid(FeedError):
    """A file, column or row that cannot be read. `line` is 1-based, 0 where there is none; `raw` is the text as found."""

    def __init__(self, sentence: str, *, place: str = "", line: int = 0, raw: str = "", remedy: str = "") -> None:
        self.line = line
        self.raw = raw
        super().__init__(sentence, place=f"{place}:{line}" if line else place, remedy=remedy)


class FeedStale(FeedError):
    """No data for longer than the configured age. Retryable."""


class VenueError(ReenactError):
    """The venue connection failed or lied."""


class VenueProtocolError(VenueError):
    """The venue sent something its own rules do not allow."""


class VenueDisconnected(VenueError):
    """The session with the venue is gone. Retryable."""


class StrategyError(ReenactError):
    """A strategy broke the determinism contract or failed. `file` and `line` name the offending line."""

    def __init__(self, sentence: str, *, file: str = "", line: int = 0, remedy: str = "") -> None:
        self.file = file
        self.line = line
        super().__init__(sentence, place=f"{file}:{line}" if file else "", remedy=remedy)


class ReplayDiverged(ReenactError):
    """Re-execution reached another decision at `seq` than the log holds (`expected` recorded, `actual` today; None: no event)."""

    def __init__(self, session: str, seq: int, expected: object, actual: object) -> None:
        self.session = session
        self.seq = seq
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"today's code does not reach the recorded decision: the log holds {expected!r}, re-execution gives {actual!r}",
            place=f"session {session}, seq {seq}",
        )


def invariant(condition: object, must_hold: str) -> None:
    """Raise `InvariantBroken` unless `condition` is true. Stays on in production."""
    if not condition:
        raise InvariantBroken(f"broken invariant: {must_hold}")
