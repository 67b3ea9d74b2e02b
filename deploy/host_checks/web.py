"""Check that the API responds: directly, and through Caddy as the internet sees it."""

import http.client
import socket
import ssl

from host_checks.finding import Finding, failed, passed

_SECONDS = 10
_PATH = "/api/health"


def look(port: int, host_name: str) -> list[Finding]:
    """Call http-api on 127.0.0.1:`port`, and Caddy on port 443 as `host_name`."""
    return [_ask("http-api", http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)), _secure(host_name)]


def _secure(host_name: str) -> Finding:
    what = f"https://{host_name}"
    connection = http.client.HTTPConnection(host_name, timeout=_SECONDS)
    try:
        plain = socket.create_connection(("127.0.0.1", 443), timeout=_SECONDS)
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host_name)
    except ssl.SSLCertVerificationError as error:
        return failed(what, f"the certificate: {error.verify_message}")
    except ssl.SSLError as error:
        return failed(what, f"Caddy has no certificate yet: check DNS, and that port 80 is open ({error.reason})")
    except OSError as error:
        return failed(what, f"127.0.0.1 port 443: {error.strerror or error}")
    return _ask(what, connection)


def _ask(what: str, connection: http.client.HTTPConnection) -> Finding:
    try:
        connection.request("GET", _PATH)
        answer = connection.getresponse()
        body = answer.read(200).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return failed(what, f"{_PATH}: {error}")
    finally:
        connection.close()
    return (passed if answer.status == http.client.OK else failed)(what, f"{_PATH}: {answer.status} {body}")
