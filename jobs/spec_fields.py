"""The fields of a new job that people fill in: what each does, its usual range, its default.

A field is named by its path in the job spec, so a problem that the spec reports is shown at the field it is about.
"""

from django.utils.translation import gettext_lazy as _

from jobs.device_fields import DEVICE_FIELDS, LOSS_FIELDS, NEED_FIELDS
from jobs.spec_choices import (
    FORMAT_CHOICES,
    METHOD_CHOICES,
    METRIC_CHOICES,
    OPTIMIZER_CHOICES,
    SCHEDULE_CHOICES,
    SPLIT_CHOICES,
    SWITCH_CHOICES,
)
from jobs.spec_field import SpecField

METHOD_FIELDS = (
    SpecField("method.kind", _("What learns"), "", "choice", choices=METHOD_CHOICES),
    SpecField(
        "training.num_train_epochs",
        _("Epochs"),
        _("How many times the training sees all of the data."),
        "number",
        _("3 to 20"),
    ),
    SpecField(
        "training.learning_rate",
        _("Learning rate"),
        _("How far each step moves the weights. Too high: the loss jumps. Too low: it hardly falls."),
        "number",
        _("0.0001 to 0.01"),
    ),
    SpecField(
        "training.per_device_train_batch_size",
        _("Batch per device"),
        _("Samples that each device takes in one step. Halve it when memory runs out."),
        "whole",
        _("16 to 256"),
    ),
)
MORE_FIELDS = (
    SpecField(
        "method.r",
        _("Rank of LoRA"),
        _("Width of the added matrices; only with LoRA."),
        "whole",
        _("4 to 64"),
        more=True,
    ),
    SpecField(
        "method.quantise_base",
        _("Base weights in int8"),
        _("A quarter of their memory. The layers beside LoRA are rounded to a 127th of each row's largest weight."),
        "switch",
        choices=SWITCH_CHOICES[:2],
        more=True,
    ),
    SpecField(
        "method.target_modules",
        _("Layers of LoRA"),
        _("By name or its end, with commas between. Empty: all of the body."),
        "words",
        more=True,
    ),
    SpecField(
        "method.layer_decay",
        _("Rate by layer"),
        _("Each layer below the head learns at so much of the rate above it. 1: all alike."),
        "number",
        _("0.6 to 1"),
        more=True,
    ),
    SpecField(
        "training.optim",
        _("Optimizer"),
        _("The rule that turns gradients into steps."),
        "choice",
        choices=OPTIMIZER_CHOICES,
        more=True,
    ),
    SpecField(
        "training.optim_args",
        _("Its other arguments"),
        _("What the optimizer takes besides, for example momentum=0.9, nesterov=True for SGD."),
        "text",
        more=True,
    ),
    SpecField(
        "training.lr_scheduler_type",
        _("Learning rate over time"),
        _("How it changes from first to last step."),
        "choice",
        choices=SCHEDULE_CHOICES,
        more=True,
    ),
    SpecField(
        "training.warmup_steps",
        _("Warm-up steps"),
        _("The learning rate rises from 0 over these steps."),
        "whole",
        _("0 to 500"),
        more=True,
    ),
    SpecField(
        "training.weight_decay",
        _("Weight decay"),
        _("Pulls weights towards 0 against overfitting."),
        "number",
        _("0 to 0.1"),
        more=True,
    ),
    SpecField(
        "training.max_grad_norm",
        _("Gradient limit"),
        _("Longer gradients are cut to this norm. 0: no limit."),
        "number",
        _("0.5 to 5"),
        more=True,
    ),
    SpecField(
        "training.gradient_accumulation_steps",
        _("Batches per step"),
        _("Batches that are added up before one step: a larger batch in the same memory."),
        "whole",
        _("1 to 16"),
        more=True,
    ),
    SpecField(
        "training.label_smoothing_factor",
        _("Label smoothing"),
        _("Makes the model less sure of every label."),
        "number",
        _("0 to 0.1"),
        more=True,
    ),
    SpecField(
        "training.max_steps",
        _("Step limit"),
        _("Ends after so many steps whatever the epochs. -1: no limit."),
        "whole",
        more=True,
    ),
    SpecField(
        "training.early_stopping_patience",
        _("Stop early after"),
        _("Evaluations without a better loss before it ends. 0: never."),
        "whole",
        _("3 to 10"),
        more=True,
    ),
    SpecField(
        "training.ema_decay",
        _("Average of the weights"),
        _("Leaves a running average instead of the last weights: smoother. 0: none."),
        "number",
        _("0.99 to 0.9999"),
        more=True,
    ),
    SpecField(
        "training.eval_steps",
        _("Evaluate every"),
        _("Steps between evaluations. 0: once an epoch."),
        "whole",
        more=True,
    ),
    SpecField(
        "training.save_steps",
        _("Checkpoint every"),
        _("Steps between checkpoints. 0: once an epoch."),
        "whole",
        more=True,
    ),
    SpecField("training.seed", _("Seed"), _("The same seed, data and devices give the same run."), "whole", more=True),
    SpecField(
        "training.bf16",
        _("16-bit training (bf16)"),
        _("Half the memory, on devices that can."),
        "switch",
        choices=SWITCH_CHOICES,
        more=True,
    ),
    SpecField(
        "training.fp16",
        _("16-bit training (fp16)"),
        _("With a loss scale, for GPUs that have no bf16. Not together with bf16."),
        "switch",
        choices=SWITCH_CHOICES[:2],
        more=True,
    ),
    SpecField(
        "training.torch_compile",
        _("Compile the model"),
        _("Slower start, often faster steps."),
        "switch",
        choices=SWITCH_CHOICES,
        more=True,
    ),
)
PRIVACY_FIELDS = (
    SpecField(
        "security.dp.epsilon",
        _("Privacy budget (epsilon)"),
        _("Empty = not private. Below 1 is strong, above 10 says little; the less, the more noise."),
        "number",
        _("1 to 8"),
        more=True,
    ),
    SpecField(
        "security.dp.delta",
        _("Chance that it does not hold (delta)"),
        _("0 = a tenth of 1 in all training samples, at most 0.00001."),
        "number",
        more=True,
    ),
    SpecField(
        "security.dp.max_grad_norm",
        _("Clip each sample's gradient at"),
        _("Of private training: how far one sample may move the model."),
        "number",
        _("0.1 to 2"),
        more=True,
    ),
    SpecField(
        "security.dp.noise_multiplier",
        _("Noise, in clip norms"),
        _("0 = as little as keeps all steps within the budget; else training ends when the budget is spent."),
        "number",
        more=True,
    ),
)
"""of `security.dp`, which is there as a whole or not at all"""
AFTER_FIELDS = (
    SpecField(
        "evaluation.split",
        _("Evaluate on"),
        _("The data that the result is measured on."),
        "choice",
        choices=SPLIT_CHOICES,
        more=True,
    ),
    SpecField("evaluation.metrics", _("Measure"), "", "choices", choices=METRIC_CHOICES, more=True),
    SpecField(
        "export.formats",
        _("Files to leave"),
        "",
        "choices",
        choices=tuple(choice for choice in FORMAT_CHOICES if choice.built),
        more=True,
    ),
    SpecField(
        "requirements", _("Requirements"), _("One a line, for example: eval/accuracy >= 0.97"), "lines", more=True
    ),
)
MODEL_FIELDS = (
    SpecField("model.channels", _("Channels"), _("Filters of each convolution, first to last."), "widths"),
    SpecField("model.hidden", _("Hidden layers"), _("Width of each dense layer, first to last."), "widths"),
    SpecField(
        "model.width", _("Width"), _("Numbers that each place of the sequence is made of."), "whole", _("32 to 256")
    ),
    SpecField("model.depth", _("Depth"), _("How many blocks follow each other."), "whole", _("2 to 8")),
)
REVIEW_FIELDS = (
    SpecField("name", _("Name"), _("What you will look for later. Empty: model and dataset."), "text"),
    SpecField("tags", _("Tags"), _("Words to filter by, with commas between."), "words", more=True),
    SpecField(
        "schedule.priority",
        _("Priority"),
        _("Higher goes first; above 0 needs an admin."),
        "whole",
        _("-10 to 10"),
        more=True,
    ),
    SpecField(
        "schedule.max_seconds",
        _("Time limit in seconds"),
        _("Ends with what it has then. 0: no limit."),
        "whole",
        more=True,
    ),
    SpecField(
        "schedule.max_attempts",
        _("Tries"),
        _("How often a lost device or crash is made good."),
        "whole",
        _("1 to 5"),
        more=True,
    ),
)

FIELDS = {
    item.path: item
    for item in (
        *MODEL_FIELDS, *DEVICE_FIELDS, *NEED_FIELDS, *LOSS_FIELDS,
        *METHOD_FIELDS, *MORE_FIELDS, *PRIVACY_FIELDS, *AFTER_FIELDS, *REVIEW_FIELDS
    )
}  # fmt: skip
