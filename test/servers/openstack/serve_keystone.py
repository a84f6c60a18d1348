"""Serves Keystone on the loopback address: serve_keystone.py PORT. One request at a time, because SQLite locks."""

import os
import socket
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

# Keystone reads the arguments that it finds.
port = int(sys.argv.pop())
os.environ["OS_KEYSTONE_CONFIG_DIR"] = os.getcwd()
os.environ["OS_KEYSTONE_CONFIG_FILES"] = "keystone.conf"

from keystone.server.wsgi import initialize_public_application


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


make_server("127.0.0.1", port, initialize_public_application(), Server, Quiet).serve_forever()
