"""Failures that end a request of the client, worded for the person at the terminal."""


class ClientError(Exception):
    """The message is one line, to be shown as it is."""


class Ended(ClientError):
    """The server is done with the upload, or does not know it: there is nothing to resume."""


class TemporaryFailure(ClientError):
    """Trying again may help.

    `retry_after_s` is how long the other side asked to wait. `unreached`: nobody was there to
    answer, as while a server starts again.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, unreached: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.unreached = unreached
