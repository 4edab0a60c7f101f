"""Words between srun and an agent: lists of byte strings, as srun must not spend the time that importing json takes.

A frame is the length of what follows, then each field with its own length before it; lengths are unsigned 32-bit
numbers in network order. The first field says what is meant: see docs/design/steps.md.
"""

from __future__ import annotations

LENGTH = 4  # bytes
MAX_FRAME = 64 * 1024 * 1024  # bytes; larger is a broken or hostile peer


class BadFrame(ValueError):
    """What came is no frame: the connection must be ended."""


def pack(*fields: bytes | str | int) -> bytes:
    """A frame. Text is sent as the operating system has it, numbers in decimal."""
    parts = _parts(fields)
    return b"".join((sum(map(len, parts)).to_bytes(LENGTH, "big"), *parts))


def nest(fields: list[str] | list[bytes]) -> bytes:
    """Several fields as one; the inverse of `split`."""
    return b"".join(_parts(fields))


def strings(field: bytes) -> list[str]:
    """The strings in one field. Raises BadFrame."""
    return [text(part) for part in split(field)]


def text(field: bytes) -> str:
    """A field as text; bytes that are no UTF-8 come back as they went."""
    return field.decode("utf-8", "surrogateescape")


def number(field: bytes) -> int:
    """A field as a number. Raises BadFrame."""
    try:
        return int(field)
    except ValueError:
        raise BadFrame(f"not a number: {field[:40]!r}") from None


def pairs(field: bytes) -> dict[str, str]:
    """A dictionary of strings out of one field: keys and values in turn. Raises BadFrame."""
    found = strings(field)
    if len(found) % 2:
        raise BadFrame("a key without value")
    return dict(zip(found[::2], found[1::2]))


def nest_pairs(values: dict[str, str]) -> bytes:
    """A dictionary of strings as one field."""
    return b"".join(_parts([word for pair in values.items() for word in pair]))


class Reader:
    """Bytes in, frames out; remembers a frame that has not ended yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes | memoryview) -> list[list[bytes]]:
        """The frames that are complete now, each as its fields. Raises BadFrame."""
        self._rest += data
        frames = []
        begin = 0
        with memoryview(self._rest) as rest:  # whose slices are no copies
            while len(rest) - begin >= LENGTH:
                body = begin + LENGTH
                end = body + int.from_bytes(rest[begin:body], "big")
                if end - body > MAX_FRAME:
                    raise BadFrame(f"a frame of {end - body} bytes")
                if end > len(rest):
                    break
                frames.append(split(rest[body:end]))
                begin = end
        del self._rest[:begin]
        return frames


def _parts(fields: tuple[bytes | str | int, ...] | list[str] | list[bytes]) -> list[bytes]:
    """The fields, each behind its length."""
    parts = []
    for field in fields:
        if isinstance(field, int):
            field = b"%d" % field
        elif isinstance(field, str):
            field = field.encode("utf-8", "surrogateescape")
        parts.append(len(field).to_bytes(LENGTH, "big"))
        parts.append(field)
    return parts


def split(body: bytes | memoryview) -> list[bytes]:
    """The fields in one field. Raises BadFrame."""
    fields = []
    begin = 0
    while begin < len(body):
        start = begin + LENGTH
        begin = start + int.from_bytes(body[begin:start], "big")
        if begin > len(body):
            raise BadFrame("a field longer than its frame")
        fields.append(bytes(body[start:begin]))
    return fields
