#!/usr/bin/env python3
"""A proxy before the plain registry that does wrong what it is told to: fault-proxy.py FOLDER REGISTRY CERTIFICATE KEY

Listens three times: PROXY (http), PROXY_OTHER (http, to be redirected to) and PROXY_TLS (https). A test names its
images HOST/SCOPE/NAME with a SCOPE of its own, "fault-..."; the proxy asks the registry for NAME, and rules hold for
one scope, so that tests can run side by side.

`POST /_fault RULE` (or a list of them) adds rules, `DELETE /_fault?SCOPE` takes those of a scope away. A rule is an
object; the first part says which requests it is about, the second what happens. The first rule that answers, wins;
changes of a passed answer add up.

    scope, path (a regular expression, searched in the path without the scope), method, port ("PROXY"...), range (true:
    only requests with a Range), authorized (true or false), skip (so many go untouched), times (then so many are hit)

    status, headers, body       answers itself. "body" may be text or {"canned": "schema1" | "no-layers"}
    retry_date                  adds a Retry-After that is a date, so many seconds from now
    challenge                   401 with this WWW-Authenticate, unless the request carries an Authorization
    redirect                    307 (or "status") to this origin, "http://localhost:1234", same path, or "redirect_path"
    cut, how                    sends so many bytes of a body, then resets ("how": "close" ends in good order)
    slow                        bytes a second
    stall, after                sleeps so many seconds once `after` bytes are sent
    ignore_range                answers 200 with everything
    content_range               says this instead of the true Content-Range
    corrupt                     inverts the byte at this offset of the body
    short, long                 takes so many bytes from the end, or adds so many, with a length that agrees
    untold                      chunked, without a Content-Length
    set                         headers to set; null takes one away

FOLDER/proxy.log has a line per request, written when its answer is sent:

    PORT METHOD PATH RANGE SCHEME-OF-AUTHORIZATION STATUS BYTES
"""
import http.client
import json
import os
import re
import socket
import struct
import sys
import threading
import time
import urllib.parse
from email.utils import formatdate

import serving

HOP_BY_HOP = {"connection", "keep-alive", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}
CANNED = {
    "schema1": ("application/vnd.docker.distribution.manifest.v1+prettyjws", {
        "schemaVersion": 1, "name": "old", "tag": "latest", "architecture": "amd64",
        "fsLayers": [{"blobSum": "sha256:" + "a" * 64}], "history": [{"v1Compatibility": "{}"}], "signatures": []}),
    "no-layers": ("application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + "a" * 64, "size": 2},
        "layers": []}),
}


class Rules:
    def __init__(self):
        self.rules = []
        self.lock = threading.Lock()

    def add(self, rules):
        for rule in rules:
            rule["seen"] = 0
            rule["pattern"] = re.compile(rule.get("path", ""))
        with self.lock:
            self.rules += rules

    def remove(self, scope):
        with self.lock:
            self.rules = [rule for rule in self.rules if scope and rule.get("scope", "") != scope]

    def hits(self, request, scope, path):
        """The rules for a request, which is thereby counted."""
        authorized = "Authorization" in request.headers
        with self.lock:
            hits = []
            for rule in self.rules:
                if rule.get("scope", "") != scope or not rule["pattern"].search(path):
                    continue
                if rule.get("method", request.command) != request.command:
                    continue
                if rule.get("port", request.server.told) != request.server.told:
                    continue
                if rule.get("range") is True and "Range" not in request.headers:
                    continue
                if rule.get("authorized", authorized) != authorized:
                    continue
                rule["seen"] += 1
                turn = rule["seen"] - rule.get("skip", 0)
                if 0 < turn <= rule.get("times", turn):
                    hits.append(rule)
            return hits


class Cut(Exception):
    """The connection ends here, on purpose."""


class Handler(serving.Handler):
    def handle_request(self):
        self.sent = 0
        self.status = 0
        if urllib.parse.urlsplit(self.path).path == "/_fault":
            return self.manage()
        body = self.read_body()
        scope, path = "", self.path
        parts = re.match(r"/v2/(fault-[^/?]+)(/.*)", path)
        if parts:
            scope, path = parts.group(1), "/v2" + parts.group(2)
        try:
            self.respond(rules.hits(self, scope, path), scope, path, body)
        except (Cut, OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            scheme = self.headers.get("Authorization", "-").split(" ")[0]
            log.line(self.server.told, self.command, self.path, self.headers.get("Range", "-"), scheme,
                     self.status, self.sent)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

    def manage(self):
        body = self.read_body()
        if self.command == "DELETE":
            rules.remove(urllib.parse.urlsplit(self.path).query)
        else:
            order = json.loads(body)
            rules.add(order if isinstance(order, list) else [order])
        self.answer(200, b"{}")

    def send_response(self, code, message=None):
        self.status = code
        super().send_response(code, message)

    def respond(self, hits, scope, path, body):
        for rule in hits:
            if "challenge" in rule and "Authorization" not in self.headers:
                return self.refuse(401, [("WWW-Authenticate", rule["challenge"])])
            if "redirect" in rule:
                there = rule["redirect"] + rule.get("redirect_path", self.path)
                return self.refuse(rule.get("status", 307), [("Location", there)])
            if "status" in rule or "body" in rule:
                return self.made_up(rule)
        changes = {name: value for rule in hits for name, value in rule.items()}
        self.pass_on(changes, scope, path, body)

    def refuse(self, status, headers):
        code = {401: "UNAUTHORIZED", 429: "TOOMANYREQUESTS"}.get(status, "UNKNOWN")
        error = json.dumps({"errors": [{"code": code, "message": "said the proxy of the tests"}]}).encode()
        self.answer(status, error, headers)
        self.sent = len(error)

    def made_up(self, rule):
        headers = list(rule.get("headers", {}).items())
        if "retry_date" in rule:
            headers.append(("Retry-After", formatdate(time.time() + rule["retry_date"], usegmt=True)))
        body = rule.get("body")
        if body is None:
            return self.refuse(rule["status"], headers)
        if isinstance(body, dict):
            kind, manifest = CANNED[body["canned"]]
            headers.insert(0, ("Content-Type", kind))
            body = json.dumps(manifest)
        self.answer(rule.get("status", 200), body.encode(), headers)
        self.sent = len(body)

    def pass_on(self, changes, scope, path, body):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        headers.pop("Authorization", None)  # The plain registry wants none.
        if changes.get("ignore_range"):
            headers.pop("Range", None)
        upstream = http.client.HTTPConnection(registry, timeout=60)
        if self.command in ("POST", "PUT", "PATCH"):
            headers["Content-Length"] = str(len(body))
        upstream.request(self.command, path, body=body or None, headers=headers)
        response = upstream.getresponse()
        told = {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}
        if scope and "Location" in told:
            told["Location"] = self.renamed(told["Location"], scope)
        if changes.get("content_range") and "Content-Range" in told:
            told["Content-Range"] = changes["content_range"]
        size = int(told.get("Content-Length", 0))
        wanted = max(0, size - changes.get("short", 0)) + changes.get("long", 0)
        if "Content-Length" in told:
            told["Content-Length"] = str(wanted)
        if changes.get("untold"):
            told.pop("Content-Length", None)
            told["Transfer-Encoding"] = "chunked"
        for name, value in changes.get("set", {}).items():
            told = {other: kept for other, kept in told.items() if other.lower() != name.lower()}
            told[name] = value
        self.send_response(response.status)
        for name, value in told.items():
            # These two came with the answer of the registry.
            if value is not None and name not in ("Server", "Date"):
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and response.status not in (204, 304):
            self.send_changed(response, wanted, changes)
        upstream.close()

    def renamed(self, location, scope):
        """An upload goes on where it began: at this port, below the scope."""
        parts = urllib.parse.urlsplit(location)
        scheme = "https" if self.server.told == "PROXY_TLS" else "http"
        path = parts.path.replace("/v2/", f"/v2/{scope}/", 1)
        return urllib.parse.urlunsplit((scheme, self.headers["Host"], path, parts.query, ""))

    def send_changed(self, response, wanted, changes):
        """The body of the registry's answer, with what the rules do to it."""
        began = time.monotonic()
        stalled = False
        while self.sent < wanted:
            piece = response.read(min(65536 if "slow" not in changes else 4096, wanted - self.sent))
            if not piece:
                piece = b"\0" * min(65536, wanted - self.sent)
            wrong = changes.get("corrupt", -1) - self.sent
            if 0 <= wrong < len(piece):
                piece = piece[:wrong] + bytes([piece[wrong] ^ 0xFF]) + piece[wrong + 1:]
            if "stall" in changes and not stalled and self.sent + len(piece) > changes.get("after", 0):
                stalled = True
                before = max(0, changes.get("after", 0) - self.sent)
                self.send_piece(piece[:before], changes)
                piece = piece[before:]
                time.sleep(changes["stall"])
            if "cut" in changes and self.sent + len(piece) >= changes["cut"] and changes["cut"] < wanted:
                self.send_piece(piece[:changes["cut"] - self.sent], changes)
                self.cut(changes.get("how", "reset"))
            self.send_piece(piece, changes)
            if "slow" in changes:
                time.sleep(max(0, self.sent / changes["slow"] - (time.monotonic() - began)))
        if changes.get("untold"):
            self.wfile.write(b"0\r\n\r\n")

    def send_piece(self, piece, changes):
        if not piece:
            return
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if changes.get("untold") else piece)
        self.sent += len(piece)

    def cut(self, how):
        if how == "reset":
            # Without this pause the reset would overtake bytes that the client has not read yet.
            time.sleep(0.05)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # Closed here: the server would first shut it down, which is an end in good order.
            os.close(self.connection.detach())
        raise Cut


if __name__ == "__main__":
    folder, registry, certificate, key = sys.argv[1:5]
    log = serving.Log(folder + "/proxy.log")
    rules = Rules()
    ports = {}
    here = ("127.0.0.1", 0)
    for server, name in (
        (serving.Server(here, Handler), "PROXY"),
        (serving.Server(here, Handler), "PROXY_OTHER"),
        (serving.TLSServer(here, Handler, certificate, key), "PROXY_TLS"),
    ):
        server.told = name
        ports[name] = serving.serve(server)
    serving.tell_ports(folder + "/proxy.ports", ports)
    threading.Event().wait()
