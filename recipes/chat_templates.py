"""The chat template that comes with a model: a jinja program of somebody else, so it runs fenced in.

It sees the messages and the names of a few tokens, nothing of this process. Time, length and what numbers and texts may
grow to are bounded here, memory by the sandbox around it.
"""

import datetime
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from contract.problems import gettext_noop
from recipes.sandbox.inside import Refused

FILE, SETTINGS = "chat_template.jinja", "tokenizer_config.json"
LONGEST_S = 2.0
"""for one conversation; a real template takes under a millisecond"""
MOST_CHARACTERS = 1_000_000
MOST_BITS = 4096
"""of a product of numbers"""
NONE_THERE = gettext_noop(
    "The model '%(model)s' has no chat template. Register it with chat_template.jinja or tokenizer_config.json, or let "
    "the step 'chat-template' write lines."
)
BROKEN = gettext_noop("The chat template of the model '%(model)s' does not work on this data: %(detail)s")
TOO_SLOW = gettext_noop("it takes longer than %(seconds)s s for one conversation")
TOO_LONG = gettext_noop("it writes more than %(most)s characters for one conversation")
NOT_IN_PARTS = gettext_noop(
    "The chat template of the model '%(model)s' writes what was said before otherwise once an answer follows, so the "
    'answer cannot be told apart. Give the step \'chat-template\' "loss_on": "everything", or let it write lines.'
)
TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")


class ChatProgram:
    """`pieces` and `asked` as the step `chat-template` has them, by the template of the model in `directory`."""

    def __init__(self, directory: Path, model: str, loss_on: str):
        self._model, self._everything = model, loss_on == "everything"
        settings = _settings(directory)
        text = _text_of(directory, settings)
        if text is None:
            raise Refused(NONE_THERE, model=model)
        self._tokens = {name: _word(settings[name]) for name in TOKENS if settings.get(name)}
        with self._told():
            self._template: Template = _environment().from_string(text)

    def pieces(self, messages: list[dict[str, str]]) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is learned: what an assistant says, up to its end."""
        if self._everything:
            return [(self._written(messages), True)]
        pieces, done = [], ""
        for number, message in enumerate(messages):
            if message["role"] == "assistant":
                asked = self._written(messages[:number], asks=True)
                answered = self._written(messages[: number + 1])
                if not (asked.startswith(done) and answered.startswith(asked)):
                    raise Refused(NOT_IN_PARTS, model=self._model)
                pieces += [(asked[len(done) :], False), (answered[len(asked) :], True)]
                done = answered
        whole = self._written(messages)
        if not whole.startswith(done):
            raise Refused(NOT_IN_PARTS, model=self._model)
        return [*pieces, (whole[len(done) :], False)] if len(whole) > len(done) else pieces

    def asked(self, messages: list[dict[str, str]]) -> str:
        """The text of `messages` up to where the assistant's answer begins."""
        return self._written(messages, asks=True)

    def _written(self, messages: list[dict[str, str]], *, asks: bool = False) -> str:
        written: list[str] = []
        length = 0
        with self._told(), _time_limit():
            for part in self._template.generate(messages=messages, add_generation_prompt=asks, **self._tokens):
                written.append(part)
                length += len(part)
                if length > MOST_CHARACTERS:
                    raise _Stopped(TOO_LONG % {"most": MOST_CHARACTERS})
        return "".join(written)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever the program does wrong is the user's to know."""
        try:
            yield
        except (MemoryError, Refused):
            raise
        except Exception as error:  # a template may raise anything
            raise Refused(BROKEN, model=self._model, detail=str(error)[:200] or type(error).__name__) from error


class _Stopped(Exception):
    """The template does more than it may."""


class _Fenced(ImmutableSandboxedEnvironment):
    """Operations that could run for hours inside one of them are refused."""

    intercepted_binops = frozenset(["*", "**"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("powers are not allowed in a chat template")
        if isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > MOST_BITS:
                raise SecurityError("a number grows too large")
        elif not isinstance(left, float) and not isinstance(right, float):
            raise SecurityError("texts and lists are not multiplied in a chat template")
        return super().call_binop(context, operator, left, right)


class _Generation(Extension):
    """`{% generation %}` marks the answer for some trainers; here the text alone counts."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> _Fenced:
    """With the functions and filters that the transformers library gives its templates."""
    environment = _Fenced(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"])
    environment.filters["tojson"] = lambda value, **how: json.dumps(value, ensure_ascii=False, indent=how.get("indent"))
    environment.globals |= {"raise_exception": _raise, "strftime_now": _today}
    return environment


def _raise(message: str) -> None:
    raise TemplateError(message)


def _today(form: str) -> str:
    """Always the same day: the same recipe makes the same bytes tomorrow."""
    return datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC).strftime(form)


def _settings(directory: Path) -> dict[str, Any]:
    path = directory / SETTINGS
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _text_of(directory: Path, settings: dict[str, Any]) -> str | None:
    """A file of its own goes before the settings; of several named ones the default counts."""
    if (directory / FILE).is_file():
        return (directory / FILE).read_text(encoding="utf-8")
    found = settings.get("chat_template")
    if isinstance(found, list):
        named = {part.get("name"): part.get("template") for part in found if isinstance(part, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else None


def _word(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token)


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise _Stopped after LONGEST_S, where a process may take an alarm (its main thread, not on Windows)."""
    try:
        before = signal.signal(signal.SIGALRM, _too_slow)
    except (ValueError, AttributeError):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _too_slow(*_) -> None:
    raise _Stopped(TOO_SLOW % {"seconds": LONGEST_S})
