"""`roadworthy gateway`: the data plane alone; it serves on while the control plane is down."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from roadworthy.apps.gateway.serving import serve
from roadworthy.apps.settings import read_settings
from roadworthy.cli.desk import Desk, command
from roadworthy.cli.files import require_workspace


def gateway(
    desk: Desk,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; none: the workspace's setting.")] = "",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port; none: the workspace's setting.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that answer.")] = 1,
) -> None:
    """Run the gateway until stopped. It serves what `deploy` published and verified, nothing else."""
    require_workspace(desk.workspace)
    settings = read_settings(desk.workspace)
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    url = f"http://{settings.host}:{settings.port}"
    over_grpc = f"{settings.host}:{settings.grpc_port}" if settings.grpc_port else ""
    said = f"Gateway on {url}/v2" + (f" and, over gRPC, on {over_grpc}" if over_grpc else "")
    known = {"url": url, "grpc": over_grpc, "workers": workers, "workspace": str(settings.root)}
    desk.answer(known, said)
    desk.out.file.flush()
    serve(settings, workers)


app = command(gateway)
