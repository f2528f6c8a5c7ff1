"""The model answers from the text it is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissary_emulator.brain import Message, Prompt, Reply, ToolCall, count_tokens, think, tokens

RIVERS = "Brno lies on the Svratka.\nPlzeň lies on the Radbuza. Prague lies on the Vltava."
QA = (
    "Context information is below.\n---------------------\n{context}\n---------------------\n"
    "Given the context information and not prior knowledge, answer the query.\n"
    "Query: {question}\nAnswer: "
)
REFINE = (
    "The original query is as follows: {question}\nWe have provided an existing answer: {answer}\n"
    "We have the opportunity to refine the existing answer (only if needed) with some more context "
    "below.\n------------\n{context}\n------------\nGiven the new context, refine the original "
    "answer to better answer the query. If the context isn't useful, return the original answer.\n"
    "Refined Answer: "
)
CHAT_REFINE = (
    "You are an expert Q&A system that strictly operates in two modes when refining existing "
    "answers:\n1. **Rewrite** an original answer using the new context.\n2. **Repeat** the "
    "original answer if the new context isn't useful.\nNew Context: {context}\nQuery: {question}\n"
    "Original Answer: {answer}\nNew Answer: "
)
RAG = (
    "You are an assistant for question-answering tasks. Use the following pieces of retrieved "
    "context to answer the question. If you don't know the answer, just say that you don't know. "
    "Use three sentences maximum and keep the answer concise.\nQuestion: {question} \n"
    "Context: {context} \nAnswer:"
)
CONDENSE = (
    "\n  Given the following conversation between a user and an AI assistant and a follow up "
    "question from user,\n  rephrase the follow up question to be a standalone question.\n\n"
    "  Chat History:\n  user: Hi\n  Follow Up Input: {question}\n  Standalone question:"
)


@pytest.mark.parametrize("prompt", [QA, RAG])
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which river does Plzeň lie on?", "Plzeň lies on the Radbuza."),
        ("What lies on the Svratka?", "Brno lies on the Svratka."),
    ],
)
def test_answers_from_the_context(ask, prompt, question, answer):
    assert ask(prompt.format(context=RIVERS, question=question)).text == answer


@pytest.mark.parametrize("prompt", [REFINE, CHAT_REFINE])
@pytest.mark.parametrize(
    ("stands", "context", "answer"),
    [
        ("It is not known.", "Brno lies on the Svratka.", "Brno lies on the Svratka."),
        ("Brno lies on the Svratka.", "Cats sleep.", "Brno lies on the Svratka."),
    ],
)
def test_refines_only_what_gets_better(ask, prompt, stands, context, answer):
    question = "Which river does Brno lie on?"
    said = prompt.format(question=question, answer=stands, context=context)
    assert ask(said).text == answer


def test_a_question_is_made_standalone(ask):
    assert ask(CONDENSE.format(question="And in Brno?")).text == "And in Brno?"


def test_answers_from_the_system_text_and_from_what_was_said_before(ask):
    system = Message("system", f"You answer questions about rivers.\n{RIVERS}")
    question = Message("user", "Which river does Brno lie on?")
    assert ask([system, question]).text == "Brno lies on the Svratka."
    told = [
        Message("user", "My name is Bob."),
        Message("assistant", "Hello."),
        Message("user", "What's my name?"),
    ]
    assert ask(told).text == "Your name is Bob."


def test_sums_up(ask):
    assert ask(f"Summarize this text: {RIVERS}").text.startswith("Brno lies on the Svratka.")
    summary = f'Write a summary of the following.\n\n\n{RIVERS}\n\n\nSUMMARY:"""\n'
    assert "Svratka" in ask(summary).text


def test_chooses_from_a_list(ask):
    prompt = (
        "Some choices are given below. It is provided in a numbered list (1 to 2), where each item "
        "in the list corresponds to a summary.\n---------------------\n(1) All about cats\n\n"
        "(2) Rivers of Moravia\n---------------------\nUsing only the choices above and not prior "
        "knowledge, return the choice that is most relevant to the question: 'Which river is it?'\n"
    )
    assert ask(prompt).text.startswith("ANSWER: 2")


@pytest.mark.parametrize("said", ["Hello", "hi", "Hey!", "how are you", "", "👋", "thanks"])
def test_small_talk_is_never_empty(ask, said):
    assert ask(said).text


def test_knows_a_little_and_says_when_it_knows_nothing(ask):
    assert ask("Which river flows through Prague?").text == "The Vltava flows through Prague."
    assert "nothing about" in ask("Who won the cup of 1954?").text


def test_pictures_are_noticed(ask):
    said = [Message("user", "What is on this picture?", media=("an image", "an image"))]
    assert "an image" in ask(said).text


def test_reports_what_tools_said(ask):
    call = ToolCall("get_weather", {"city": "Brno"})
    said = [
        Message("user", "Weather in Brno?"),
        Message("assistant", "", calls=(call,)),
        Message("tool", "14 C, rain", source=call),
    ]
    assert ask(said).text == "get_weather for Brno says: 14 C, rain."
    long = [*said[:2], Message("tool", "It rains a lot. " * 20 + "Brno is wet.", source=call)]
    assert ask(long).text == "get_weather for Brno says: Brno is wet."


def test_reasoning_is_counted_apart(ask):
    quiet, loud = ask("Hello"), ask("Hello", reasoning=True)
    assert loud.text == quiet.text
    assert loud.reasoning
    assert loud.completion_tokens == quiet.completion_tokens + loud.reasoning_tokens


@given(st.text())
def test_tokens_join_to_the_text(text: str):
    assert "".join(tokens(text)) == text
    assert count_tokens(text) == len(tokens(text))


def test_tokens_are_words_and_signs():
    assert tokens("Brno lies, 你好!") == ["Brno", " lies", ",", " 你", "好", "!"]


@given(st.text(), st.integers(0, 9), st.lists(st.text(max_size=3), max_size=3))
def test_limits_and_stops_hold_for_any_text(text: str, limit: int, stop: list[str]):
    def asked(**more: object) -> Reply:
        return think(Prompt((Message("user", text),), **more))  # type: ignore[arg-type]

    whole, cut = asked(), asked(limit=limit, stop=tuple(stop))
    assert whole.text.startswith(cut.text)
    assert count_tokens(cut.text) <= limit
    assert not any(word and word in cut.text for word in stop)
    assert whole == asked()
