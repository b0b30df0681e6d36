"""The Alpha Vantage loader against a server on this machine that plays the service's documented replies."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.learning import alpha_vantage, daily_rows, stock

KEY = "SECRET123"
ERROR = {
    "Error Message": "Invalid API call. Please retry or visit the documentation "
    "(https://www.alphavantage.co/documentation/) for TIME_SERIES_DAILY."
}
NOTE = {
    "Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls "
    "per day. Please visit https://www.alphavantage.co/premium/ if you would like a higher API call frequency."
}
PER_SECOND = {
    "Information": "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more "
    "sparingly (1 request per second). You may subscribe to any of the premium plans to lift the free key rate limit "
    "(25 requests per day), raise the per-second burst limit, and instantly unlock all premium endpoints"
}
PER_DAY = {
    "Information": f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day. "
    "Please subscribe to any of the premium plans to instantly remove all daily rate limits."
}
DEMO = {"Information": "The **demo** API key is for demo purposes only. Please claim your free API key."}
PREMIUM = {
    "Information": "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature for "
    "the TIME_SERIES_DAILY endpoint."
}


def series(days=60):
    """A documented reply, newest first."""
    rows = {}
    for day in reversed(range(days)):
        low = 100 + (day * 37 % 11) / 2
        prices = {"1. open": low + 1, "2. high": low + 2 + day % 3, "3. low": low, "4. close": low + 1.5 - day % 2}
        rows[f"2024-{1 + day // 28:02}-{1 + day % 28:02}"] = {
            **{name: f"{price:.4f}" for name, price in prices.items()},
            "5. volume": str(1000 + day),
        }
    return {"Meta Data": {"2. Symbol": "IBM"}, "Time Series (Daily)": rows}


@pytest.fixture
def service(monkeypatch):
    """A server on 127.0.0.1 that gives the replies of its list in turn; no pause is really taken."""
    replies, queries, pauses = [], [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            queries.append({name: value[0] for name, value in parse_qs(urlparse(self.path).query).items()})
            status, body, *headers = replies.pop(0)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            if not any(name == "Content-Length" for name, _ in headers):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("ALPHAVANTAGE_URL", f"http://127.0.0.1:{server.server_port}/query")
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", KEY)
    monkeypatch.setattr(alpha_vantage.time, "sleep", pauses.append)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    yield type("Service", (), {"replies": replies, "queries": queries, "pauses": pauses})
    server.shutdown()
    thread.join()
    server.server_close()


def kept(folder):
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_rows_are_fetched_once_a_day_and_can_be_trained_on(service, tmp_path):
    """The documented query; the CSV in the order of time; the second time from disk, a day later from the service."""
    service.replies += [(200, series()), (200, series(50))]
    path = alpha_vantage.daily("ibm", tmp_path)
    (query,) = service.queries
    assert query == {
        "function": "TIME_SERIES_DAILY",
        "symbol": "IBM",
        "outputsize": "full",
        "datatype": "json",
        "apikey": KEY,
    }
    frame = daily_rows.read_csv(path)
    assert len(frame) == 60 and frame["date"].is_monotonic_increasing
    first = series()["Time Series (Daily)"]["2024-01-01"]
    assert frame["close"][0] == float(first["4. close"]) and frame["volume"][0] == 1000
    assert len(stock.recipe(csv=path).x) == 48
    assert alpha_vantage.daily("IBM", tmp_path) == path and len(service.queries) == 1
    yesterday = time.time() - alpha_vantage.FRESH_S - 1
    alpha_vantage.os.utime(path, (yesterday, yesterday))
    assert len(daily_rows.read_csv(alpha_vantage.daily("IBM", tmp_path))) == 50


def test_the_recipe_takes_a_symbol(service, tmp_path, monkeypatch):
    """Through the cache folder of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    service.replies += [(200, series())]
    recipe = stock.recipe(symbol="IBM")
    assert recipe.facts["source"] == "IBM" and len(recipe.x) == 48
    assert kept(tmp_path) == ["IBM.csv"] and KEY not in (tmp_path / "samegrad/alpha_vantage/IBM.csv").read_text()


@pytest.mark.parametrize(
    "trouble",
    [
        (200, NOTE),
        (200, PER_SECOND),
        (429, b"slow down"),
        (503, b"later"),
        (200, b'{"Time Series (Da'),
        (200, b"short", ("Content-Length", "500")),
        (200, b"<html>maintenance</html>"),
    ],
)
def test_what_passes_is_tried_again_after_a_pause(trouble, service, tmp_path, capsys):
    """Limits per minute and second, overload, cut answers: twice, then rows; the pauses grow."""
    service.replies += [trouble, trouble, (200, series())]
    assert len(daily_rows.read_csv(alpha_vantage.daily("IBM", tmp_path))) == 60
    assert service.pauses == [1.0, 5.0] and len(service.queries) == 3
    assert "trying again in 1 s" in capsys.readouterr().err


def test_a_pause_that_the_service_asks_for_is_taken(service, tmp_path):
    """Retry-After, up to the longest of our own."""
    service.replies += [(429, b"", ("Retry-After", "12")), (429, b"", ("Retry-After", "9999")), (200, series())]
    alpha_vantage.daily("IBM", tmp_path)
    assert service.pauses == [12.0, 60.0]


def test_it_gives_up_and_keeps_nothing(service, tmp_path):
    """A limit that stays: five attempts, a message that says why, no file."""
    service.replies += [(200, NOTE)] * 5
    with pytest.raises(Unavailable, match=r"no rows for IBM in 5 attempts: too many calls: .*5 calls per minute"):
        alpha_vantage.daily("IBM", tmp_path)
    assert service.pauses == [1.0, 5.0, 15.0, 60.0] and kept(tmp_path) == []


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        ((200, ERROR), BadInput, "knows no daily series of 'IBM'.*Invalid API call"),
        ((200, PER_DAY), Unavailable, "25 requests per day"),
        ((200, DEMO), Unavailable, "demo purposes only"),
        ((403, b"no"), Unavailable, "HTTP status 403"),
        ((200, {}), BadInput, "has no daily series; it has: nothing"),
        ((200, []), BadInput, "is no object but a list"),
        ((200, {"Time Series (Daily)": {}}), BadInput, "has no rows"),
        ((200, {"Time Series (Daily)": {"2024-01-01": {"1. open": "1"}}}), BadInput, r"lacks '2\. high' on 2024-01-01"),
        ((200, {"Time Series (Daily)": {"soon": series(1)["Time Series (Daily)"]["2024-01-01"]}}), BadInput, "no date"),
    ],
)
def test_what_stays_wrong_is_reported_at_once(reply, kind, message, service, tmp_path):
    """Errors, daily limits, refusals, other shapes: one attempt, one line without the key, nothing kept."""
    service.replies.append(reply)
    with pytest.raises(kind, match=message) as refusal:
        alpha_vantage.daily("IBM", tmp_path)
    assert KEY not in str(refusal.value) and "\n" not in str(refusal.value)
    assert len(service.queries) == 1 and service.pauses == [] and kept(tmp_path) == []


@pytest.mark.parametrize("cell", ["None", "", "-1.5"])
def test_rows_that_make_no_sense_are_not_kept(cell, service, tmp_path):
    """A close that is no price."""
    reply = series()
    reply["Time Series (Daily)"]["2024-01-05"]["4. close"] = cell
    service.replies.append((200, reply))
    with pytest.raises(BadInput, match=r"Alpha Vantage's reply for IBM.*close"):
        alpha_vantage.daily("IBM", tmp_path)
    assert kept(tmp_path) == []


def test_where_the_whole_series_is_for_payers_the_latest_hundred_rows_do(service, tmp_path):
    """outputsize=full, then compact; refused again, it is reported."""
    service.replies += [(200, PREMIUM), (200, series(100)), (200, PREMIUM), (200, PREMIUM)]
    assert len(daily_rows.read_csv(alpha_vantage.daily("IBM", tmp_path))) == 100
    assert [query["outputsize"] for query in service.queries] == ["full", "compact"]
    with pytest.raises(Unavailable, match="premium feature"):
        alpha_vantage.daily("MSFT", tmp_path)


def test_a_missing_key_a_strange_symbol_and_no_network_are_reported(service, tmp_path, monkeypatch):
    """Without asking anybody, except for the last; the address is one where nobody listens."""
    with pytest.raises(BadInput, match="no symbol"):
        alpha_vantage.daily("../../etc", tmp_path)
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", " ")
    with pytest.raises(BadInput, match="export ALPHAVANTAGE_API_KEY"):
        alpha_vantage.daily("IBM", tmp_path)
    assert service.queries == []
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", KEY)
    monkeypatch.setenv("ALPHAVANTAGE_URL", "http://127.0.0.1:9/query")
    with pytest.raises(Unavailable, match="no answer from the network") as refusal:
        alpha_vantage.daily("IBM", tmp_path)
    assert KEY not in str(refusal.value) and kept(tmp_path) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(service, tmp_path):
    """And replaced."""
    (tmp_path / "IBM.csv").write_text("date,open\n2024")
    service.replies.append((200, series()))
    assert len(daily_rows.read_csv(alpha_vantage.daily("IBM", tmp_path))) == 60


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/", "nonsense", "http://[::1", "https://"])
def test_only_a_web_server_s_address_is_asked_and_the_key_is_never_shown(
    address, service, tmp_path, monkeypatch, capsys
):
    """At once, without another attempt."""
    monkeypatch.setenv(alpha_vantage.URL_VARIABLE, address)
    with pytest.raises(BadInput, match=alpha_vantage.URL_VARIABLE) as refusal:
        alpha_vantage.daily("IBM", tmp_path)
    assert KEY not in str(refusal.value) + "".join(capsys.readouterr()) and not service.pauses


@pytest.mark.parametrize("key", ["SECRET\nX-Header: 1", "SECRET\udcff", "SECRET\u00e9"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key, service, tmp_path, monkeypatch):
    monkeypatch.setattr(alpha_vantage.os, "environ", {alpha_vantage.KEY_VARIABLE: key})
    with pytest.raises(BadInput, match="no key has") as refusal:
        alpha_vantage.daily("IBM", tmp_path)
    assert "SECRET" not in str(refusal.value)


def test_a_key_is_masked_however_an_address_writes_it():
    key = "SECRET+/123"
    message = f"/query?apikey=SECRET%2B%2F123 {key} SECRET%2B/123"
    assert "SECRET" not in alpha_vantage._masked(message, key)
