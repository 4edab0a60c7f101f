"""A client of a group: registers with the service, waits for its word to start, works, and ends."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"started")
        self.server.told = self.path == "/run"

    def log_message(self, *words):
        """Nobody reads it."""


def register(url, address):
    """As long as the service does not answer, try again: it may be starting anew."""
    headers = {"Content-Type": "application/json"}
    if os.environ.get("CLIENT_SERVICE_TOKEN"):
        headers["Authorization"] = "Bearer " + os.environ["CLIENT_SERVICE_TOKEN"]
    request = urllib.request.Request(url, json.dumps({"client_address": address}).encode(), headers)
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


with HTTPServer(("127.0.0.1", 0), Handler) as server:
    server.told = False
    address = f"http://127.0.0.1:{server.server_port}"
    url = f"{os.environ['CLIENT_SERVICE_ADDR']}/api/v1/client-group/{os.environ['BENCHMARK_ID']}/connect"
    print(os.environ["SLURM_NODEID"], "registered:", register(url, address), flush=True)
    while not server.told:
        server.handle_request()
print(os.environ["SLURM_NODEID"], "ran", *sys.argv[1:], flush=True)
