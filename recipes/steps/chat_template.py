"""Chat template: how messages become one text, and on which part of it the model is corrected."""

from dataclasses import dataclass
from typing import Any, ClassVar

from contract.problems import gettext_noop
from recipes.steps.base import TEXT, Step

LOSS_ON = {
    "answers": gettext_noop("Write messages as lines of '<role>: content'; learn the answers, not the prompts."),
    "everything": gettext_noop("Write messages as lines of '<role>: content'; learn all of it."),
}


@dataclass(frozen=True)
class ChatTemplate(Step):
    """`<role>: content` and a line break for each message. Added where a recipe leaves it out."""

    name: ClassVar[str] = "chat-template"
    kinds: ClassVar[tuple[str, ...]] = (TEXT,)
    once: ClassVar[bool] = True
    loss_on: str = "answers"
    """the content of assistant's messages and the line break (or end) after it; or everything"""

    @classmethod
    def check_value(cls, name: str, value: Any) -> str:
        return "" if value in list(LOSS_ON) else gettext_noop("Expected 'answers' or 'everything'.")

    def words(self) -> tuple[str, dict[str, Any]]:
        return LOSS_ON[self.loss_on], {}

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
