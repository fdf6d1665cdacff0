"""Chat templates of models: written as their authors mean it, learned on the answers only, and harmless."""

import json

import numpy as np
import pytest

from recipes import chat_templates
from recipes.chat_templates import ChatProgram
from recipes.recipe import Recipe
from recipes.sandbox import outside
from recipes.sandbox.inside import Refused
from recipes.sandbox.outside import Limits
from recipes.steps import ChatTemplate
from tests.recipes.rows import built, chats

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}[INST] {{ message['content'] }} "
    "[/INST]{% elif message['role'] == 'assistant' %} {{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
MARKED = "{% for m in messages %}{{ m.role }}:{% generation %}{{ m.content }};{% endgeneration %}{% endfor %}"
TALK = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yo"},
    {"role": "user", "content": "and?"},
    {"role": "assistant", "content": "so"},
]


def program(place, template: str, loss_on: str = "answers", **settings) -> ChatProgram:
    (place / "chat_template.jinja").write_text(template)
    (place / "tokenizer_config.json").write_text(json.dumps(settings))
    return ChatProgram(place, "talker", loss_on)


def learned(pieces) -> list[str]:
    return [text for text, corrected in pieces if corrected]


def test_answers_are_learned_with_what_ends_them_and_prompts_are_not(tmp_path):
    pieces = program(tmp_path, CHATML).pieces(TALK)
    assert "".join(text for text, _ in pieces).count("<|im_start|>") == 4
    assert learned(pieces) == ["yo<|im_end|>\n", "so<|im_end|>\n"]
    assert pieces[0][0] == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


def test_templates_get_the_models_own_tokens_and_what_the_library_gives_them(tmp_path):
    chat = program(tmp_path, LLAMA, bos_token="<s>", eos_token={"content": "</s>"})
    pieces = chat.pieces(TALK)
    assert pieces[0] == ("<s>[INST] hi [/INST]", False) and learned(pieces) == [" yo</s>", " so</s>"]
    assert chat.asked(TALK[:1]) == "<s>[INST] hi [/INST]"
    everything = program(tmp_path, MARKED + "{{ strftime_now('%Y') }}{{ {'a': 'ü'} | tojson }}", "everything")
    assert everything.pieces(TALK[:1]) == [('user:hi;2025{"a": "ü"}', True)]


def test_the_template_of_the_settings_counts_when_there_is_no_file(tmp_path):
    named = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": CHATML}]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert "<|im_start|>user" in ChatProgram(tmp_path, "talker", "answers").asked(TALK[:1])
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(Refused, match="'talker' has no chat template"):
        ChatProgram(tmp_path, "talker", "answers")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "longer than"),
        ("{% for a in range(99999) %}{{ 'x' * 1 }}{% endfor %}", "not multiplied"),
        ("{% for a in range(99999) %}{{ 'xxxxxxxxxxxxxxxxxxxx' }}{% endfor %}", "more than 1000000 characters"),
        ("{{ 9 ** 9 ** 9 }}", "powers"),
        ("{% set n = namespace(x=3) %}{% for a in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}", "too large"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe|undefined|access"),
        ("{{ messages.append(1) }}", "safe"),
        ("{% include '/etc/passwd' %}", "loader"),
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{% if %}", "Expected"),
    ],
)
def test_a_hostile_or_broken_template_ends_with_its_reason(tmp_path, monkeypatch, template, words):
    """S38"""
    monkeypatch.setattr(chat_templates, "LONGEST_S", 0.3)
    with pytest.raises(Refused, match=words) as refused:
        program(tmp_path, template).pieces(TALK)
    assert "talker" in str(refused.value)


def test_an_answer_that_cannot_be_told_apart_is_refused_with_what_to_do(tmp_path):
    rewrites = "{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}"
    with pytest.raises(Refused, match=r"cannot be told apart.*everything"):
        program(tmp_path, rewrites).pieces(TALK)
    assert program(tmp_path, rewrites, "everything").pieces(TALK) == [("4hiyoand?so", True)]


def test_a_template_that_wants_all_memory_gets_none_of_the_servers(tmp_path):
    (tmp_path / "chat_template.jinja").write_text("{{ 'x' | center(4000000000) }}")
    order = {"directory": str(tmp_path), "messages": TALK}
    answer = outside.run("tests.recipes.sandbox_work:write_chat", order, limits=Limits(memory_bytes=2**28))
    assert answer.refused == "There is not enough memory for this data."


def test_a_recipe_with_the_models_template_learns_its_answers_only(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    model = tmp_path / "model"
    model.mkdir()
    words = ["<unk>", "<|im_start|>", "<|im_end|>", "user", "assistant", "hi", "yo", "\n"]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(dict(zip(words, range(8), strict=True)), "<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    tokenizer.save(str(model / "tokenizer.json"))
    program(model, CHATML, eos_token="<|im_end|>", pad_token="<unk>")
    version = chats(tmp_path / "v", [[("user", "hi"), ("assistant", "yo")]])
    steps = [
        {"step": "chat-template", "template": "model"},
        {"step": "tokenise", "model": "talker", "max_length": 12},
    ]
    split = built(version, steps, tokenizers={"talker": str(model)}).split("train")
    assert split.column("tokens")[0].tolist() == [1, 3, 5, 2, 1, 4, 6, 2, 0, 0, 0, 0]
    assert [token for token in np.asarray(split.column("targets"))[0].tolist() if token >= 0] == [6, 2]


def test_lines_stay_the_default_and_keep_their_hash():
    old = Recipe.parse([{"step": "chat-template"}, {"step": "tokenise"}])
    assert ChatTemplate().to_json() == {"step": "chat-template", "loss_on": "answers"}
    assert old.hash == Recipe.parse([{"step": "chat-template", "template": "lines"}, {"step": "tokenise"}]).hash


def test_bytes_have_no_template(tmp_path):
    version = chats(tmp_path / "v", [[("user", "hi"), ("assistant", "yo")]])
    with pytest.raises(Refused, match="Bytes have no chat template"):
        built(version, [{"step": "chat-template", "template": "model"}, {"step": "tokenise"}])
