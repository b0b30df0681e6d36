"""Daily rows of a symbol from the Alpha Vantage API (TIME_SERIES_DAILY), validated and kept on disk for a day.

The service answers most troubles with status 200 and an object of one entry (https://www.alphavantage.co/documentation):

    {"Error Message": …}    the symbol, the call or the key is wrong      not tried again
    {"Note": …}             too many calls a minute                       tried again, after a pause
    {"Information": …}      too many calls a second                       tried again, after a pause
                            too many calls a day, a demonstration key     not tried again
                            a premium feature                             see below

`outputsize=full` is such a premium feature; where it is refused, the latest hundred rows (`compact`) have to do.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.files import write_whole
from samegrad.impls.learning.daily_rows import checked, read_csv
from samegrad.impls.machine.caches import private_folder

URL = "https://www.alphavantage.co/query"
KEY_VARIABLE = "ALPHAVANTAGE_API_KEY"
URL_VARIABLE = "ALPHAVANTAGE_URL"
"""The environment variable with another address to ask: a proxy, or a server that repeats stored replies."""
PAUSES_S = (1.0, 5.0, 15.0, 60.0)
"""Pauses before the second, third, … attempt; the last is as long as a limit per minute."""
TIMEOUT_S = 30.0
FRESH_S = 24 * 3600.0
LARGEST_REPLY = 64 * 2**20
FIELDS = {"open": "1. open", "high": "2. high", "low": "3. low", "close": "4. close", "volume": "5. volume"}


class _Passing(Exception):
    """A temporary failure: try again, after `pause_s` if the service gave a time."""

    def __init__(self, message: str, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.pause_s = pause_s


class _Premium(Exception):
    """The key does not cover the request."""


def daily(symbol: str, cache: Path | None = None) -> Path:
    """A CSV file of the symbol's daily rows, oldest first: today's, from the cache or fetched into it.

    Raises BadInput for a symbol that the service does not know, an answer that is not what it documents and a missing
    key; Unavailable where the service cannot be reached or refuses to answer. Nothing invalid is ever kept.
    """
    if not re.fullmatch(r"[A-Za-z0-9^][A-Za-z0-9.^:-]{0,19}", symbol):
        raise BadInput(f"{symbol!r} is no symbol; one looks like IBM, BRK-B or TSCO.LON")
    path = (cache or private_folder("alpha_vantage")) / f"{symbol.upper().replace(':', '_')}.csv"
    if path.exists() and 0 <= time.time() - path.stat().st_mtime < FRESH_S:
        try:
            read_csv(path)
            return path
        except BadInput:
            pass  # damaged since: it is fetched again
    content = _fetch(symbol.upper(), _key())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return path


def _key() -> str:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise BadInput(
            f"--symbol needs a key in the environment: export {KEY_VARIABLE}=… "
            "(free at https://www.alphavantage.co/support/#api-key), or give your rows with --csv"
        )
    if not (key.isascii() and key.isprintable()):
        raise BadInput(f"{KEY_VARIABLE} contains a character that no key has; set it again")
    return key


def _address() -> str:
    """The URL of the request. Raises BadInput for another address than a web server's."""
    address = os.environ.get(URL_VARIABLE) or URL
    if not re.match(r"https?://[\w.:\[\]-]+(/|$)", address):
        raise BadInput(f"{URL_VARIABLE} takes an address that begins with https:// or http:// and a host")
    return address


def _masked(text: object, key: str) -> str:
    """The text without the key, however it is written there."""
    return str(text).replace(key, "…").replace(quote_plus(key), "…").replace(quote(key), "…")


def _fetch(symbol: str, key: str) -> bytes:
    """The validated rows as CSV."""
    try:
        reply = _ask(symbol, key, "full")
    except _Premium:
        try:
            reply = _ask(symbol, key, "compact")
        except _Premium as refusal:
            raise Unavailable(f"Alpha Vantage refuses {symbol}: {refusal}") from None
    frame = checked(_frame(reply, symbol), f"Alpha Vantage's reply for {symbol}")
    frame["date"] = frame["date"].dt.strftime("%Y-%m-%d")
    buffer = io.StringIO()
    frame[["date", *FIELDS]].to_csv(buffer, index=False)
    return buffer.getvalue().encode()


def _frame(reply: dict[str, Any], symbol: str) -> Any:
    """Return the rows of a reply in the reply's order."""
    import pandas

    series = reply.get("Time Series (Daily)")
    if not isinstance(series, dict):
        raise BadInput(
            f"Alpha Vantage's reply for {symbol} has no daily series; it has: {', '.join(reply) or 'nothing'}"
        )
    if not series:
        raise BadInput(f"Alpha Vantage's reply for {symbol} has no rows")
    rows = []
    for date, row in series.items():
        absent = [name for name in FIELDS.values() if not isinstance(row, dict) or name not in row]
        if absent:
            raise BadInput(f"Alpha Vantage's reply for {symbol} lacks {absent[0]!r} on {date}")
        rows.append({"date": date, **{name: row[field] for name, field in FIELDS.items()}})
    return pandas.DataFrame(rows, dtype=str)


def _ask(symbol: str, key: str, size: str) -> dict[str, Any]:
    """The reply's object, after as many attempts as it takes and PAUSES_S allows."""
    query = {"function": "TIME_SERIES_DAILY", "symbol": symbol, "outputsize": size, "datatype": "json", "apikey": key}
    trouble = _Passing("")
    for pause_s in (*PAUSES_S, None):
        try:
            return _understood(_get(query), key, symbol)
        except _Passing as passing:
            trouble = passing
        if pause_s is not None:
            pause_s = max(pause_s, min(trouble.pause_s or 0.0, PAUSES_S[-1]))
            print(f"Alpha Vantage: {trouble}; trying again in {pause_s:g} s", file=sys.stderr)
            time.sleep(pause_s)
    raise Unavailable(f"Alpha Vantage gave no rows for {symbol} in {len(PAUSES_S) + 1} attempts: {trouble}")


def _get(query: dict[str, str]) -> bytes:
    """The body of a reply with a status of success. Most troubles have that too, so that `_ask` decides on retries."""
    import requests
    from urllib3 import Retry
    from urllib3.exceptions import HTTPError

    try:
        with requests.get(
            _address(), query, headers={"User-Agent": "samegrad"}, timeout=TIMEOUT_S, stream=True
        ) as reply:
            if reply.status_code == 429 or reply.status_code >= 500:
                raise _Passing(f"HTTP status {reply.status_code}", Retry().get_retry_after(reply.raw))
            if not reply.ok:
                reason = _masked(reply.reason, query["apikey"])
                raise Unavailable(f"Alpha Vantage answers with HTTP status {reply.status_code} ({reason})")
            body = reply.raw.read(LARGEST_REPLY + 1, decode_content=True)
    except (requests.RequestException, HTTPError) as error:
        reason = _masked(_first(error), query["apikey"])
        if isinstance(error, ValueError):  # the address makes no sense
            raise BadInput(f"{URL_VARIABLE}: {reason}") from None
        raise _Passing(f"no answer from the network ({reason})") from None
    if len(body) > LARGEST_REPLY:
        raise Unavailable(f"Alpha Vantage answers with more than {LARGEST_REPLY >> 20} MiB, which cannot be daily rows")
    return body


def _first(error: BaseException) -> BaseException:
    """The first cause of an error, whose message has mostly no address in it."""
    return _first(error.__context__) if error.__context__ else error


def _understood(body: bytes, key: str, symbol: str) -> dict[str, Any]:
    """The object in a reply without an error. The service repeats the key in some of its messages: we do not."""
    try:
        reply = json.loads(body)
    except ValueError:
        raise _Passing("an answer that is not JSON") from None
    if not isinstance(reply, dict):
        raise BadInput(f"Alpha Vantage's reply for {symbol} is no object but a {type(reply).__name__}")
    messages = {name: _masked(reply[name], key) for name in ("Error Message", "Note", "Information") if name in reply}
    if "Error Message" in messages:
        raise BadInput(
            f"Alpha Vantage knows no daily series of {symbol!r}, or not this key: {messages['Error Message']}"
        )
    if "Time Series (Daily)" in reply:
        return reply
    for message in messages.values():
        if re.search(r"premium (feature|endpoint)\b", message):
            raise _Premium(message)
        if re.search(r"per (minute|second)|call frequency", message):
            raise _Passing(f"too many calls: {message}")
        raise Unavailable(f"Alpha Vantage refuses {symbol}: {message}")
    return reply
