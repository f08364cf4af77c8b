"""What the gateway tells about requests beside its metrics: spans and an access log, and nothing unless asked for.

Lives here: `watch.py` (what is known of one request, and who may look on), `access.py` (the access log), `logs.py` (how
lines are written), `spans.py` (OpenTelemetry, extra `otel`; nothing imports it unless the setting `otel_endpoint` asks
for it). Does not: metrics (`gateway/metrics.py`), W3C trace context (`protocol/trace.py`).
"""
