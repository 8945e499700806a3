#!/usr/bin/env python3
"""A token server for docker-registry's `auth: token`: token-server.py FOLDER TLS

Signs with RS256 through openssl. Repositories below private/ need the tests' user, those below denied/ are nobody's,
all others may be pulled by anybody; pushing needs the user. FOLDER/token.log has a line per request:

    METHOD REPOSITORY ACTIONS CREDENTIALS STATUS

`POST /_token {"repository": NAME, ...}` changes what one repository gets: "says" is the `expires_in` of the answer and
"valid" the seconds after which the registry refuses the token (both 300 unless told), "omit" leaves `expires_in` out,
"post" false answers 404 to the POST of an identity token, "status" answers everything with that status, "spelling" is
the member that carries the token ("token", "access_token" or "both").
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import serving

folder, tls = sys.argv[1:3]
USER, PASSWORD, IDENTITY = (os.environ[name] for name in ("TESTS_USER", "TESTS_PASSWORD", "TESTS_IDENTITY"))
SERVICE = ISSUER = "apus-tests"
# docker-registry forgives a token that is this many seconds too old (registry/auth/token/token.go, Leeway).
LEEWAY = 60
log = serving.Log(folder + "/token.log")
orders = {}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


with open(tls + "/token.crt") as file:
    lines = [line.strip() for line in file if "-----" not in line]
HEADER = encoded(json.dumps({"typ": "JWT", "alg": "RS256", "x5c": ["".join(lines)]}).encode())


def signed(claims):
    text = HEADER + "." + encoded(json.dumps(claims).encode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        signature = subprocess.check_output(["openssl", "dgst", "-sha256", "-sign", tls + "/token.key", file.name])
    return text + "." + encoded(signature)


def granted(repository, actions, known):
    """What of the wanted actions this caller gets."""
    if repository.startswith("denied/"):
        return []
    if known:
        return actions
    return [] if repository.startswith("private/") else [action for action in actions if action == "pull"]


class Handler(serving.Handler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        kind, known = self.credentials()
        # Several scopes may come as several parameters or as one list with spaces.
        self.grant(query.get("scope", []), kind, known, refresh="offline_token" in query)

    def do_POST(self):
        body = self.read_body()
        if self.path == "/_token":
            order = json.loads(body)
            orders[order.pop("repository")] = order
            return self.answer(200, b"{}")
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        if form.get("grant_type") == "refresh_token":
            known = form.get("refresh_token") == IDENTITY
        else:
            known = (form.get("username"), form.get("password")) == (USER, PASSWORD)
        self.grant([form.get("scope", "")], form.get("grant_type", "-"), known, refresh=True)

    def credentials(self):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return "anonymous", False
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return "unreadable", False
        return "basic", (user == USER and password == PASSWORD) or password == IDENTITY

    def grant(self, scopes, kind, known, refresh):
        wanted = [scope.split(":") for text in scopes for scope in text.split(" ") if scope]
        # repository:NAME:ACTIONS, where NAME may hold a port and so a colon.
        access = [(words[0], ":".join(words[1:-1]), words[-1].split(",")) for words in wanted if len(words) > 2]
        first = access[0][1] if access else ""
        order = orders.get(first, {})
        status = order.get("status", 200)
        if self.command == "POST" and not order.get("post", True):
            status = 404
        elif kind != "anonymous" and not known:
            status = 401
        log.line(self.command, ",".join(name for _, name, _ in access), ",".join(
            action for _, _, actions in access for action in actions), kind, status)
        if status != 200:
            return self.answer(status, b'{"details":"refused by the token server of the tests"}')
        now = int(time.time())
        token = signed({
            "iss": ISSUER, "sub": USER if known else "", "aud": SERVICE, "jti": os.urandom(8).hex(),
            "iat": now, "nbf": now - 1, "exp": now + order.get("valid", 300) - LEEWAY,
            "access": [{"type": kind, "name": name, "actions": granted(name, actions, known)}
                       for kind, name, actions in access if granted(name, actions, known)],
        })
        reply = {"issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))}
        spelling = order.get("spelling", "access_token" if self.command == "POST" else "token")
        for name in ("token", "access_token") if spelling == "both" else (spelling,):
            reply[name] = token
        if not order.get("omit"):
            reply["expires_in"] = order.get("says", 300)
        if refresh and known:
            reply["refresh_token"] = IDENTITY
        self.answer(200, json.dumps(reply).encode())


if __name__ == "__main__":
    here = ("127.0.0.1", 0)
    serving.tell_ports(folder + "/token.ports", {
        "TOKEN": serving.serve(serving.Server(here, Handler)),
        "TOKEN_TLS": serving.serve(serving.TLSServer(here, Handler, tls + "/server.crt", tls + "/server.key")),
    })
    threading.Event().wait()
