"""Bytes to messages and back, without sockets: the blocking and the asyncio side feed the same Decoder.

A frame is two unsigned 32-bit lengths in network order, a JSON text of the first length, and raw data of the second.
The JSON is a list: the message's name, then its fields in order.
"""

import json
import struct
from typing import Any, List, NamedTuple, Tuple, Union, cast

from mini_slurm.protocol.messages import KINDS, Message

LENGTHS = struct.Struct("!II")
LARGEST = 2**63  # numbers are kept in 64 bits
MAX_FRAME = 64 * 1024 * 1024  # bytes; larger is a broken or hostile peer


class ProtocolError(Exception):
    """What came is no message: the link must be ended."""


def encode(message: Message) -> bytes:
    """The frame of a message."""
    fields = list(message)
    data = b""
    if "data" in message._fields:
        place = message._fields.index("data")
        data, fields[place] = cast(bytes, fields[place]), None
    text = json.dumps([type(message).__name__, *fields], separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), len(data)) + text + data


class Decoder:
    """Bytes in, messages out; remembers a frame that has not ended yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> List[Message]:
        """The messages that are complete now. Raises ProtocolError on anything that is none."""
        self._rest += data
        messages: List[Message] = []
        begin = 0
        while len(self._rest) - begin >= LENGTHS.size:
            text, extra = LENGTHS.unpack_from(self._rest, begin)
            if text + extra > MAX_FRAME:
                raise ProtocolError(f"a frame of {text + extra} bytes")
            body = begin + LENGTHS.size
            end = body + text + extra
            if end > len(self._rest):
                break
            messages.append(_message(bytes(self._rest[body : body + text]), bytes(self._rest[body + text : end])))
            begin = end
        del self._rest[:begin]
        return messages


def _message(text: bytes, data: bytes) -> Message:
    try:
        name, *fields = json.loads(text)
        kind = KINDS[name]
        if "data" in kind._fields:
            fields[kind._fields.index("data")] = data
        message: Message = kind(*fields)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ProtocolError(f"not a message: {text[:80]!r}") from error
    _check(message)
    return message


def _check(message: NamedTuple) -> None:
    """A peer's field of the wrong type must not reach the code that trusts its type."""
    for name, wanted in type(message).__annotations__.items():
        value = getattr(message, name)
        if not _fits(value, wanted):
            raise ProtocolError(f"{type(message).__name__}.{name} cannot be {value!r:.80}")


def _fits(value: Any, wanted: Any) -> bool:
    allowed = PLAIN.get(wanted)
    if allowed:
        if isinstance(value, (int, float)) and not -LARGEST <= value < LARGEST:  # nor is NaN between them
            return False
        return isinstance(value, allowed) and (wanted is bool or not isinstance(value, bool))
    inner: Tuple[Any, ...]
    kind, inner = getattr(wanted, "__origin__", None), tuple(getattr(wanted, "__args__", ()))
    if kind is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if kind is dict:
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    if kind is tuple:
        return isinstance(value, (list, tuple)) and len(value) == len(inner) and all(map(_fits, value, inner))
    if kind is Union:
        return any(_fits(value, one) for one in inner)
    return wanted is Any or wanted is type(value)


PLAIN = {str: (str,), int: (int,), float: (int, float), bool: (bool,), bytes: (bytes,)}
