"""The hash and the signature that Atoma's nodes put on everything they say."""

from __future__ import annotations

import base64
import hashlib
import json

from emissary_emulator.brain import JsonObject


def signed(body: JsonObject) -> JsonObject:
    """The body with the hash of its compact JSON and a signature.

    The hash is the real one (BLAKE2b-256). The signature has the real form (flag byte, 64 bytes,
    32 bytes of key) and always the same bytes for the same body, but no key signed it.
    """
    digest = hashlib.blake2b(compact(body), digest_size=32).digest()
    dummy = hashlib.blake2b(digest).digest()
    key = hashlib.blake2b(b"emissary_emulator", digest_size=32).digest()
    return {
        **body,
        "signature": base64.b64encode(b"\0" + dummy + key).decode(),
        "response_hash": base64.b64encode(digest).decode(),
    }


def compact(body: JsonObject) -> bytes:
    """JSON without spaces, non-ASCII as it is."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
