"""Portals: projections of releases that can be read back, each behind the protocol ``frames.Portal``."""

from stadtdaten.portals.static import StaticPortal

__all__ = ["StaticPortal"]
