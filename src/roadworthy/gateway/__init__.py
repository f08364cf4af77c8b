"""The data plane: resolve -> admit -> route -> predict -> record -> answer, one file per stage.

Lives here: everything between a request's bytes and its answer; it goes on when the control plane is down.
Does not: adapters (injected as `request.Ports`), rollout decisions, anything that changes what is served.
One core (`plane.py`) stands under every transport; to add a transport, copy `app.py`.
"""
