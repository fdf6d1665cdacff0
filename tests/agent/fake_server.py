"""The agents' protocol in memory, over real HTTP: what a device says is kept, what it is told can be set."""

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CREDENTIAL = "fld_test"


@dataclass
class Holder:
    """One attempt or errand as the server sees it."""

    assignment: dict[str, Any]
    acknowledged: list[dict] = field(default_factory=list)
    leases: list[dict] = field(default_factory=list)
    batches: list[dict] = field(default_factory=list)
    exits: list[dict] = field(default_factory=list)
    wanted: str = "run"
    resume_step: int = 0
    checkpoint: dict[str, Any] = field(default_factory=dict)
    kill: str = ""
    """told with the next lease answer, once"""
    stale: bool = False
    impossible: set[int] = field(default_factory=set)
    """numbers of batches that are answered with 422"""

    @property
    def gone(self) -> bool:
        return any(report["gone"] for report in self.exits)

    @property
    def numbers(self) -> list[int]:
        return [batch["batch"] for batch in self.batches]

    def lines(self) -> list[str]:
        return [line["text"] for batch in self.batches for line in batch["log"]]

    def steps(self, key: str = "train/loss") -> list[int]:
        return [step for batch in self.batches for frame in batch["frames"] if key in frame["columns"]
                for step in frame["steps"]]  # fmt: skip


class FakeServer:
    """`with FakeServer() as server:`; `server.url`."""

    def __init__(self):
        self.holders: dict[tuple[str, int], Holder] = {}
        self.heartbeats: list[dict] = []
        self.prepare: list[dict] = []
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, bytearray] = {}
        self.enrolments: list[dict] = []
        self.ranges: list[str] = []
        self.credentials = {CREDENTIAL}
        self.away = False
        self.taken = False
        self.swallow_answers = 0
        self.cut_after: int | None = None
        """a download breaks off after so many bytes, once"""
        self.speaker: dict | None = None
        self.listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self.listener.daemon_threads = True

    def __enter__(self) -> "FakeServer":
        threading.Thread(target=self.listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown()
        self.listener.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.server_address[1]}"

    def assign(self, **changes) -> Holder:
        """Give the device one attempt (or errand) to do."""
        assignment = {
            "kind": "attempt", "id": 11, "fence": 1, "job": 5, "number": 1, "rank": 0, "world_size": 1,
            "spec": {}, "data": {}, "model": {}, "errand": {}, "wanted": "run", "deadline": 0.0,
        } | changes  # fmt: skip
        holder = Holder(assignment)
        self.holders[(assignment["kind"], assignment["id"])] = holder
        return holder

    def add_file(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.files[digest] = content
        return digest

    def assignments(self) -> list[dict]:
        open_ones = [holder for holder in self.holders.values() if not holder.gone and not holder.stale]
        return [holder.assignment | {"wanted": holder.wanted} for holder in open_ones]

    def lease_answer(self, holder: Holder) -> dict:
        port = next((lease["port"] for lease in reversed(holder.leases) if lease["port"]), 0)
        meets = bool(port) and bool(holder.acknowledged)
        kill, holder.kill = holder.kill, ""
        return {
            "kill": kill,
            "v": 1,
            "seconds_left": 10,
            "wanted": holder.wanted,
            "rendezvous": {"host": "127.0.0.1", "port": port, "id": "x"} if meets else None,
            "resume_step": holder.resume_step if meets else None,
            "checkpoint": holder.checkpoint,
        }

    def store(self, holder: Holder, batches: list[dict]) -> None:
        for batch in batches:
            if batch["batch"] == len(holder.batches) + 1:
                holder.batches.append(batch | {"received": time.time()})


class Refusal(Exception):
    def __init__(self, status: int, code: str, headers: dict | None = None):
        self.status, self.code, self.headers = status, code, headers or {}


def _handler_for(server: FakeServer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def setup(self):
            super().setup()
            self.connection.setsockopt(6, 1, 1)

        def _serve(self):
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if server.away:
                self.close_connection = True
                return
            try:
                status, headers, content = self._answer(body)
            except Refusal as refusal:
                status, headers = refusal.status, refusal.headers
                content = json.dumps({"code": refusal.code, "detail": f"refused: {refusal.code}"}).encode()
            if server.swallow_answers and self.command == "POST" and "events" in self.path:
                server.swallow_answers -= 1
                self.close_connection = True
                return
            self._send(status, headers, content)

        do_GET = do_POST = do_PUT = do_HEAD = _serve

        def _send(self, status, headers, content):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if server.cut_after is not None and "/data/" in self.path:
                content, server.cut_after = content[: server.cut_after], None
                self.close_connection = True
            self.wfile.write(content)

        def _answer(self, body: bytes):
            parts = urlsplit(self.path)
            name, _, rest = parts.path.removeprefix("/agent/v1/").partition("/")
            if name != "enrol" and self.headers.get("Authorization", "")[7:] not in server.credentials:
                raise Refusal(401, "unknown-credential")
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            method = getattr(self, f"_{self.command.lower()}_{name.replace('.', '_')}", None)
            if method is None:
                raise Refusal(404, "no-route")
            return method(rest, query, body)

        def _holder(self, names) -> Holder:
            holder = server.holders.get((names["kind"], int(names["id"])))
            if holder is None:
                raise Refusal(404, "unknown-attempt")
            if holder.stale or holder.assignment["fence"] != int(names["fence"]):
                raise Refusal(409, "stale-fence")
            return holder

        def _post_enrol(self, _rest, _query, body):
            request = json.loads(body)
            if request["token"] == "used":
                raise Refusal(409, "token-used")
            server.enrolments.append(request)
            devices = [
                {
                    "id": 7 + number, "slug": f"{request['host']}-{offer['kind']}-{offer['index']}",
                    "kind": offer["kind"], "index": offer["index"], "credential": CREDENTIAL,
                    "queue": f"device.{7 + number}", "broker_url": "redis://127.0.0.1:1/0",
                    "key_prefix": f"fleetune:device:{7 + number}:",
                }
                for number, offer in enumerate(request["devices"])
            ]  # fmt: skip
            return _json({"v": 1, "host": request["host"], "devices": devices}, 201)

        def _post_heartbeat(self, _rest, _query, body):
            beat = json.loads(body)
            if server.taken:
                raise Refusal(409, "device-taken")
            server.heartbeats.append(beat)
            return _json({"v": 1, "server_time": time.time(), "wanted": "online",
                          "environment_hash": beat["environment_hash"]})  # fmt: skip

        def _get_assignments(self, _rest, _query, _body):
            return _json({"v": 1, "assignments": server.assignments(), "prepare": server.prepare})

        def _post_ack(self, _rest, _query, body):
            message = json.loads(body)
            self._holder(message).acknowledged.append(message)
            return _json({"v": 1})

        def _post_lease(self, _rest, _query, body):
            message = json.loads(body)
            holder = self._holder(message)
            holder.leases.append(message | {"received": time.time()})
            return _json(server.lease_answer(holder))

        def _get_events(self, _rest, query, _body):
            return _json({"v": 1, "last_batch": len(self._holder(query).batches)})

        def _post_events(self, _rest, _query, body):
            message = json.loads(body)
            holder = self._holder(message)
            for batch in message["batches"]:
                if batch["batch"] in holder.impossible and not batch["log"]:
                    raise Refusal(422, "impossible")
                server.store(holder, [batch])
            return _json({"v": 1, "last_batch": len(holder.batches)})

        def _post_exit(self, _rest, _query, body):
            message = json.loads(body)
            self._holder(message).exits.append(message | {"received": time.time()})
            return _json({"v": 1})

        def _get_data(self, digest, _query, _body):
            content = server.files.get(digest)
            if content is None:
                raise Refusal(404, "unknown-file")
            wanted = self.headers.get("Range", "")
            server.ranges.append(wanted)
            if wanted:
                return 206, {}, content[int(wanted.removeprefix("bytes=").rstrip("-")) :]
            return 200, {}, content

        _get_models = _get_checkpoints = _get_data

        def _head_artifacts(self, digest, query, _body):
            self._holder(query)
            if digest not in server.uploads:
                raise Refusal(404, "nothing")
            return 200, {"Upload-Offset": str(len(server.uploads[digest]))}, b""

        def _put_artifacts(self, digest, query, body):
            self._holder(query)
            held = server.uploads.setdefault(digest, bytearray())
            if int(self.headers["Upload-Offset"]) != len(held):
                raise Refusal(409, "wrong-offset", {"Upload-Offset": str(len(held))})
            held.extend(body)
            if len(held) < int(self.headers["Upload-Length"]):
                return _json({"offset": len(held)})
            if hashlib.sha256(held).hexdigest() != digest:
                del server.uploads[digest]
                raise Refusal(422, "wrong-hash")
            return _json({"offset": len(held)}, 201)

        _head_checkpoints, _put_checkpoints = _head_artifacts, _put_artifacts

    return Handler


def _json(value: dict, status: int = 200):
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()
