"""Pseudonyms in the prediction log; they are made in `schemas`, so that what looks people up finds the same ones."""

from schemas.pseudonyms import FILE, Pseudonyms, pseudonym_key

__all__ = ["FILE", "Pseudonyms", "pseudonym_key"]
