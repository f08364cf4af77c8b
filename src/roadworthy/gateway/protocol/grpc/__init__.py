"""The Open Inference Protocol over gRPC (extra `grpc`), beside HTTP on the same data plane.

Lives here: `messages.py` (the protocol's messages), `reading.py` (a message to rows, an answer to a message),
`service.py` (the service on its port). Does not: what a request may be, which `protocol/codec.py` says for both.
Nothing is imported from here unless the setting `grpc_port` asks for it.
"""
