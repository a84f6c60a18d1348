"""Serves an OpenStack service on the loopback address: serve.py PORT MODULE, the module's `application` being its WSGI
application. One request at a time, because SQLite locks."""

import socket
import sys
from importlib import import_module
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Server(WSGIServer):
    request_queue_size = 128

    def server_bind(self):
        # Without the look-up of this host's name that WSGIServer makes.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.server_address
        self.setup_environ()


def serve(port, application, server=Server):
    make_server("127.0.0.1", port, application, server, Quiet).serve_forever()


if __name__ == "__main__":
    # Services read the arguments that they find.
    port, module = sys.argv[1:]
    del sys.argv[1:]
    serve(int(port), import_module(module).application)
