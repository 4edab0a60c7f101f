"""Bytes to messages and back, without sockets: the blocking and the asyncio side feed the same Decoder.

A frame is two unsigned 32-bit lengths in network order, a JSON text of the first length, and raw data of the second.
The JSON is a list: the message's name, then its fields in order.
"""

import json
import struct
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Tuple, Type, Union

from mini_slurm.protocol.messages import KINDS, Message

PLACES = {kind: kind._fields.index("data") if "data" in kind._fields else -1 for kind in KINDS.values()}
ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)
LENGTHS = struct.Struct("!II")
LARGEST = 2**63  # numbers are kept in 64 bits
MAX_FRAME = 64 * 1024 * 1024  # bytes; larger is a broken or hostile peer


class ProtocolError(Exception):
    """What came is no message: the link must be ended."""


def encode(message: Message) -> bytes:
    """The frame of a message."""
    fields: List[Any] = list(message)
    data = b""
    place = PLACES[type(message)]
    if place >= 0:
        data, fields[place] = fields[place], None
    text = ENCODER.encode([type(message).__name__, *fields]).encode()
    return b"".join((LENGTHS.pack(len(text), len(data)), text, data))


class Decoder:
    """Bytes in, messages out; remembers a frame that has not ended yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> List[Message]:
        """The messages that are complete now. Raises ProtocolError on anything that is none."""
        self._rest += data
        messages: List[Message] = []
        begin = 0
        with memoryview(self._rest) as rest:  # whose slices are no copies
            while len(rest) - begin >= LENGTHS.size:
                text, extra = LENGTHS.unpack_from(rest, begin)
                if text + extra > MAX_FRAME:
                    raise ProtocolError(f"a frame of {text + extra} bytes")
                body = begin + LENGTHS.size
                end = body + text + extra
                if end > len(rest):
                    break
                messages.append(_message(bytes(rest[body : body + text]), bytes(rest[body + text : end])))
                begin = end
        del self._rest[:begin]
        return messages


def _message(text: bytes, data: bytes) -> Message:
    try:
        name, *fields = json.loads(text.decode())
        kind = KINDS[name]
        if PLACES[kind] >= 0:
            fields[PLACES[kind]] = data
        message: Message = kind(*fields)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ProtocolError(f"not a message: {text[:80]!r}") from error
    _check(message)
    return message


def _check(message: NamedTuple) -> None:
    """A peer's field of the wrong type must not reach the code that trusts its type."""
    kind = type(message)
    if kind not in CHECKS:
        CHECKS[kind] = [(wanted, _checker(wanted)) for wanted in kind.__annotations__.values()]
    for name, value, (wanted, fits) in zip(message._fields, message, CHECKS[kind]):
        if type(value) is wanted in WHOLE or (type(value) is wanted is int and -LARGEST <= value < LARGEST):
            continue  # seen without a call
        if not fits(value):
            raise ProtocolError(f"{kind.__name__}.{name} cannot be {value!r:.80}")


def _checker(wanted: Any) -> "Check":
    """What tells whether a value is of an annotation's type: worked out once, as it is asked for each message."""
    if wanted in PLAIN:
        return PLAIN[wanted]
    kind: Any = getattr(wanted, "__origin__", None)
    inner: Tuple[Any, ...] = getattr(wanted, "__args__", ())
    if kind in (list, dict):
        return _collection(kind, inner[-1])
    checks = [_checker(one) for one in inner]
    if kind is tuple:
        return lambda value: (
            type(value) in (list, tuple)
            and len(value) == len(checks)
            and all(fits(item) for fits, item in zip(checks, value))
        )
    if kind is Union:
        return lambda value: any(fits(value) for fits in checks)
    return lambda value: wanted is Any or wanted is type(value)


def _collection(kind: Type[Any], inner: Any) -> "Check":
    """For a list's items or a dictionary's values; its keys are text in any JSON."""
    get: Callable[[Any], Iterable[Any]] = dict.values if kind is dict else iter
    if inner is str:  # an environment is long
        return lambda value: type(value) is kind and {str}.issuperset(map(type, get(value)))
    fits = _checker(inner)
    return lambda value: type(value) is kind and all(map(fits, get(value)))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -LARGEST <= value < LARGEST  # nor is NaN between them


Check = Callable[[Any], bool]
CHECKS: Dict[Type[Any], List[Tuple[Any, Check]]] = {}  # of messages' fields: the annotation, and what it means
WHOLE = (str, bytes, bool)  # of which any value will do
PLAIN: Dict[Any, Check] = {
    str: lambda value: type(value) is str,
    int: lambda value: type(value) is int and -LARGEST <= value < LARGEST,
    float: _is_number,
    bool: lambda value: type(value) is bool,
    bytes: lambda value: type(value) is bytes,
}
