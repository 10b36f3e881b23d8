#!/usr/bin/env python3
"""Has sslyze and testssl look at a server that encrypts, and fails if they find anything.

Usage: tests/edge/tls.py PROGRAM [--long]

PROGRAM is pasteline. A pair of certificates, RSA and ECDSA, is made by openssl. sslyze comes from
a virtual environment that is made for it, testssl is the system's. What no server can help is
left out: that nobody trusts a certificate made for a test, and says nothing of its revocation.
With --long testssl looks for all weaknesses it knows, and not only at versions, suites and the
defaults of the server.
"""

import argparse
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv

NAME = "localhost"
# What is wrong with a certificate that was made a moment ago, and not with the server.
OF_THE_CERTIFICATE = ("cert_", "DNS_CAArecord", "OCSP_stapling", "certificate_transparency")


def run(*command, **options):
    """Runs a command that must succeed, and gives its output."""
    done = subprocess.run(command, text=True, capture_output=True, timeout=600, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def make_pair(directory, kind, algorithm):
    """A certificate and its key."""
    certificate, key = directory / f"{kind}.pem", directory / f"{kind}.key"
    run("openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-days", "30", "-sha256",
        "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "extendedKeyUsage=serverAuth",
        "-out", str(certificate), "-keyout", str(key))
    # As PKCS#1 and SEC1, which many have from times before PKCS#8.
    old = run("openssl", "pkey", "-traditional", "-in", str(key))
    key.write_text(old)
    key.chmod(0o600)
    return certificate, key


def serve(program, directory):
    """Starts a server, and gives it with its port."""
    pairs = [make_pair(directory, "ecdsa", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")),
             make_pair(directory, "rsa", ("rsa:2048",))]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = directory / "paste.ini"
    certificates, keys = (", ".join(str(path) for path in paths) for paths in zip(*pairs))
    file.write_text(
        f"[server:main]\nuse = egg:pasteline#http\nbind = 127.0.0.1:{port}\nworkers = 1\n"
        f"tls_cert = {certificates}\ntls_key = {keys}\n"
        "[app:main]\nuse = egg:pasteline#respond\nbody = hello\n"
        "headers = Strict-Transport-Security: max-age=31536000\n")
    server = subprocess.Popen([program, "serve", str(file)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, port
        except OSError:
            time.sleep(0.05)
    server.kill()
    sys.exit("the server does not listen")


def sslyze():
    """The command sslyze, installed if need be."""
    found = shutil.which("sslyze")
    if found:
        return found
    home = pathlib.Path(tempfile.gettempdir()) / "pasteline-sslyze"
    command = home / "bin" / "sslyze"
    if not command.exists():
        venv.create(home, with_pip=True)
        run(str(home / "bin" / "pip"), "install", "--quiet", "sslyze")
    return str(command)


def found_by_sslyze(port, directory):
    """What sslyze finds, in a line each, and how many things it has looked at."""
    report = directory / "sslyze.json"
    subprocess.run([sslyze(), f"--json_out={report}", f"{NAME}:{port}"], timeout=300, check=False,
                   stdout=subprocess.DEVNULL)
    result = json.loads(report.read_text())["server_scan_results"][0]["scan_result"]
    faults = []
    accepted = {}
    for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"):
        suites = result[f"{version}_cipher_suites"]["result"]["accepted_cipher_suites"]
        accepted[version] = sorted(suite["cipher_suite"]["name"] for suite in suites)
    for old in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
        if accepted[old]:
            faults.append(f"{old} is spoken")
    for suite in accepted["tls_1_2"]:
        if "ECDHE" not in suite or not ("GCM" in suite or "CHACHA20" in suite):
            faults.append(f"{suite} is weak")
    for version, count in (("tls_1_2", 6), ("tls_1_3", 3)):
        if len(accepted[version]) != count:
            faults.append(f"{version}: {len(accepted[version])} suites and not {count}")
    flags = {
        "heartbleed": "is_vulnerable_to_heartbleed",
        "openssl_ccs_injection": "is_vulnerable_to_ccs_injection",
        "session_renegotiation": "is_vulnerable_to_client_renegotiation_dos",
        "tls_compression": "supports_compression",
    }
    for check, flag in flags.items():
        if result[check]["result"][flag]:
            faults.append(f"{check}: {flag}")
    if not result["session_renegotiation"]["result"]["supports_secure_renegotiation"]:
        faults.append("renegotiation is not secure")
    robot = result["robot"]["result"]["robot_result"]
    if not robot.startswith("NOT_VULNERABLE"):
        faults.append(f"robot: {robot}")
    early = result["tls_1_3_early_data"]
    # Where sslyze cannot ask, it says so and has no result.
    print(f"sslyze: early data: {early['status']}")
    if early["result"] and early["result"]["supports_early_data"]:
        faults.append("early data may be replayed")
    if not result["tls_fallback_scsv"]["result"]["supports_fallback_scsv"]:
        # Nothing to fall back to is spoken where 1.2 is the oldest, and rustls leaves it out.
        print("sslyze: no fallback signal, and nothing older than 1.2 to fall back to")
    curves = result["elliptic_curves"]["result"]
    if not curves["supports_ecdh_key_exchange"]:
        faults.append("there is no forward secrecy")
    return faults, len(result)


def found_by_testssl(port, directory, long):
    """What testssl finds, in a line each, and how many things it has looked at.

    On a busy machine its own client may run out of time; what could not be looked at for that is no
    finding, and no clean bill either, so testssl looks again.
    """
    for _ in range(3):
        findings = looked_at_by_testssl(port, directory, long)
        if not any("connect problem" in finding["finding"] for finding in findings):
            break
    bad = [finding for finding in findings
           if finding["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL")
           and not finding["id"].startswith(OF_THE_CERTIFICATE)]
    lines = [f"{finding['severity']} {finding['id']}: {finding['finding']}" for finding in bad]
    return lines, len(findings)


def looked_at_by_testssl(port, directory, long):
    report = directory / "testssl.json"
    report.unlink(missing_ok=True)
    what = [] if long else ["-p", "-s", "-S", "-f"]
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--openssl-timeout",
                    "5", "--jsonfile", str(report), *what, f"{NAME}:{port}"],
                   timeout=900, check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return json.loads(report.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--long", action="store_true")
    arguments = parser.parse_args()
    faults = []
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        server, port = serve(arguments.program, directory)
        try:
            for who, (found, count) in (
                ("sslyze", found_by_sslyze(port, directory)),
                ("testssl", found_by_testssl(port, directory, arguments.long)),
            ):
                print(f"{who}: {len(found)} findings in {count} checks")
                faults += [f"{who}: {fault}" for fault in found]
        finally:
            server.terminate()
            server.wait(20)
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
