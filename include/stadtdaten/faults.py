"""What can go wrong with a dataset, in a form that on-call staff can act on.

A fault's texts are German, because they are read in alert mails, in the Airflow log and on the board. They name
datasets, tables, columns, counts and shares; they never hold a value read from a source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Gate = Literal["quality_raw", "quality_public", "privacy", "portal"]


@dataclass(frozen=True)
class Finding:
    """One reason behind a fault.

    ``rule`` is the expectation or rule that failed, ``count`` the number of affected rows or cells out of
    ``total`` (both 0 where the rule concerns the table as a whole), ``message`` one German sentence.
    """

    rule: str
    message: str
    table: str = ""
    column: str = ""
    count: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        """Affected share of the rows, 0 to 1; 0 where the rule concerns the table as a whole."""
        return self.count / self.total if self.total else 0.0


class Fault(Exception):
    """A dataset (or a whole source) cannot be brought up to date; what is live stays live.

    ``kind`` names the cause for incidents: one open incident per dataset and kind. ``retryable`` says whether
    trying again within the same night can help (a server is down) or not (the data is wrong). ``concerns_source``
    says that all datasets of the source are hit, which makes one incident of it, not one per dataset.
    """

    kind: ClassVar[str] = "fault"
    retryable: ClassVar[bool] = False
    concerns_source: ClassVar[bool] = False

    def __init__(self, message: str, *, next_step: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.findings = findings


class SourceUnavailable(Fault):
    """The source does not answer, or answers with a passing error (connection, time-out, 429, 5xx)."""

    kind = "source_unavailable"
    retryable = True
    concerns_source = True


class ServerNotTrusted(Fault):
    """The server cannot prove that it is the one we know: perhaps it was set up anew, perhaps somebody poses as it."""

    kind = "server_not_trusted"
    concerns_source = True


class SourceInMotion(Fault):
    """What we read is just being written or changed, or is not all there yet; later it will stand still."""

    kind = "source_in_motion"
    retryable = True


class SourceUnreadable(Fault):
    """The source answered with something that is not what the contract says (HTML, truncated, empty, wrong type)."""

    kind = "source_unreadable"


class SnapshotFailed(Fault):
    """The dataset could not be read; the fault behind it is already recorded and told."""

    kind = "snapshot_failed"


class Superseded(Fault):
    """A newer run of the same source has taken over, by hand or by schedule: nobody needs to be told."""

    kind = "superseded"
    concerns_source = True


class SchemaChanged(Fault):
    """The source's columns do not fit the contract any more (a declared column is gone)."""

    kind = "schema_changed"


class Misconfigured(Fault):
    """Our own side is wrong: a contract, a suite, a connection, a setting."""

    kind = "misconfigured"


class GateFailed(Fault):
    """A gate stopped the dataset; ``findings`` say why."""

    kind = "gate_failed"

    def __init__(self, gate: Gate, message: str, *, next_step: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message, next_step=next_step, findings=findings)
        self.gate = gate


class PublicationFailed(Fault):
    """The portal could not be brought to the release, or does not show what was published."""

    kind = "publication_failed"
    retryable = True


class ReleaseDamaged(Fault):
    """A release in the store is incomplete or its files do not have the recorded hashes."""

    kind = "release_damaged"


class Unexpected(Fault):
    """An error nobody foresaw. Its text may hold values of the data, so only its type and place are told."""

    kind = "unexpected"
