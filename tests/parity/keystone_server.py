"""Serves a real Keystone by waitress: `keystone_server.py PORT`, configured by `OS_KEYSTONE_CONFIG_FILES`."""

import os
import sys

# Keystone reads the arguments of whoever loads it.
port = int(sys.argv[1])
sys.argv = sys.argv[:1]

import keystone.conf
from keystone.server.wsgi import initialize_public_application
from waitress.server import create_server

LIFETIME = "HTTP_X_PARITY_LIFETIME"


def main():
    app = initialize_public_application()

    def with_lifetime(environ, start_response):
        """Gives out tokens that live as long as the request says: otherwise none would expire within a test."""
        lifetime = environ.pop(LIFETIME, None)
        if lifetime is not None:
            keystone.conf.CONF.set_override("expiration", int(lifetime), "token")
        try:
            return app(environ, start_response)
        finally:
            keystone.conf.CONF.clear_override("expiration", "token")

    server = create_server(with_lifetime, host="127.0.0.1", port=port, threads=4)
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    os.environ.setdefault("OS_KEYSTONE_CONFIG_FILES", "keystone.conf")
    main()
