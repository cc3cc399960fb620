"""A mail server on this machine."""

from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class Mailbox:
    """Takes mail, except for `refused` recipients; `mails` holds what it took, as it was sent."""

    def __init__(self, *refused: str) -> None:
        self.mails: list[str] = []
        mailbox = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 ready")
                while line := self.rfile.readline().decode().lower():
                    if line.startswith("data"):
                        self._say("354 go on")
                        mailbox.mails.append("".join(iter(lambda: self.rfile.readline().decode(), ".\r\n")))
                    unknown = line.startswith("rcpt") and any(name in line for name in refused)
                    self._say("550 nobody of that name" if unknown else "250 fine")

            def _say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> "Mailbox":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.socket.close()
        self._thread.join()

    def url(self, *recipients: str) -> str:
        """The Apprise address of these recipients."""
        port = self._server.server_address[1]
        return f"mailto://127.0.0.1:{port}?mode=insecure&from=scoring@x.org&to={','.join(recipients)}"
