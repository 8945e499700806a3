#!/usr/bin/env python3
"""A proxy as http_proxy and https_proxy name them: forward-proxy.py FOLDER

Passes `GET http://...` on and opens tunnels for CONNECT, to any name: "*.example" are sent to loopback, so that a
test can name hosts that do not exist. FOLDER/forward.log: METHOD TARGET PROXY-AUTHORIZATION STATUS.
"""
import http.client
import selectors
import socket
import sys
import threading
import urllib.parse

import serving


def place(host):
    return "127.0.0.1" if host.endswith(".example") else host


class Handler(serving.Handler):
    def handle_request(self):
        body = self.read_body()
        target = urllib.parse.urlsplit(self.path)
        if not target.hostname:
            return self.note(400, self.answer(400, b"not a request to a proxy"))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in (
            "proxy-authorization", "proxy-connection", "connection", "transfer-encoding")}
        upstream = http.client.HTTPConnection(place(target.hostname), target.port or 80, timeout=60)
        path = target.path + ("?" + target.query if target.query else "")
        upstream.request(self.command, path, body or None, headers)
        response = upstream.getresponse()
        told = {name: value for name, value in response.getheaders() if name.lower() not in (
            "connection", "transfer-encoding")}
        data = response.read()
        if self.command != "HEAD":  # Which has the length of a body that does not come.
            told["Content-Length"] = str(len(data))
        self.note(response.status, self.answer(response.status, data, told))
        upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

    def note(self, status, _=None):
        log.line(self.command, self.path, self.headers.get("Proxy-Authorization", "-").split(" ")[0], status)

    def do_CONNECT(self):
        host, _, port = self.path.rpartition(":")
        self.close_connection = True
        try:
            upstream = socket.create_connection((place(host), int(port)), timeout=60)
        except OSError:
            return self.note(502, self.answer(502, b"nobody there"))
        self.note(200)
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with upstream, selectors.DefaultSelector() as waiting:
            waiting.register(self.connection, selectors.EVENT_READ, upstream)
            waiting.register(upstream, selectors.EVENT_READ, self.connection)
            while True:
                for key, _ in waiting.select(60):
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)


if __name__ == "__main__":
    folder = sys.argv[1]
    log = serving.Log(folder + "/forward.log")
    serving.tell_ports(folder + "/forward.ports", {"FORWARD": serving.serve(serving.Server(("127.0.0.1", 0), Handler))})
    threading.Event().wait()
