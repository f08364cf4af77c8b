"""`roadworthy up`: page, API and gateway of one workspace behind one port."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from roadworthy.apps.background import BackgroundServer, Ticker
from roadworthy.apps.building import CatchUp
from roadworthy.apps.full import open_full
from roadworthy.apps.listening import bind
from roadworthy.apps.settings import read_settings
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.files import require_workspace
from roadworthy.cli.processes.places import announced, refuse_second
from roadworthy.cli.processes.stopping import until_stopped
from roadworthy.gateway.telemetry.logs import write_logs
from roadworthy.services.agents.silence import look_for_silence
from roadworthy.services.licence.expiry import expire
from roadworthy.services.serve.keeping import keep_up

SILENCE_S = 30.0
"""So often it is looked who has not been heard of."""

CATCH_UP_S = 5.0
"""So long after a server has died another one beside it begins to take over what it left."""


def up(
    desk: Desk,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; none: the workspace's setting.")] = "",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port, 0 = any free one; none: the workspace's setting.")
    ] = None,
    beside: Annotated[
        bool,
        typer.Option("--beside", help="Run beside another server of this workspace; take over from it if it dies."),
    ] = False,
) -> None:
    """Run until SIGINT or SIGTERM. Other commands on this workspace then talk to this server."""
    require_workspace(desk.workspace)
    settings = read_settings(desk.workspace)
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    write_logs(settings.log_format)
    name = f"{settings.executor}-{os.getpid()}" if beside else ""
    if beside:
        settings = replace(settings, executor=name)
    else:
        refuse_second(settings.root)
    # Asked before the workspace is opened: a port in use must leave nothing behind.
    bind(settings.host, settings.port).close()
    with (
        until_stopped() as stop,
        open_full(settings) as control,
        BackgroundServer(control.app, settings.host, settings.port) as server,
        announced(settings.root, server.url, name),
        Ticker(lambda: expire(control.house), settings.expiry_every_s, "expiry"),
        Ticker(lambda: look_for_silence(control.house), SILENCE_S, "silent agents"),
        Ticker(lambda: keep_up(control.house), settings.upkeep_every_s, "upkeep of the decision log"),
        Ticker(CatchUp(control.house), CATCH_UP_S, "catching up"),
    ):
        desk.answer(
            {"url": server.url, "token": control.token, "pid": os.getpid(), "workspace": str(settings.root)},
            f"Page     {server.url}/?token={control.token}",
            f"API      {server.url}/api/openapi.json   (Authorization: Bearer {control.token})",
            f"Gateway  {server.url}/v2",
            "Ctrl-C ends it; what was begun is finished first.",
        )
        desk.out.file.flush()
        stop.wait()
        desk.note("Stopping ...")
    desk.note("Stopped.")


app = command(up)
