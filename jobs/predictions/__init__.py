"""Try it: what a finished model, or the newest checkpoint of a running job, answers to one picture, text or row."""

from jobs.predictions.answers import Told, forget, of_errand
from jobs.predictions.asking import ask
from jobs.predictions.subject import Nothing, Subject, newest

__all__ = ["Nothing", "Subject", "Told", "ask", "forget", "newest", "of_errand"]
