"""Serves a paste file as Python does, by waitress: `original.py FILE SETTINGS [PORT]`. Prints its port."""

import os
import sys

from oslo_config import cfg
from paste.deploy import loadapp
from waitress.server import create_server


def main(file, settings, port="0"):
    cfg.CONF([], project="parity", default_config_files=[settings])
    app = loadapp(f"config:{os.path.abspath(file)}")
    server = create_server(
        app, host="127.0.0.1", port=int(port), threads=2, clear_untrusted_proxy_headers=False, expose_tracebacks=False
    )
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
