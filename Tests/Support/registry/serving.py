"""What the servers of the tests share: an HTTP/1.1 listener per address, and a log of one line per request."""
import http.server
import os
import socket
import ssl
import sys
import threading


class Log:
    """A file to which threads add whole lines."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", errors="backslashreplace")
        self.lock = threading.Lock()

    def line(self, *words):
        # A word never holds a space, so that a line can be split again.
        text = " ".join(str(word).replace(" ", "%20").replace("\n", "%0A") or "-" for word in words)
        with self.lock:
            self.file.write(text + "\n")
            self.file.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A client that goes away in the middle must not keep its thread.
    timeout = 120
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def read_body(self):
        """The body of the request, whichever way its length is told."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    break
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status, body=b"", headers=()):
        """A whole response. `headers` win over the usual ones; one with no value is left out."""
        told = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        told.update(dict(headers))
        self.send_response(status)
        for name, value in told.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        # Clients of these tests cut connections on purpose; all else is a mistake of ours.
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


class UnixServer(Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)


class TLSServer(Server):
    """The handshake happens in the thread of the connection, so that a slow client stops nobody."""

    def __init__(self, address, handler, certificate, key):
        super().__init__(address, handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    def finish_request(self, request, client_address):
        secured = self.context.wrap_socket(request, server_side=True)
        try:
            super().finish_request(secured, client_address)
        finally:
            super().shutdown_request(secured)


def serve(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def tell_ports(path, ports):
    """Writes NAME=127.0.0.1:PORT lines in one step: whoever sees the file sees all of it."""
    with open(path + ".new", "w") as file:
        for name, port in ports.items():
            file.write(f"{name}=127.0.0.1:{port}\n")
    os.rename(path + ".new", path)
