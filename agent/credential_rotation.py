"""Exchanges the device's credential for a new one each 30 days."""

import dataclasses
import logging
import time

from agent.device_home import DeviceHome
from agent.server import NoAnswer, Refused, Server
from contract.agent_calls import NewCredential

ROTATE_AFTER_S = 30 * 24 * 3600.0
log = logging.getLogger(__name__)


def rotate_when_old(home: DeviceHome, server: Server) -> bool:
    """True when a new one was written. The old one lives an hour more, in which the broker's password changes too."""
    age = time.time() - (home.path / "credential").stat().st_mtime
    if age < ROTATE_AFTER_S:
        return False
    try:
        new = NewCredential.from_json(server.call("POST", "/agent/v1/credential", b"{}").json())
    except (NoAnswer, Refused) as error:
        log.warning("the credential is %.0f days old and could not be exchanged: %s", age / 86400, error)
        return False
    device = dataclasses.replace(home.device(), broker_url=new.broker_url, key_prefix=new.key_prefix, queue=new.queue)
    home.save(device, new.credential)
    log.info("the credential was exchanged")
    return True
