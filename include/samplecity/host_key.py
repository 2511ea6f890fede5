"""Which key shows that the city's SFTP server is itself? Made once and kept, so that connections can name it."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)


def new_key() -> bytes:
    """A private key that nobody had before, in OpenSSH's format."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def private_key(var: Path) -> bytes:
    """The server's private key in ``var/samplecity`` (mode 0600), made when it is first asked for."""
    path = var / "samplecity" / "sftp_host_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.tmp")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(new_key())
        try:
            path.hardlink_to(unfinished)  # unlike a renaming, this leaves the key of somebody who was faster
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return path.read_bytes()


def public_key(var: Path) -> str:
    """The server's public key as a connection names it: ``ssh-ed25519 AAAA...``."""
    key = load_ssh_private_key(private_key(var), password=None).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
