"""The ways that notices go: mail, webhook, command. Each module has `send(settings, target, body, name)`.

They run in a process of their own and block as they like. `body` has `subject`, `text`, `variables`, `document` and
`time`; `name` is the same at each try of a notice.
"""

from __future__ import annotations


class Failed(Exception):
    """It was not sent; `again`: trying again may help."""

    def __init__(self, why: str, *, again: bool) -> None:
        super().__init__(why)
        self.again = again
