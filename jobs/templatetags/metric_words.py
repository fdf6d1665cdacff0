"""`{{ name|measured_on:split }}` and `{{ "eval/loss"|key_words }}`: a metric as every page calls it."""

from django import template

from jobs import headline_figure, task_metrics

register = template.Library()
register.filter(task_metrics.name_of)
register.filter(task_metrics.measured_on)


@register.filter
def key_words(key: str) -> str:
    """Points of `eval/loss` are those of the loss on the validation split."""
    prefix, _slash, metric = key.rpartition("/")
    split = headline_figure.OF_POINTS.get(prefix)
    return task_metrics.measured_on(metric, split) if split else key
