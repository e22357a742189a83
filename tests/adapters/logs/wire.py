"""A wire between a client and a server, which can be cut at a chosen moment: in front of a request, or behind it."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

PIECE = 1 << 16


class Wire:
    """Passes bytes between clients and a server of this machine. A context manager; `port` is where clients connect."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._mode = ""
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut_before(self) -> None:
        """The next bytes of a client do not reach the server, and both lose their connection."""
        self._mode = "before"

    def cut_behind(self) -> None:
        """The next bytes of the server do not reach the client, and both lose their connection."""
        self._mode = "behind"

    def close_door(self) -> None:
        """No further connection is taken."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            self._ends += [client, server]
            for source, target, cut in ((client, server, "before"), (server, client, "behind")):
                Thread(target=self._pass, args=(source, target, cut), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, cut: str) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if self._mode == cut:
                    self._mode = ""
                    break
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close_door()
        for end in self._ends:
            end.close()
