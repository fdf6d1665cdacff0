"""REST routes of jobs and of the queue."""

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from jobs.api import history, jobs, predict, queue, requirements
from jobs.api.metrics import Metrics

router = SimpleRouter()
router.register("jobs", jobs.Jobs, basename="api-job")
JOB = r"^jobs/(?P<pk>[0-9]{1,18})/"
urlpatterns = [
    path("jobs/preflight/", jobs.Preflight.as_view(), name="api-job-preflight"),
    *router.urls,
    re_path(JOB + r"metrics/$", Metrics.as_view(), name="api-job-metrics"),
    re_path(JOB + r"transitions/$", history.Transitions.as_view(), name="api-job-transitions"),
    re_path(JOB + r"checkpoints/$", history.Checkpoints.as_view(), name="api-job-checkpoints"),
    re_path(JOB + r"logs/$", history.Logs.as_view(), name="api-job-logs"),
    re_path(JOB + r"artifacts/$", history.Artifacts.as_view(), name="api-job-artifacts"),
    re_path(JOB + r"artifacts/(?P<artifact>[0-9]{1,18})/$", history.ArtifactFile.as_view(), name="api-artifact"),
    re_path(JOB + r"evaluations/$", history.Evaluations.as_view(), name="api-job-evaluations"),
    re_path(JOB + r"requirements/$", requirements.Verdicts.as_view(), name="api-job-requirements"),
    re_path(JOB + r"export/$", history.Export.as_view(), name="api-job-export"),
    re_path(JOB + r"predict/$", predict.Predict.as_view(), name="api-job-predict"),
    path("predictions/<int:number>/", predict.Prediction.as_view(), name="api-prediction"),
    path("queue/", queue.Queue.as_view(), name="api-queue"),
    path("queue/move/", queue.Move.as_view(), name="api-queue-move"),
    path("queue/pause/", queue.Pause.as_view(), name="api-queue-pause"),
    path("queue/resume/", queue.Resume.as_view(), name="api-queue-resume"),
]
