"""A whole installation in a temporary folder, for tests: sample city, portal, mailbox, ledger, our own contracts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from samplecity.city import SampleCity
from samplecity.mailbox import mailbox_folder
from stadtdaten.contracts import load_contract
from stadtdaten.faults import Fault
from stadtdaten.frames import Endpoint
from stadtdaten.ledger import Ledger
from stadtdaten.pipeline.run import Run, prepare
from stadtdaten.pipeline.whole import refresh
from stadtdaten.releases import ReleaseStore
from stadtdaten.settings import Settings, endpoint


@dataclass
class Site:
    """One installation; ``home`` holds the contracts and suites in force, ``var`` all state."""

    home: Path
    var: Path
    city: SampleCity
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Settings that point into the temporary folder."""
        return Settings(
            home=self.home,
            var=self.var,
            ledger=f"sqlite:///{self.var / 'ledger.sqlite'}",
            releases=str(self.var / "releases"),
            candidates=self.var / "candidates",
            portal=self.var / "portal",
            portal_url=f"http://127.0.0.1:{self.city.ports.portal}/",
            portal_sample=True,
        )

    @property
    def ledger(self) -> Ledger:
        """The installation's ledger."""
        return Ledger(self.settings.ledger)

    @property
    def store(self) -> ReleaseStore:
        """The installation's release store."""
        return ReleaseStore(self.settings.releases)

    def connect(self, name: str) -> Endpoint:
        """The sample city's endpoint of that connection, unless a test has put another in its place."""
        if name in self.endpoints:
            return self.endpoints[name]
        fields = json.loads(self.city.connections()[f"AIRFLOW_CONN_{name.upper()}"])
        return endpoint(
            conn_type=fields["conn_type"],
            host=fields["host"],
            port=fields.get("port"),
            schema=fields.get("schema", ""),
            login=fields.get("login", ""),
            password=fields.get("password", ""),
            extra=fields.get("extra", {}),
        )

    def run(self, source: str, *, run_id: str = "night", last_try: bool = True) -> Run:
        """A run over the source, as Airflow or the command line would prepare it."""
        return prepare(
            source,
            settings=self.settings,
            connect=self.connect,
            run_id=run_id,
            run_url=f"http://127.0.0.1:8080/dags/{source}/runs/{run_id}",
            last_try=last_try,
        )

    def refresh(self, source: str) -> dict[str, Fault | None]:
        """One night of the source; what stopped each dataset. The fault of a whole source is returned under its id."""
        try:
            return refresh(self.run(source))
        except Fault as fault:
            return {source: fault}

    def portal_files(self) -> dict[str, str]:
        """What a visitor could see: address below the portal to the hash of its bytes."""
        public = self.var / "portal" / "public"
        if not public.exists():
            return {}
        return {
            path.relative_to(public).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(public.resolve().rglob("*"), key=str)
            if path.is_file()
            for path in [public / path.relative_to(public.resolve())]
        } | {
            f"daten/{path.relative_to(public / 'daten').as_posix()}": hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((public / "daten").resolve().rglob("*"))
            if path.is_file()
            for path in [public / "daten" / path.relative_to((public / "daten").resolve())]
        }

    def releases(self) -> dict[str, str]:
        """Every file of the release store to the hash of its bytes."""
        root = self.var / "releases"
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def mails(self) -> list[EmailMessage]:
        """The mails that arrived, oldest first."""
        parser = BytesParser(policy=policy.default)
        paths = sorted(mailbox_folder(self.var).glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [parser.parsebytes(path.read_bytes()) for path in paths]

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a text once in a file of ``home``; the old text must be there."""
        path = self.home / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} does not hold {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def keep_only(self, source: str, dataset: str) -> None:
        """Take all other datasets out of the source's contract, and their suites."""
        path = self.home / "include" / "contracts" / f"{source}.yaml"
        contract = load_contract(path)
        head, *blocks = path.read_text(encoding="utf-8").split("\n  - id: ")
        kept = [block for block in blocks if block.startswith(f"{dataset}\n")]
        path.write_text("\n  - id: ".join([head, *kept]) + "\n", encoding="utf-8")
        for other in contract.datasets:
            for table in other.tables if other.id != dataset else ():
                for stage in ("raw", "public"):
                    (self.home / "expectations" / source / f"{table.id}.{stage}.json").unlink()


def body(mail: EmailMessage) -> str:
    """The plain text of a mail."""
    part = mail.get_body(preferencelist=("plain",))
    assert part is not None
    return str(part.get_content())
