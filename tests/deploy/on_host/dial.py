"""The ProxyCommand of ssh for a container: connect in the current network namespace and pass the socket to ssh.

See ProxyUseFdpass in ssh_config(5).
"""

import socket
import sys

with (
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as connection,
    socket.socket(fileno=1) as ssh,
):
    connection.setblocking(True)
    socket.send_fds(ssh, [b"\0"], [connection.fileno()])
