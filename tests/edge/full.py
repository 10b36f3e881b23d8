#!/usr/bin/env python3
"""full.py --bin PASTELINE --tools DIR [--connections N]: a server without file descriptors burns no CPU and is back at
once; a connection that waits costs at most 12 KiB; and of N connections (100,000 need --workers 6, where a process
may have 20,000 files) each is answered, at 2.5 GiB in all."""
import argparse
import re
import subprocess
import sys
import time

from support import Judge, Server, raise_files, tool

HELLO = "use = egg:pasteline#respond\nbody = Hello, World!"


def exhausted(judge, options, settings):
    prefix = ["prlimit", "--nofile=256"]
    with Server(options.bin, HELLO, {"workers": 0, **settings}, prefix) as server:
        printed = tool(options.tools, "fd_exhaust.py", server.port, server.processes()[0], 256)
    print(printed, end="")
    cpu = float(re.search(r"cpu while full (\d+) %", printed)[1])
    status, seconds = re.search(r"after release: b'(.*)' in ([\d.]+) s", printed).groups()
    judge.at_most("CPU while full", cpu, 5, " %")
    judge.holds(f"after that it answers {status!r}", status == "HTTP/1.1 200")
    judge.at_most("first answer after", float(seconds), 0.1, " s")


def many(judge, options):
    files = raise_files()
    processes = -(-options.connections // min(17_000, files - 100))
    each = -(-options.connections // processes)
    settings = {"workers": options.workers, "max_connections": 0, "keep_alive_timeout": 600}
    with Server(options.bin, HELLO, settings) as server:
        before = server.memory()
        command = [sys.executable, f"{options.tools}/many.py", str(server.port), str(each)]
        hold = str(options.hold)
        clients = [
            subprocess.Popen([*command, f"127.0.0.{number + 2}", hold], stdout=subprocess.PIPE, text=True)
            for number in range(processes)
        ]
        counts = [re.search(r"(\d+)/(\d+) ok", client.stdout.readline()) for client in clients]
        answered = sum(int(count[1]) for count in counts)
        # What has just been answered rests after a moment.
        time.sleep(1)
        memory = server.memory()
        for client in clients:
            client.terminate()
            client.wait()
    total = each * processes
    judge.holds(f"{answered} of {total} connections were answered", answered == total)
    judge.at_most("memory for each of them", (memory - before) / total / 1024, 12, " KiB")
    judge.at_most("memory in all", memory / (1 << 30), 2.5, " GiB")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bin", required=True)
    arguments.add_argument("--tools", required=True)
    arguments.add_argument("--connections", type=int, default=6000)
    arguments.add_argument("--workers", type=int, default=1)
    arguments.add_argument("--hold", type=float, default=30)
    options = arguments.parse_args()
    judge = Judge()
    judge.twice(exhausted, options, {})
    # Without a limit to connections it is the system that says that there are too many.
    judge.twice(exhausted, options, {"max_connections": 0})
    judge.twice(exhausted, options, {"max_connections": 0, "workers": 1})
    many(judge, options)
    judge.end()


if __name__ == "__main__":
    main()
