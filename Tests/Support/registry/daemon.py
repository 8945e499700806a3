#!/usr/bin/env python3
"""Answers as Docker's daemon does about one image: daemon.py SOCKET ARCHIVE [MODE]

SOCKET is made here. ARCHIVE is a docker-archive; it is known by the names in its manifest.json and by its image ID.
MODE is one of:

    ok          the archive
    missing     404 to everything about images
    broken      the archive's first half, then the connection ends inside a chunk, as when the daemon fails with 500
    refused     500 with a message
    truncated   the first half, in good order
    slow        the archive at 1 MB/s

A line per request goes to standard output: METHOD PATH STATUS.
"""
import hashlib
import json
import os
import re
import sys
import tarfile
import time
import urllib.parse

import serving

path, archive, mode = (sys.argv[1:] + ["ok"])[:3]
API = "1.43"


def facts():
    """Names and ID of the image, and what `GET images/REF/json` says of it."""
    with tarfile.open(archive) as file:
        entry = json.load(file.extractfile("manifest.json"))[0]
        config = file.extractfile(entry["Config"]).read()
    names = entry.get("RepoTags") or []
    told = json.loads(config)
    return names, {
        "Id": "sha256:" + hashlib.sha256(config).hexdigest(), "RepoTags": names, "RepoDigests": [],
        "Architecture": told.get("architecture", ""), "Os": told.get("os", ""), "Size": os.stat(archive).st_size,
        "Config": told.get("config", {}), "RootFS": {"Type": "layers", "Layers": told["rootfs"]["diff_ids"]},
    }


NAMES, FACTS = facts()


def is_ours(reference):
    identifier = FACTS["Id"]
    full = reference if ":" in reference.split("/")[-1] else reference + ":latest"
    short = full.removeprefix("docker.io/").removeprefix("library/")
    return full in NAMES or short in NAMES or reference in (identifier, identifier.split(":")[1])


class Handler(serving.Handler):
    disable_nagle_algorithm = False  # A unix socket has none.

    def do_GET(self):
        status = self.respond()
        print(self.command, self.path, status, flush=True)

    do_HEAD = do_GET

    def respond(self):
        asked = urllib.parse.urlsplit(self.path)
        place = re.sub(r"^/v1\.[0-9]+/", "/", asked.path)
        names = urllib.parse.parse_qs(asked.query).get("names")
        if place == "/images/get" and names:  # The form for several images, of which skopeo asks for one.
            place = f"/images/{urllib.parse.quote(names[0], safe='')}/get"
        if place == "/_ping":
            return self.say(200, b"OK", "text/plain")
        asked = re.fullmatch(r"/images/(.+)/(json|get)", place)
        if not asked:
            return self.fail(404, "page not found")
        reference = urllib.parse.unquote(asked.group(1))
        if mode == "missing" or not is_ours(reference):
            return self.fail(404, "No such image: " + reference)
        if mode == "refused":
            return self.fail(500, "the disk of the daemon is full")
        if asked.group(2) == "json":
            return self.say(200, json.dumps(FACTS).encode())
        return self.send_archive()

    def fail(self, status, message):
        return self.say(status, json.dumps({"message": message}).encode())

    def say(self, status, body, kind="application/json"):
        self.answer(status, body, {
            "Content-Type": kind, "Api-Version": API, "Docker-Experimental": "false", "Ostype": "linux"})
        return status

    def send_archive(self):
        """Chunked, without a length, as the daemon does it."""
        self.send_response(200)
        for name, value in (("Content-Type", "application/x-tar"), ("Api-Version", API),
                            ("Transfer-Encoding", "chunked")):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return 200
        left = os.stat(archive).st_size
        if mode in ("broken", "truncated"):
            left //= 2
        with open(archive, "rb") as file:
            while left:
                piece = file.read(min(65536, left))
                left -= len(piece)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                if mode == "slow":
                    time.sleep(len(piece) / 1e6)
        if mode == "broken":
            self.wfile.write(b"10000\r\nhalf a chunk")
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")
        return 200


if __name__ == "__main__":
    if os.path.exists(path):
        os.unlink(path)
    server = serving.UnixServer(path, Handler)
    # The tests' user connects to a server that root may have started.
    os.chmod(path, 0o666)
    server.serve_forever()
