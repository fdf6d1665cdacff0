"""Chat template: how messages become one text, and on which part of it the model is corrected."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import TEXT, Step

LINES, MODEL = "lines", "model"
WORDS = {
    (LINES, "answers"): gettext_noop(
        "Write messages as lines of '<role>: content'; learn the answers, not the prompts."
    ),
    (LINES, "everything"): gettext_noop("Write messages as lines of '<role>: content'; learn all of it."),
    (MODEL, "answers"): gettext_noop(
        "Write messages as the tokenizer's model has its chat template; learn the answers, not the prompts."
    ),
    (MODEL, "everything"): gettext_noop(
        "Write messages as the tokenizer's model has its chat template; learn all of it."
    ),
}


@dataclass(frozen=True)
class ChatTemplate(Step):
    """`<role>: content` and a line break for each message, or the template of the model whose tokenizer is used.

    Added where a recipe leaves it out.
    """

    name: ClassVar[str] = "chat-template"
    about: ClassVar[str] = gettext_noop("Write questions and answers as one text, and choose what is learned of it.")
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"loss_on": ("answers", "everything"), "template": (LINES, MODEL)}
    kinds: ClassVar[tuple[str, ...]] = (TEXT,)
    once: ClassVar[bool] = True
    loss_on: str = "answers"
    """the content of assistant's messages and the line break (or end) after it; or everything"""
    template: str = LINES
    """lines; or model: the template that comes with the model of the step `tokenise`"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        if name == "template":
            return "" if value in (LINES, MODEL) else gettext_noop("Expected 'lines' or 'model'.")
        return "" if value in ("answers", "everything") else gettext_noop("Expected 'answers' or 'everything'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return WORDS[self.template, self.loss_on], {}

    def to_json(self) -> dict[str, Any]:
        """Without a template that is lines, so that recipes from before there was another keep their hash."""
        found = super().to_json()
        return found if self.template != LINES else {name: found[name] for name in found if name != "template"}

    def pieces(self, messages: list[dict[str, str]]) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it is learned."""
        everything = self.loss_on == "everything"
        pieces = []
        for message in messages:
            learned = everything or message["role"] == "assistant"
            pieces += [(f"{message['role']}: ", everything), (f"{message['content']}\n", learned)]
        return pieces

    def asked(self, messages: list[dict[str, str]]) -> str:
        """The text of `messages` up to where the assistant's answer begins."""
        return "".join(text for text, _learned in self.pieces(messages)) + "assistant: "
