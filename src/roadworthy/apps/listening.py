"""A socket to listen on, or a clear word why not."""

from __future__ import annotations

import errno
import socket

from roadworthy.domain.errors import PortInUseError, SettingError, UnavailableError


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        PortInUseError: somebody else listens there.
        SettingError: a port that does not exist.
        UnavailableError: the address is not one of this machine, or may not be listened on.
    """
    if not 0 <= port <= 65_535:
        remedy = "Allowed: 0 to 65535; 0 takes any free one."
        raise SettingError(f"there is no port {port}", remedy=remedy, field="port")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        if problem.errno != errno.EADDRINUSE:
            raise UnavailableError(
                f"cannot listen on {host}:{port}: {problem.strerror}", remedy="Choose another --host or --port."
            ) from problem
        raise PortInUseError(
            f"port {port} on {host} is in use",
            remedy="Stop what listens there, or choose another with --port.",
            port=port,
        ) from problem
    listener.listen(512)
    return listener
