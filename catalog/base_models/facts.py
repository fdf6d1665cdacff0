"""What the texts of a model say of it: family, what it was made for, licence."""

import re
from typing import Any

from contract.tasks import TASKS

UNKNOWN_LICENCE = "unknown"
LICENCE_LINE = re.compile(
    r"^license(?:_name)?[ \t]*:[ \t]*['\"]?([A-Za-z0-9][A-Za-z0-9 .+_-]{0,100}?)['\"]?[ \t]*$", re.M
)
TASK_OF_ENDING = {
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForSequenceClassification": "text-classification",
    "ForCausalLM": "causal-lm",
    "LMHeadModel": "causal-lm",
}
"""by the end of an architecture's name"""
FAMILIES = {
    "object-detection": "detr conditional_detr deformable_detr rt_detr rt_detr_v2 d_fine yolos lw_detr deta",
    "image-classification": "vit deit beit resnet convnext convnextv2 swin swinv2 dinov2 mobilevit mobilenet_v1 "
    "mobilenet_v2 efficientnet regnet poolformer levit cvt pvt focalnet bit",
    "text-classification": "bert distilbert roberta xlm-roberta albert electra mpnet deberta deberta-v2 modernbert "
    "camembert mobilebert squeezebert funnel convbert",
    "causal-lm": "gpt2 gpt_neo gpt_neox llama mistral mixtral qwen2 qwen3 gemma gemma2 gemma3_text phi phi3 opt bloom "
    "falcon olmo olmo2 smollm3 stablelm granite cohere starcoder2",
}
"""`model_type`s, by what a new head on their body can learn"""
SHOWN = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "image_size",
    "patch_size",
    "num_channels",
    "num_queries",
    "hidden_act",
    "dtype",
    "torch_dtype",
    "tie_word_embeddings",
    "transformers_version",
)


def of_config(config: dict[str, Any]) -> dict[str, Any]:
    """family, architecture, tasks that it fits, and what of the config people ask for."""
    family = _text(config.get("model_type"))[:60]
    named = config.get("architectures")
    architectures = [_text(name) for name in named] if isinstance(named, list) else []
    architecture = architectures[0][:120] if architectures else ""
    shown = {name: config[name] for name in SHOWN if isinstance(config.get(name), str | int | float)}
    labels = config.get("id2label")
    if isinstance(labels, dict) and len(labels) != 2:  # two is what every config has
        shown["classes"] = len(labels)
    return {"family": family, "architecture": architecture, "tasks": tasks(family, architecture), "config": shown}


def tasks(family: str, architecture: str) -> list[str]:
    """The tasks that such a model can learn, the one it was made for first; [] when this server does not know."""
    made_for = [task for ending, task in TASK_OF_ENDING.items() if architecture.endswith(ending)]
    can_learn = [task for task, families in FAMILIES.items() if family in families.split()]
    found = [*made_for, *can_learn]
    return [task for task in dict.fromkeys(found) if task in TASKS]


def licence(card: str) -> str:
    """What the head of a model card (between two lines of ---) says, else UNKNOWN_LICENCE."""
    head = card.split("\n---", 1)[0] if card.startswith("---") else ""
    found = LICENCE_LINE.findall(head)
    named = [name for name in found if name != "other"]
    return (named or found or [UNKNOWN_LICENCE])[0]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
