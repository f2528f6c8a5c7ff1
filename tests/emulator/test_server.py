"""The server starts at once, records what comes in, and stops whatever it is doing."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

import emissary_emulator
from emissary_emulator.__main__ import main

START = """
import time
started = time.perf_counter()
import emissary_emulator
with emissary_emulator.serve() as server:
    print(time.perf_counter() - started)
"""


def test_it_starts_in_under_a_second_and_leaves_no_warnings():
    for _ in range(3):  # a machine may be busy for a moment
        command = [sys.executable, "-W", "error", "-c", START]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        if float(done.stdout) < 1:
            break
    else:
        pytest.fail(f"it took {done.stdout} s")


def test_it_says_when_the_port_is_taken(capsys):
    with emissary_emulator.serve() as server:
        with pytest.raises(OSError, match="in use"), emissary_emulator.serve(port=server.port):
            pass
        assert main(["--port", str(server.port)]) == 1
    assert "emissary-emulator:" in capsys.readouterr().err


def test_it_stops_while_callers_wait():
    failed: list[Exception] = []

    def wait(url: str) -> None:
        try:
            httpx.get(url, headers={"X-Emulator-Fault": "hang"}, trust_env=False)
        except httpx.HTTPError as error:
            failed.append(error)

    with emissary_emulator.serve() as server:
        url = f"{server.base_url}/atoma/health"
        waiting = threading.Thread(target=wait, args=(url,))
        waiting.start()
        while not server.requests:
            time.sleep(0.001)
        started = time.perf_counter()
    waiting.join()
    assert time.perf_counter() - started < 2
    assert len(failed) == 1


def test_two_run_side_by_side():
    with emissary_emulator.serve() as one, emissary_emulator.serve() as other:
        assert one.base_url != other.base_url
        for server in (one, other):
            assert httpx.get(f"{server.base_url}/atoma/health", trust_env=False).is_success
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_the_command_line_serves():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "emissary_emulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert f":{port}/orq" in running.stdout.readline()
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(transport=transport) as client:
            assert client.get(f"http://127.0.0.1:{port}/atoma/health").json() == {"message": "OK"}
        running.terminate()


def test_requests_are_recorded(caller, server):
    answer = caller.chat("orq", "Grüße")
    caller.get("/orq/v2/model-catalog?limit=1&provider=openai")
    first, last = server.requests
    assert (first.method, first.service) == ("POST", "orq")
    assert first.body["messages"][0]["content"] == "Grüße"
    assert first.headers["authorization"] == "Bearer a-key"
    assert first.request_id == answer.headers["x-request-id"]
    assert (first.outcome.status, first.outcome.finished) == (200, True)
    assert (last.path, last.query) == ("/orq/v2/model-catalog", "limit=1&provider=openai")
    assert last.body is None
    assert server.requests.bodies == [first.body, None]
    server.requests.clear()
    assert len(server.requests) == 0


def test_refused_requests_are_recorded_too(caller, server):
    caller.client.post("/atoma/nothing", content=b"no json")
    assert server.requests.last.raw == b"no json"
    assert server.requests.last.outcome.status == 404


def test_callers_who_leave_are_noticed(client, surfaces, server):
    where = surfaces["orq"]
    headers = {"Authorization": "Bearer k", "X-Emulator-Fault": "words=200;pace=0.002"}
    body = {**where.body, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with client.stream("POST", where.path, json=body, headers=headers) as answer:
        next(answer.iter_raw())
    outcome, patience = server.requests.last.outcome, time.monotonic() + 5
    while not outcome.left_early and time.monotonic() < patience:
        time.sleep(0.001)
    assert outcome.left_early
    assert not outcome.finished
    assert outcome.events < 200


async def test_it_is_an_asgi_app_too():
    emulator = emissary_emulator.Emulator()
    transport = httpx.ASGITransport(emulator)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
        answer = await client.get("/atoma/v1/models", headers={"Authorization": "Bearer k"})
        assert answer.json()["object"] == "list"
        with pytest.raises(ConnectionAbortedError):
            await client.get("/atoma/health", headers={"X-Emulator-Fault": "reset"})


def test_many_at_once(server, surfaces):
    where = surfaces["atoma"]
    body = {**where.body, "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    headers = {"Authorization": "Bearer k"}
    texts: list[str] = []

    def call(client: httpx.Client) -> None:
        texts.append(client.post(where.path, json=body, headers=headers).text)

    with httpx.Client(base_url=server.base_url, trust_env=False, timeout=20) as client:
        threads = [threading.Thread(target=call, args=(client,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(texts) == 20
    assert all('"choices":[]' in text for text in texts)
