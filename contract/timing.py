"""The clockwork that server, agent and supervisor agree on. Seconds; reasons in `docs/reliability.md`.

Tests shrink all of them together by `FLEETUNE_TIME_SCALE`, never one alone.
"""

import os

_SCALE = float(os.environ.get("FLEETUNE_TIME_SCALE", "1"))

HEARTBEAT_S = 2 * _SCALE
LEASE_TTL_S = 10 * _SCALE
TICK_S = 1 * _SCALE
POLL_S = 5 * _SCALE
RING_AGAIN_S = 3 * _SCALE
DOORBELL_EXPIRES_S = 30 * _SCALE
ACK_S = 30 * _SCALE
DRAIN_S = 60 * _SCALE
OFFLINE_S = 10 * _SCALE
START_STALL_S = 60 * _SCALE
HANG_GRACE_S = 30 * _SCALE
STOP_S = 5 * _SCALE
FORCED_STOP_S = 1 * _SCALE
REQUEUE_DELAYS_S = (0, 15 * _SCALE, 60 * _SCALE)
OUTAGE_GRACE_S = 30 * _SCALE
MAX_DISCONNECTED_S = 3600 * _SCALE
RETRY_S = (0.5 * _SCALE, 15 * _SCALE)
"""Shortest and longest wait before a call to a server that did not answer is tried again."""
BATCH_S = 0.25
"""How often a rank writes what it has to say into its spool."""

MAX_ATTEMPTS = 3
MAX_ATTEMPTS_EVER = 50
CHECKPOINTS_KEEP = 2
