"""`{{ name|measured_on:split }}` and `{{ "eval/loss"|key_words }}`: a metric as every page calls it."""

from django import template

from jobs import task_metrics

register = template.Library()
register.filter(task_metrics.name_of)
register.filter(task_metrics.measured_on)
register.filter(task_metrics.key_words)
