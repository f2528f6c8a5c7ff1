"""Where requests go, with which key and headers."""

import pytest

from emissary_transport import (
    ATOMA,
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    ORQ,
    Message,
    Settings,
)
from emissary_transport.flow import encoded, json_headers
from emissary_transport.services import CHATS, TEXTS
from emissary_transport.settings import found_base_url, found_key
from pure.documented import (
    IDS,
    body_of,
)

URLS = [
    (ATOMA, "/v1/chat/completions", ["", "/v1"]),
    (EMISSARY, "/v1/chat/completions", ["", "/v1"]),
    (ORQ, "/v2/router/chat/completions", ["", "/v2", "/v2/router"]),
]


@pytest.mark.parametrize(
    ("service", "end", "path"),
    [(service, end, path) for service, path, ends in URLS for end in ends],
)
@pytest.mark.parametrize(
    "root", ["https://h.example", "http://127.0.0.1:8484/some/prefix", "http://v1", "http://v2:1"]
)
@pytest.mark.parametrize("slash", ["", "/", "//", " "])
def test_base_urls(service, end, path, root, slash):
    assert service.url(root + end + slash, service.path) == root + path


@pytest.mark.parametrize("end", ["/v3/router", "/v2/proxy", "/v2/gateway", "/v3/router/"])
def test_other_bases_of_orq(end):
    url = ORQ.url(f"https://h.example{end}", ORQ.path)
    assert url == f"https://h.example{end.rstrip('/')}/chat/completions"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h.example",
        "ftp://h.example",
        "https://",
        "http:///x",
        "https://h/?q=1",
        "https://h/#f",
        "https://h?",
        "https://h.example:port",
        "https://h.example:99999",
        "http://[::1",
        "https://a b",
    ],
)
def test_a_base_url_that_is_none(url):
    with pytest.raises(ValueError, match="base_url for Orq"):
        ORQ.url(url, ORQ.path)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("p-1", "p-1"),
        ("a/b", "a%2Fb"),
        ("..x/y..", "..x%2Fy.."),
        ("a b", "a%20b"),
        ("ř", "%C5%99"),
        ("a?b#c", "a%3Fb%23c"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("{x}", "%7Bx%7D"),
        ("...", "..."),
    ],
)
def test_path_ids_are_encoded(given, sent):
    url = EMISSARY_DEPLOYMENT.url(
        "https://h/v1", EMISSARY_DEPLOYMENT.path, {"project_id": given, "deployment_id": given}
    )
    assert url == f"https://h/v1/projects/{sent}/deployments/{sent}/chat/completions"


@pytest.mark.parametrize("given", ["", " ", ".", "..", " ..", None, 7])
def test_path_ids_that_are_none(given):
    with pytest.raises(ValueError, match="project_id must be"):
        EMISSARY_DEPLOYMENT.url("https://h", EMISSARY_DEPLOYMENT.path, IDS | {"project_id": given})


@pytest.mark.parametrize(
    ("service", "key", "header"),
    [
        (ATOMA, "k", ("Authorization", "Bearer k")),
        (ATOMA, "Bearer k", ("Authorization", "Bearer k")),
        (ORQ, "bearer  k\n", ("Authorization", "Bearer k")),
        (ORQ, "Bearerk", ("Authorization", "Bearer Bearerk")),
        (EMISSARY, " k ", ("X-API-Key", "k")),
        (EMISSARY_DEPLOYMENT, "Bearer k", ("X-API-Key", "Bearer k")),
    ],
)
def test_key_headers(service, key, header):
    assert service.key_headers(key) == dict([header])


@pytest.mark.parametrize("key", ["", "  ", "ключ", "a\nb", "a\x00b", "Bearer "])
def test_a_key_that_can_not_be_sent(key):
    with pytest.raises(ValueError, match="API key for Orq") as caught:
        ORQ.key_headers(key)
    assert not key.strip() or key not in str(caught.value) or key == "Bearer "


DEFAULTS = {
    "emissary": "https://api.withemissary.com",
    "orq": "https://api.orq.ai",
    "atoma": "https://api.atoma.network",
}


@pytest.mark.parametrize("service", [*CHATS, *TEXTS], ids=lambda service: service.title)
def test_defaults_are_production(service):
    assert service.base_url == DEFAULTS[service.name]
    assert found_base_url(service, {}) == service.base_url
    assert not any(word in service.base_url for word in ("ngrok", "staging", "localhost", "dev"))


ENVIRONMENT = [
    (EMISSARY, {"EMISSARY_API_KEY": "a", "EMISSARY_CLIENT_API_KEY": "b"}, "a"),
    (EMISSARY_DEPLOYMENT, {"EMISSARY_API_KEY": "", "EMISSARY_CLIENT_API_KEY": "b"}, "b"),
    (ORQ, {"ORQ_API_KEY": "a"}, "a"),
    (ATOMA, {"ATOMA_API_KEY": "a", "ATOMASDK_BEARER_AUTH": "b"}, "a"),
    (ATOMA, {"ATOMASDK_BEARER_AUTH": "b"}, "b"),
    (ATOMA, {"OPENAI_API_KEY": "x"}, None),
]


@pytest.mark.parametrize(("service", "environ", "key"), ENVIRONMENT)
def test_the_environment(service, environ, key):
    assert found_key(service, environ) == key
    names = {"emissary": "EMISSARY_BASE_URL", "orq": "ORQ_BASE_URL", "atoma": "ATOMA_BASE_URL"}
    assert found_base_url(service, {names[service.name]: "http://h"}) == "http://h"


def test_bodies_go_out_as_compact_utf_8():
    assert (
        encoded(ORQ, body_of(ORQ, Message("user", "řeka")))
        == '{"model":"m","messages":[{"role":"user","content":"řeka"}]}'.encode()
    )


@pytest.mark.parametrize("value", [object(), float("nan"), "\ud83d", {1, 2}])
def test_what_is_no_json_is_an_error(value):
    with pytest.raises(ValueError, match="can't be written as JSON"):
        encoded(ORQ, {"x": value})


@pytest.mark.parametrize(
    "header",
    [
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "a\x00b"),
        ("X", "č"),
        ("X", 7),
        ("bad name", "a"),
        ("", "a"),
        ("č", "a"),
        ("X:", "a"),
        ("Content-Length", "77"),
        ("transfer-encoding", "chunked"),
    ],
)
def test_a_header_that_can_not_be_sent(header):
    settings = Settings(api_key="k", base_url="https://h", headers=dict([header]))
    with pytest.raises(ValueError, match=r"header .* can't be sent") as caught:
        json_headers(ORQ, settings, "https://h/v1")
    assert repr(header[1]) not in str(caught.value)


def test_headers_of_the_callers_win_whatever_their_case():
    own = {"accept": "x", "AUTHORIZATION": "y", "user-agent": "z", "new": " w "}
    settings = Settings(api_key="k", base_url="https://h", headers=own)
    ours = {
        "Host": "h",
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip, deflate",
    }
    assert json_headers(ORQ, settings, "https://h/v1", True) == own | ours | {"new": "w"}


@pytest.mark.parametrize(
    "base_url",
    ["https://x.test/v1/chat/completions", "https://x.test/v2/router/embeddings/"],
)
def test_the_address_of_one_operation_is_no_base_url(base_url):
    with pytest.raises(ValueError, match="not the address of one operation"):
        ORQ.url(base_url, ORQ.path)


def test_orqs_newer_version_is_understood():
    assert ORQ.url("https://x.test/v3", ORQ.path) == "https://x.test/v3/router/chat/completions"
