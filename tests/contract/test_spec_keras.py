import json

import pytest

from contract.problems import Invalid
from contract.spec import JobSpec
from tests.contract.keras_models import layer, sequential, three_layers


def parsed(definition, task="image-classification", **parts):
    model = {"source": "keras", "definition": definition}
    return JobSpec.parse({"task": task, "dataset": "d", "model": model, **parts})


def problems(definition, task="image-classification", **model):
    body = {"task": task, "dataset": "d", "model": {"source": "keras", "definition": definition, **model}}
    with pytest.raises(Invalid) as refusal:
        JobSpec.parse(body)
    return [(problem.path, str(problem)) for problem in refusal.value.problems]


def test_compile_arguments_become_the_training_of_the_job():
    training = parsed(three_layers(beta_1=0.8, epsilon=1e-7)).training
    assert (training.optim, training.learning_rate, training.adam_beta1) == ("adam", 0.005, 0.8)
    assert (training.adam_epsilon, training.lr_scheduler_type, training.max_grad_norm) == (1e-7, "constant", 0.0)
    assert parsed(three_layers()).evaluation.metrics == ["accuracy"]


def test_what_the_job_says_goes_before_what_the_model_says():
    spec = parsed(three_layers(), training={"learning_rate": 0.1}, evaluation={"metrics": ["f1_macro"]})
    assert (spec.training.learning_rate, spec.training.optim) == (0.1, "adam")
    assert spec.evaluation.metrics == ["f1_macro"]
    assert JobSpec.parse(spec.to_json()) == spec


def test_a_definition_may_be_the_text_that_keras_gives():
    assert parsed(json.dumps(three_layers())).training == parsed(three_layers()).training


@pytest.mark.parametrize(
    ("optimizer", "name", "arguments"),
    [
        ({"name": "SGD", "momentum": 0.9, "nesterov": True}, "sgd", "momentum=0.9, nesterov=True"),
        ({"name": "RMSprop"}, "rmsprop", "alpha=0.9, eps=1e-07, momentum=0.0, centered=False"),
        ({"name": "Adagrad"}, "adagrad", "eps=1e-07, initial_accumulator_value=0.1"),
        ({"name": "Adam", "amsgrad": True}, "adam", "amsgrad=True"),
        ({"name": "Adam", "weight_decay": 0.01}, "adamw", ""),
        ({"name": "Adafactor"}, "adafactor", ""),
    ],
)
def test_every_optimizer_is_given_what_its_author_gave_it(optimizer, name, arguments):
    training = parsed(three_layers(**optimizer)).training
    assert (training.optim, training.optim_args) == (name, arguments)


DENSE = layer("Dense", "dense", units=3, activation="softmax")


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        ("not JSON", "to_json"),
        ({**sequential(DENSE), "class_name": "Functional"}, "this is a Functional"),
        (sequential(), "has no layers"),
        (sequential(layer("Lambda", "code", function="abc"), DENSE), "Layer code is a Lambda, which holds code"),
        (sequential(layer("MyLayer", "mine") | {"registered_name": "a>MyLayer"}, DENSE), "mine is a MyLayer"),
        (sequential(layer("TFSMLayer", "saved", filepath="/etc"), DENSE), "saved is a TFSMLayer"),
        (sequential(layer("Dense", "d", kernel_initializer={"class_name": "X", "module": "os"})), "X is not a part"),
        (sequential(layer("Bidirectional", "b", layer=layer("Lambda", "inner"))), "Lambda is not a part"),
        (sequential(layer("Dense", "d", kernel_regularizer={"class_name": "L2"})), "kernel_regularizer"),
        (sequential(layer("Dense", "a.b")), "letters, digits"),
    ],
)
def test_what_is_no_plain_model_of_keras_is_refused_by_name(definition, sentence):
    [(path, said)] = problems(definition)
    assert path == "model.definition" and sentence in said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"optimizer": {"class_name": "Lion", "config": {}}}, "Optimizer lion is not one of ours"),
        ({"optimizer": {"class_name": "SGD", "config": {"clipnorm": 1.0}}}, "global_clipnorm"),
        ({"optimizer": {"class_name": "SGD", "config": {"learning_rate": {"class_name": "CosineDecay"}}}}, "schedule"),
        ({"loss": "mse"}, "does not fit image-classification"),
        ({"loss": {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True}}}, "expects logits"),
        ({"loss": "binary_crossentropy"}, "activation='sigmoid'"),
        ({"metrics": [{"class_name": "AUC", "config": {}}]}, "'auc' is not measured"),
        ({"loss_weights": [1.0]}, "loss_weights"),
    ],
)
def test_compile_arguments_without_a_match_are_refused(change, sentence):
    definition = three_layers()
    [(path, said)] = problems(definition, compile=definition["compile_config"] | change)
    assert path == "model.compile" and sentence in said


def test_a_task_that_keras_does_not_do_is_refused():
    [(path, said)] = problems(three_layers(), task="object-detection")
    assert path == "model.source" and "tabular-regression" in said


@pytest.mark.parametrize(
    ("optim", "arguments", "sentence"),
    [
        ("sgd", "momentum=2", "from 0 to 0.9999"),
        ("sgd", "nesterov=True", "needs a momentum"),
        ("sgd", "alpha=0.9", "Unknown"),
        ("rmsprop", "centered=yes", "centered=True or centered=False"),
    ],
)
def test_arguments_of_an_optimizer_are_checked(optim, arguments, sentence):
    body = {"task": "image-classification", "dataset": "d", "model": {"source": "dense"}}
    with pytest.raises(Invalid, match=sentence) as refusal:
        JobSpec.parse(body | {"training": {"optim": optim, "optim_args": arguments}})
    assert [problem.path for problem in refusal.value.problems] == ["training.optim_args"]
