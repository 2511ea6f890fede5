"""A stand-in city: source systems that speak the real protocols, for the first run and for tests."""
