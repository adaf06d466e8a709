"""The errors the API answers with: HTTP status, error code and message of each."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure of the sandbox
    """The API refuses a request."""

    def __init__(self, http_status: int, error_code: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.error_code = error_code
        self.message = message


#: error code -> (HTTP status, message). Codes without a finer meaning repeat the HTTP status.
REFUSALS: dict[int, tuple[int, str]] = {
    400: (400, 'Invalid value for "id": "this is a fault of the sandbox"'),
    404: (404, "There is nothing at this path."),
    405: (405, "Only GET is supported."),
    500: (500, "The system is busy, try again later."),
    1001: (401, "This API key is not valid."),
    1002: (401, "API key missing."),
    1003: (402, "The plan of this API key must be activated first."),
    1004: (402, "The payment for the plan of this API key is overdue."),
    1005: (403, "This endpoint needs an API key."),
    1006: (403, "The plan of this API key does not include this endpoint."),
    1007: (403, "This API key is disabled; contact support."),
    1008: (429, "The plan's requests per minute are used up; the count starts anew each minute."),
    1009: (429, "The plan's credits of the day are used up; the count starts anew at midnight UTC."),
    1010: (429, "The plan's credits of the month are used up; the count starts anew with the next credit month."),
    1011: (429, "Too many requests from this IP address."),
    1022: (429, "The anonymous limit of this IP address is reached."),
}


def refusal(error_code: int) -> Refusal:
    """Return the refusal of an error code."""
    http_status, message = REFUSALS[error_code]
    return Refusal(http_status, error_code, message)


def bad_request(message: str) -> Refusal:
    """Return a 400 that names what is wrong."""
    return Refusal(400, 400, message)
