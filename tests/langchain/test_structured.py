"""Structured output: what is asked for, and how what comes is read."""

import json
import sys
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import HumanMessage
from pydantic import BaseModel
from typing_extensions import TypedDict

from .chat_peer import (
    ATOMA,
    DEPLOYMENT,
    EMISSARY,
    HOWS,
    ORQ,
    PLAYED,
    Peer,
    Played,
    Stream,
    answer,
    ask,
    call,
    chunks,
    ending,
    event,
    piece,
)

METHODS = ("function_calling", "json_schema", "json_mode")


class River(BaseModel):
    """A river."""

    name: str
    length: int = 0


class RiverDict(TypedDict):
    """A river."""

    name: str


SCHEMAS: dict[str, Any] = {
    "v2": River,
    "typed dict": RiverDict,
    "json": {
        "title": "River",
        "description": "A river.",
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    },
}
if sys.version_info < (3, 14):
    from pydantic.v1 import BaseModel as BaseModelV1

    class RiverV1(BaseModelV1):
        """A river."""

        name: str
        length: int = 0

    SCHEMAS["v1"] = RiverV1

ARGUMENTS = '{"name": "Vltava"}'


def answered(played: Played, method: str, name: str, arguments: str = ARGUMENTS) -> Any:
    text = arguments
    if method == "function_calling":
        if played in (ORQ, ATOMA):
            return answer(None, message={"tool_calls": [call("call_1", name, arguments)]})
        text = f'<tool_call>{{"name": "{name}", "arguments": {arguments}}}</tool_call>'
    return {"response": text} if played is DEPLOYMENT else answer(text)


def name_of(schema: Any) -> str:
    return schema["title"] if isinstance(schema, dict) else schema.__name__


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("strict", [None, False, True])
@pytest.mark.parametrize("include_raw", [False, True])
def test_every_schema_by_every_method(
    played: Played, method: Any, kind: str, strict: Any, include_raw: bool
) -> None:
    schema = SCHEMAS[kind]
    peer = Peer([answered(played, method, name_of(schema))])
    model = played.model(peer)
    options = {"method": method, "strict": strict, "include_raw": include_raw}
    if method == "json_mode" and strict:
        with pytest.raises(ValueError, match="strict"):
            model.with_structured_output(schema, **options)
        return
    result = model.with_structured_output(schema, **options).invoke("Which river?")
    if include_raw:
        assert result["parsing_error"] is None
        assert result["raw"].response_metadata["model_provider"] == played.name
        result = result["parsed"]
    if kind in {"v1", "v2"}:
        assert isinstance(result, schema)
        assert (result.name, result.length) == ("Vltava", 0)
    else:
        assert result == {"name": "Vltava"}
    _check_body(played, method, strict, peer.body)


def _check_body(played: Played, method: str, strict: Any, body: Any) -> None:
    if played in (EMISSARY, DEPLOYMENT):
        assert not {"tools", "tool_choice", "response_format"} & body.keys()
        return
    if method == "function_calling":
        [told] = body["tools"]
        assert body["tool_choice"] == {
            "type": "function",
            "function": {"name": told["function"]["name"]},
        }
        assert told["function"].get("strict") is strict
        assert told["function"]["description"] == "A river."
        return
    wanted = body["response_format"]
    if method == "json_mode":
        assert wanted == {"type": "json_object"}
        return
    assert wanted["type"] == "json_schema"
    told = wanted["json_schema"]
    assert told["name"].startswith("River")
    assert told.get("strict") is strict
    assert told["description"] == "A river."
    assert told["schema"]["properties"]["name"]["type"] == "string"
    if strict:
        assert told["schema"]["additionalProperties"] is False


class Options(BaseCallbackHandler):
    seen: Any = None

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.seen = kwargs["options"].get("ls_structured_output_format")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("how", ["invoke", "ainvoke"])
def test_callbacks_see_what_is_asked_for(method: Any, kind: str, how: str) -> None:
    handler = Options()
    schema = SCHEMAS[kind]
    model = ORQ.model(Peer([answered(ORQ, method, name_of(schema))]))
    structured = model.with_structured_output(schema, method=method)
    ask(how, structured, config={"callbacks": [handler]})
    assert handler.seen["kwargs"]["method"] == method
    assert handler.seen["schema"]["title"].startswith("River")


def test_what_is_bound_for_callbacks_is_not_sent() -> None:
    peer = Peer([answered(ORQ, "json_mode", "River")])
    ORQ.model(peer)._generate([HumanMessage("Hi")], ls_structured_output_format={"kwargs": {}})
    assert "ls_structured_output_format" not in peer.body


@pytest.mark.parametrize("played", PLAYED.values(), ids=PLAYED)
def test_json_mode_needs_no_schema(played: Played) -> None:
    model = played.model(Peer([answered(played, "json_mode", "")]))
    structured = model.with_structured_output(method="json_mode")
    assert structured.invoke("A river as JSON?") == {"name": "Vltava"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schema": River, "method": "magic"}, "method must be"),
        ({"schema": None}, "needs a schema"),
        ({"schema": None, "method": "json_schema"}, "needs a schema"),
        ({"schema": {"type": "object", "properties": {}}, "method": "json_schema"}, "title|name"),
    ],
)
def test_what_can_not_be_asked_for_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ORQ.model(Peer([answer()])).with_structured_output(**options)


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize("schema", [River, SCHEMAS["json"]], ids=["class", "dict"])
@pytest.mark.parametrize("how", HOWS)
def test_a_refusal_is_not_an_answer(how: str, method: Any, schema: Any) -> None:
    given = answer(None, message={"refusal": "I can't help."})
    if "stream" in how:
        given = Stream([event({"refusal": "I can't"}), event({"refusal": " help."}), ending()])
    model = ORQ.model(Peer([given])).with_structured_output(schema, method=method)
    with pytest.raises(OutputParserException, match=r"refused: I can't help\."):
        ask(how, model)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("schema", [River, SCHEMAS["json"]], ids=["class", "dict"])
@pytest.mark.parametrize("how", HOWS)
def test_an_answer_cut_at_the_limit_is_not_an_answer(how: str, method: Any, schema: Any) -> None:
    cut = ARGUMENTS[:-2]
    given = answered(ORQ, method, "River", cut)
    given["choices"][0]["finish_reason"] = "length"
    if "stream" in how:
        delta = {"content": cut}
        if method == "function_calling":
            delta = {"tool_calls": [piece(0, "call_1", "River", cut)]}
        given = Stream([event(delta), ending("length")])
    model = ORQ.model(Peer([given])).with_structured_output(schema, method=method)
    with pytest.raises(OutputParserException, match="cut off"):
        ask(how, model)


def test_a_refusal_instead_of_a_forced_call_is_told() -> None:
    model = ORQ.model(Peer([answer(None, message={"refusal": "I can't help."})]))
    with pytest.raises(OutputParserException, match=r"refused: I can't help\."):
        model.with_structured_output(River).invoke("Hi")
    raw = model.with_structured_output(River, include_raw=True).invoke("Hi")
    assert raw["parsed"] is None
    assert "I can't help." in str(raw["parsing_error"])


@pytest.mark.parametrize("method", METHODS)
def test_include_raw_gives_what_could_not_be_parsed(method: Any) -> None:
    body = answered(ORQ, method, "River", '{"length": "long"}')
    model = ORQ.model(Peer([body])).with_structured_output(River, method=method, include_raw=True)
    result = model.invoke("Which river?")
    assert result["parsed"] is None
    assert isinstance(result["parsing_error"], Exception)
    assert result["raw"].response_metadata["id"] == "answer-1"


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("method", METHODS)
def test_a_dict_grows_as_it_streams(how: str, method: Any) -> None:
    texts = ['{"name": "Vl', 'tava", "length"', ": 430}"]
    events = [event({"content": text}) for text in texts]
    if method == "function_calling":
        pieces = [
            piece(0, "call_1", "River", texts[0]),
            *(piece(0, None, None, t) for t in texts[1:]),
        ]
        events = [event({"tool_calls": [each]}) for each in pieces]
    model = ORQ.model(Peer([Stream([*events, ending()])]))
    came = chunks(how, model.with_structured_output(SCHEMAS["json"], method=method), "River?")
    assert came[0] == {"name": "Vl"}
    assert came[-1] == {"name": "Vltava", "length": 430}


@pytest.mark.parametrize("how", ["stream", "astream"])
@pytest.mark.parametrize("method", METHODS)
def test_a_class_streams_to_a_whole_object(how: str, method: Any) -> None:
    delta: Any = {"content": ARGUMENTS}
    if method == "function_calling":
        delta = {"tool_calls": [piece(0, "call_1", "River", ARGUMENTS)]}
    model = ORQ.model(Peer([Stream([event(delta), ending()])]))
    came = chunks(how, model.with_structured_output(River, method=method), "River?")
    assert came[-1] == River(name="Vltava")


@pytest.mark.parametrize("title", ["My river (long)", "River[int]", "x" * 80])
def test_a_response_format_has_a_name_that_services_take(title: str) -> None:
    peer = Peer([answer(ARGUMENTS)])
    schema = SCHEMAS["json"] | {"title": title}
    ORQ.model(peer).with_structured_output(schema, method="json_schema").invoke("River?")
    name = peer.body["response_format"]["json_schema"]["name"]
    assert 0 < len(name) <= 64
    assert name.replace("_", "").replace("-", "").isalnum()


@pytest.mark.parametrize("played", [EMISSARY, DEPLOYMENT], ids=["current", "deployment"])
@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_emissary_is_asked_in_words_and_read_tolerantly(played: Played, method: Any) -> None:
    text = f"Here it is:\n```json\n{ARGUMENTS}\n```\nAnything else?"
    peer = Peer([{"response": text} if played is DEPLOYMENT else answer(text)])
    structured = played.model(peer).with_structured_output(River, method=method)
    assert structured.invoke("Which river?") == River(name="Vltava")
    told = json.dumps(peer.body["messages"])
    assert "single JSON object" in told
    assert ("A river." in told) == (method == "json_schema")
