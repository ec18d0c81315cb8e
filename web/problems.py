"""Errors as RFC 9457 problem documents: what happened, what to do, nobody's data."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_TITLES = {
    400: "The request cannot be read",
    401: "The sender could not prove who it is",
    404: "There is nothing here",
    405: "This address does not take that method",
    409: "This was received before",
    413: "The body is too large",
    415: "This type of body is not taken",
    422: "The body does not say what is needed",
    503: "The store cannot be written just now",
}


class Problem(HTTPException):
    """One refused request; `detail` is a sentence for whoever sent it."""


def problem(status: int, detail: str) -> JSONResponse:
    """Return one problem document."""
    body = {
        "type": "about:blank",
        "title": _TITLES.get(status, "The request failed"),
        "status": status,
        "detail": detail,
    }
    return JSONResponse(body, status, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Let every refusal of `app` be a problem document."""

    @app.exception_handler(HTTPException)
    async def _refused(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, error.detail)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # never the input itself: it is somebody's data
        wrong = "; ".join(f"{'.'.join(str(part) for part in e['loc'][1:])}: {e['msg']}" for e in error.errors())
        return problem(422, wrong)
