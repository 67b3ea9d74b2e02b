"""The requests of a test program in another language: to stop and start http-api or Postgres, to end all tickets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import psycopg
from postgres import EmbeddedPostgres
from support.harness import Pair


@contextmanager
def controlled(pair: Pair, database: EmbeddedPostgres) -> Iterator[str]:
    """The URL below which a POST to `stop`, `start` and others does that to the pair or to its Postgres."""

    def stop() -> None:
        pair.services[-1].stop()

    def end_tickets() -> None:
        with psycopg.connect(pair.database_url, autocommit=True) as connection:
            connection.execute("UPDATE ticket SET expires_at = now() + interval '1 second'")

    actions: dict[str, Callable[[], object]] = {
        "/stop": stop,
        "/start": pair.start_http,
        "/end-tickets": end_tickets,
        "/stop-database": partial(database.stop, "immediate"),
        "/start-database": database.start,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            actions[self.path]()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    # All requests have one thread: a Postgres ends with the thread that has started it.
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            # A test that failed may have stopped this Postgres, or its thread has started it.
            database.start()
