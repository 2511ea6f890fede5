"""The city's HTTP proxy: forwards plain requests and opens tunnels (CONNECT), and writes down what it was asked."""

from __future__ import annotations

import http.client
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Proxy:
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def running_proxy() -> Iterator[Proxy]:
    proxy = Proxy()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            proxy.asked.append(f"GET {self.path}")
            parts = urlsplit(self.path)
            ahead = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
            ahead.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})
            answer = ahead.getresponse()
            body = answer.read()
            ahead.close()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_CONNECT(self) -> None:
            proxy.asked.append(f"CONNECT {self.path}")
            host, _, port = self.path.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=60) as ahead:
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                ends = {self.connection: ahead, ahead: self.connection}
                while ready := select.select(list(ends), [], [], 5)[0]:
                    for end in ready:
                        if not (data := end.recv(65536)):
                            return
                        ends[end].sendall(data)

        def log_message(self, *_: Any) -> None:
            """Tests need no access log."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield proxy
    httpd.shutdown()
    thread.join()
    httpd.server_close()
