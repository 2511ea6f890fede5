"""Delimited text files (CSV): how they are written, where they may be cut, what their cells are."""
