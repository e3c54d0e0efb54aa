"""Files between the user and the agent: what they are, where they lie, who may look."""

from handoff.files.links import Audience, address, audience_of, describe, token
from handoff.files.names import clean, fitting, label
from handoff.files.storing import expire, max_bytes, note_missing, pieces, store

__all__ = [
    "Audience",
    "address",
    "audience_of",
    "clean",
    "describe",
    "expire",
    "fitting",
    "label",
    "max_bytes",
    "note_missing",
    "pieces",
    "store",
    "token",
]
