"""The server of the page: what it serves, and what it refuses to whom."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from latentdo.web import Door, application
from latentdo.web.server import MOST_JSON, Boundary
from served_page import TOKEN, TestClient, browser_of, message


def test_page_is_served_with_its_token(client):
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<meta name="latentdo-token" content="{TOKEN}">' in page.text
    assert client.get("/app.js").text == "export {};"


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/verdict", "/nowhere"])
def test_every_reply_says_what_a_browser_may_do_with_it(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy and "http" not in policy


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "[", "192.168.0.7:8000"]
)
@pytest.mark.parametrize("path", ["/", "/app.js", "/api/verdict"])
def test_foreign_host_is_refused(client, host, path):
    for ask in (client.get, client.post):
        reply = ask(path, headers={"Host": host})
        assert reply.status_code == 403
        assert "Open the address that it printed" in message(reply)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:9000"])
def test_names_of_this_machine_are_taken(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "file://", "http://[", "http://localhost:8000"]
)
def test_foreign_origin_is_refused(client, origin):
    reply = client.post("/api/verdict", json={}, headers={"Origin": origin})
    assert reply.status_code == 403
    assert "comes from another site" in message(reply)


def test_own_origin_is_taken(client):
    reply = client.post("/api/verdict", content="[]", headers={"Origin": "http://127.0.0.1:8000"})
    assert "not an object" in message(reply)


def test_request_that_a_browser_calls_foreign_is_refused(client):
    reply = client.get("/api/events", headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 403
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("token", ["", "another", TOKEN[:-1], "ü"])
def test_write_without_the_token_is_refused(client, token):
    reply = client.post("/api/verdict", json={}, headers={"X-Latentdo-Token": token.encode("latin-1")})
    assert reply.status_code == 403
    assert "token of the page is missing or old" in message(reply)


def test_cookie_alone_writes_nothing(client):
    client.get("/")
    assert TOKEN in client.cookies.values()
    assert client.post("/api/verdict", json={}, headers={"X-Latentdo-Token": ""}).status_code == 403


def test_other_methods_are_refused(client):
    assert client.put("/api/verdict").status_code == 405
    assert client.delete("/").status_code == 405


@pytest.fixture
def away(static, session):
    """A browser on another machine."""
    door = Door.at("0.0.0.0", 8000, TOKEN)
    with TestClient(application(door, session, static=static), base_url="http://192.168.0.7:8000") as browser:
        yield browser


def test_open_server_shows_nothing_without_the_token(away):
    assert away.get("/").status_code == away.get("/app.js").status_code == 403
    assert away.get("/?token=wrong").status_code == 403
    assert TOKEN not in away.get("/").text


def test_open_server_takes_the_token_out_of_the_address(away):
    page = away.get(f"/?token={TOKEN}")
    assert [each.status_code for each in page.history] == [303]
    assert str(page.url) == "http://192.168.0.7:8000/"
    assert TOKEN in page.text
    assert away.get("/app.js").status_code == 200


def test_page_on_a_shared_machine_is_shown_to_those_with_the_token(static, session):
    door = Door.at("127.0.0.1", 8000, TOKEN, shared=True)
    with TestClient(application(door, session, static=static), base_url="http://127.0.0.1:8000") as other:
        assert other.get("/").status_code == 403
        assert TOKEN in other.get(f"/?token={TOKEN}").text


def test_open_server_still_knows_its_names(away):
    reply = away.get(f"/?token={TOKEN}", headers={"Host": "evil.example"})
    assert reply.status_code == 403


@pytest.mark.parametrize("body", ["{", "[]", "1", '"a"', "[" * 100_000, "\xff", "1" * 5000])
def test_body_that_is_no_object_is_refused(client, body):
    reply = client.post("/api/verdict", content=body.encode("latin-1"))
    assert "Send one object." in message(reply)


def test_large_body_is_refused_before_it_is_read_whole(client):
    taken = []

    def pieces():
        for _ in range(1000):
            taken.append(1)
            yield b" " * 2**20

    reply = client.post("/api/verdict", content=pieces())
    assert reply.status_code == 413
    assert message(reply) == f"The request has more than {MOST_JSON // 2**20} MiB. Send a smaller one."


@pytest.mark.parametrize(
    "path", ["/../server.py", "/..%2fserver.py", "/%2e%2e/server.py", "/static/../../x", "//etc/passwd", "/app.js/.."]
)
def test_nothing_outside_the_page_is_served(client, path):
    reply = client.get(path)
    assert reply.status_code in (404, 200)
    assert "import" not in reply.text and "root:" not in reply.text


def test_fault_of_ours_is_a_message(static: Path, session):
    (static / "index.html").unlink()
    with browser_of(static, session) as browser:
        reply = browser.get("/")
    assert reply.status_code == 500
    assert "This is a fault of latentdo" in message(reply)


@pytest.mark.parametrize("begun", [False, True])
def test_what_is_being_answered_as_the_server_ends_raises_nothing(tmp_path, begun):
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    async def cut(scope, receive, send):
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    answered = Boundary(cut, tmp_path)({"type": "http", "path": "/api/events"}, None, send)
    # In a thread of its own: where browser tests ran before, this one has an event loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, answered).result()
    assert sent[0]["status"] == (200 if begun else 503)
    assert not sent[-1].get("more_body", False)
