"""Home, list, queue, welcome and new job as the server answers them: filters, permissions, mistakes, bulk actions."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Draft
from catalog.models import Dataset, DatasetVersion
from jobs import attention, job_filters, placements, services
from jobs.models import Attempt, Job, Latest, Rank
from jobs.states import JobState
from tests.accounts.factories import make_admin, make_project, make_user
from tests.devices.factories import make_device
from tests.jobs.factories import make_gang, make_job, make_owner, make_running, make_version

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def a_form(**more) -> dict[str, str]:
    return {"task": "image-classification", "dataset": "shapes", "model.source": "conv", "devices.by": "count",
            "devices.count": "2", "evaluation.metrics": "accuracy", "export.formats": "onnx", **more}  # fmt: skip


def ended(job: Job, state: str, reason: str = "", **more) -> Job:
    Job.objects.filter(pk=job.pk).update(state=state, end_reason=reason, ended_at=timezone.now(), **more)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize("path", ["/", "/welcome/", "/queue/", "/jobs/", "/jobs/new/"])
def test_signed_out_readers_are_sent_to_the_sign_in(client, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("path", ["/", "/welcome/", "/queue/", "/jobs/", "/jobs/new/"])
def test_an_empty_server_says_what_to_do_first(path):
    text = client_of(make_admin()).get(path).content.decode()
    assert "data-testid=" in text
    assert "New job" in text


def test_home_shows_what_needs_somebody_and_what_to_do():
    maria = make_owner()
    make_device("cpu-1", state="offline")
    failed = ended(make_job(owner=maria), "failed", "nan_loss", reason_params={"step": 7, "device": "cpu-1", "rank": 0})
    text = client_of(maria).get("/").content.decode()
    assert f'data-key="job-{failed.pk}"' in text
    assert 'data-key="device-cpu-1"' in text
    services.change(failed, maria, archived=True)
    assert f'data-key="job-{failed.pk}"' not in client_of(maria).get("/?part=attention").content.decode()


def test_all_devices_offline_is_one_item_not_sixty():
    rows = [{"state": "offline", "slug": f"d{n}", "name": f"d{n}", "host": "h", "reading": {}} for n in range(60)]
    assert [item.key for item in attention.items(make_admin(), rows)] == ["all-offline"]


def test_a_job_that_waits_too_long_needs_somebody_one_that_waits_as_planned_does_not():
    maria = make_owner()
    before = timezone.now() - timedelta(hours=1)
    long, *planned = (make_job(owner=maria) for _ in range(3))
    for job, reason in zip([long, *planned], ("device_busy", "scheduled", "source_job"), strict=True):
        Job.objects.filter(pk=job.pk).update(wait_reason=reason, created_at=before)
    assert [item.key for item in attention.items(maria, [])] == [f"job-{long.pk}"]


def test_a_running_job_asks_how_busy_its_devices_are_with_a_piece_that_asks_again_and_a_done_one_does_not():
    gang = make_gang()
    job = make_running(*gang)
    maria, path = client_of(job.owner), f"/jobs/{job.pk}/?part=load"
    piece = maria.get(path).content.decode().strip()
    assert piece.startswith("<div data-poll-url=") and all(agent.device.slug in piece for agent in gang)
    ended(job, JobState.SUCCEEDED)
    assert maria.get(path).content.decode().strip().startswith("<div>")


def test_the_list_is_filtered_by_words_states_devices_and_tags():
    maria = make_owner()
    first = make_job(owner=maria, name="wide net", tags=["night"])
    second = ended(make_job(owner=maria, name="narrow net"), "failed", "killed")
    device = make_device("gpu-1")
    attempt = Attempt.objects.create(job=second, number=1, world_size=1, ended_at=timezone.now())
    Rank.objects.create(attempt=attempt, rank=0, device=device, fence=1)

    def found(text: str) -> list[int]:
        return [job.pk for job in job_filters.chosen(maria, text, "id").jobs]

    assert found("") == [first.pk, second.pk]
    assert found("net wide") == [first.pk]
    assert found(f"#{second.pk}") == [second.pk]
    assert found("state:failed") == found("state:ended") == found("device:gpu-1") == [second.pk]
    assert found("tag:night state:waiting") == [first.pk]
    assert found("tag:nigh") == []
    assert found("is:archived") == []
    assert found("owner:nobody") == []


def test_jobs_without_the_metric_come_last_whatever_the_order():
    maria = make_owner()
    jobs = [make_job(owner=maria) for _n in range(3)]
    for job, value in zip(jobs[:2], (0.5, 0.9), strict=True):
        Latest.objects.create(job=job, key="eval/accuracy", value=value)
    best = [job.pk for job in job_filters.chosen(maria, "", "-result").jobs]
    assert best == [jobs[1].pk, jobs[0].pk, jobs[2].pk]


def test_an_order_or_filter_that_there_is_not_changes_nothing_and_is_said():
    maria = make_owner()
    make_job(owner=maria)
    text = client_of(maria).get("/jobs/?sort=owner__password&q=password:x").content.decode()
    assert "data-job=" in text
    assert "cannot be filtered by &#x27;password&#x27;" in text


def test_a_list_of_a_thousand_jobs_is_paged_with_a_bounded_number_of_queries(django_assert_max_num_queries):
    maria = make_owner()
    job = make_job(owner=maria)
    fields = {field.name: getattr(job, field.name) for field in Job._meta.concrete_fields if field.name != "id"}
    Job.objects.bulk_create(Job(**fields) for _n in range(999))
    client = client_of(maria)
    with django_assert_max_num_queries(20):
        text = client.get("/jobs/?page=3").content.decode()
    assert text.count('data-testid="job-row"') == 50
    assert "101–150 of 1000" in text


def test_stopping_several_says_what_it_did_and_what_was_done_already():
    maria = make_owner()
    open_jobs = [make_job(owner=maria) for _n in range(2)]
    done = ended(make_job(owner=maria), "succeeded")
    body = {"do": "stop", "job": [job.pk for job in (*open_jobs, done)]}
    text = client_of(maria).post("/jobs/", body, follow=True).content.decode()
    assert "2 jobs stop." in text
    assert "1 was done already." in text


def test_everything_that_fits_can_be_archived_at_once():
    maria = make_owner()
    for _n in range(3):
        ended(make_job(owner=maria, name="old"), "succeeded")
    kept = ended(make_job(owner=maria, name="new"), "succeeded")
    client_of(maria).post("/jobs/", {"do": "archive", "all": "1", "q": "old"})
    assert list(Job.objects.filter(archived=False).values_list("pk", flat=True)) == [kept.pk]


def test_others_jobs_stay_as_they_are():
    job = make_job(owner=make_owner())
    text = client_of(make_user("other")).post("/jobs/", {"do": "stop", "job": job.pk}, follow=True).content.decode()
    assert "1 job belongs to somebody else" in text
    job.refresh_from_db()
    assert job.state == JobState.PENDING


def test_another_projects_jobs_are_in_no_list():
    stranger = make_user("stranger", role="")
    make_project("elsewhere", stranger)
    make_job(owner=make_owner(), name="secret plan")
    client = client_of(stranger)
    for path in ("/", "/jobs/", "/queue/", "/welcome/"):
        assert "secret plan" not in client.get(path).content.decode(), path


def test_a_job_that_may_not_be_seen_shows_only_that_its_device_is_taken():
    device = make_device("cpu-1")
    job = make_job(owner=make_owner())
    attempt = Attempt.objects.create(job=job, number=1, world_size=1)
    Rank.objects.create(attempt=attempt, rank=0, device=device, fence=1)
    stranger = make_user("stranger", role="")
    make_project("elsewhere", stranger)
    place = placements.on_devices(stranger)[device.pk]
    assert (place["job"], place["hidden"]) == (None, True)
    assert placements.on_devices(job.owner)[device.pk]["job"] == job


def test_the_queue_says_why_in_one_line_and_moves_own_jobs_only():
    maria = make_owner()
    jobs = [make_job(owner=maria) for _n in range(3)]
    for job, reason in zip(jobs, ("device_busy", "device_busy", "preparing_data"), strict=True):
        Job.objects.filter(pk=job.pk).update(wait_reason=reason, reason_params={"device": "cpu-1", "percent": 1})
    client = client_of(maria)
    assert "3 jobs wait: 2 for a busy device, 1 for data." in client.get("/queue/").content.decode()
    client.post("/queue/", {"do": "move:top", "job": jobs[2].pk})
    order = Job.objects.filter(state="pending").order_by("-priority", "position").values_list("pk", flat=True)
    assert order.first() == jobs[2].pk
    assert client_of(make_user("other")).post("/queue/", {"do": "move:top", "job": jobs[0].pk}).status_code == 403
    assert client.post("/queue/", {"do": "pause"}).status_code == 403


def test_a_paused_queue_says_by_whom():
    admin = make_admin()
    client = client_of(admin)
    client.post("/queue/", {"do": "pause"})
    assert "paused by ada" in client.get("/queue/").content.decode()
    client.post("/queue/", {"do": "resume"})
    assert "paused by" not in client.get("/queue/").content.decode()


def test_a_form_with_data_alone_starts_a_job():
    maria = make_owner()
    make_version(maria)
    answer = client_of(maria).post("/jobs/new/", a_form(do="start"))
    job = Job.objects.get()
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert job.spec["export"]["formats"] == ["onnx"]


def test_every_mistake_is_shown_at_once_and_what_was_typed_stays():
    maria = make_owner()
    make_version(maria)
    typed = {"training.learning_rate": "fast", "training.seed": "-1", "requirements": "accuracy good", "do": "start"}
    answer = client_of(maria).post("/jobs/new/", a_form(**typed))
    assert answer.status_code == 400
    text = answer.content.decode()
    assert "Expected a finite number." in text
    assert 'value="fast"' in text
    assert Job.objects.count() == 0


def test_a_viewer_fills_in_and_is_refused_at_start():
    make_version(make_owner())
    vera = client_of(make_user("vera", "viewer"))
    assert vera.post("/jobs/new/check/", a_form()).json()["ready"] is True
    assert vera.post("/jobs/new/", a_form(do="start")).status_code == 403
    assert vera.post("/jobs/new/preflight/", a_form()).status_code == 403


def test_a_check_keeps_a_draft_and_notices_that_another_tab_saved_it():
    maria = make_owner()
    make_version(maria)
    client = client_of(maria)
    first = client.post("/jobs/new/check/", a_form(name="half")).json()
    again = {"draft": first["draft"], "seen": first["seen"]}
    assert client.post("/jobs/new/check/", a_form(name="more", **again)).status_code == 200
    assert client.post("/jobs/new/check/", a_form(name="other", **again)).status_code == 409
    assert client.post("/jobs/new/check/", a_form(name="mine", overwrite="1", **again)).status_code == 200
    assert 'value="mine"' in client.get(first["draft_url"]).content.decode()
    client.post(first["draft_url"], a_form(do="start", draft=str(first["draft"])))
    assert not Draft.objects.exists()
    assert "This draft is gone" in client.get(first["draft_url"]).content.decode()


def test_a_draft_of_somebody_else_is_not_shown():
    make_version(make_owner())
    kept = client_of(make_owner()).post("/jobs/new/check/", a_form(name="for my eyes only")).json()
    assert "for my eyes only" not in client_of(make_user("other")).get(kept["draft_url"]).content.decode()


def test_a_pasted_text_fills_the_form_and_names_the_line_of_a_mistake():
    maria = make_owner()
    make_version(maria)
    client = client_of(maria)
    good = json.dumps({"task": "image-classification", "dataset": "shapes", "model": {"source": "dense"}})
    values = client.post("/jobs/new/check/", {"source": "text", "text": good}).json()["values"]
    assert (values["model.source"], values["dataset"]) == ("dense", "shapes")
    bad = "task: image-classification\ndataset: shapes\nmodel: {source: conv}\ntrainin:\n  seed: 1\n"
    answer = client.post("/jobs/new/check/", {"source": "text", "text": bad}).json()
    assert answer["problems"]["trainin"] == ["Unknown: 'trainin'. Did you mean 'training'?"]
    assert "line 4" in answer["summary"]


def test_a_preset_and_a_fix_change_only_what_they_name():
    maria = make_owner()
    make_version(maria)
    client = client_of(maria)
    quick = client.post("/jobs/new/check/", a_form(do="preset:quick", name="mine")).json()
    assert (quick["values"]["training.num_train_epochs"], quick["values"]["name"]) == ("2", "mine")
    fixed = client.post("/jobs/new/check/", a_form(do="set:training.per_device_train_batch_size=8")).json()
    assert fixed["values"]["training.per_device_train_batch_size"] == "8"


def test_a_clone_begins_without_a_change_and_undoes_one():
    maria = make_owner()
    job = make_job(owner=maria, training={"seed": 7})
    client = client_of(maria)
    assert f"0 changes from #{job.pk}" in client.get(f"/jobs/new/?from={job.pk}").content.decode()
    form = a_form(**{"from": str(job.pk), "rest": json.dumps(job.spec), "training.seed": "8"})
    assert "1 change from" not in client.post("/jobs/new/check/", form | {"do": "undo:training.seed"}).json()["changes"]
    assert client.post("/jobs/new/check/", form | {"do": "undo:training.seed"}).json()["values"]["training.seed"] == "7"
    assert client_of(make_user("x", role="")).get(f"/jobs/new/?from={job.pk}").status_code in (403, 404)


def test_the_plan_counts_steps_as_the_trainer_does():
    maria = make_owner()
    make_version(maria)
    summary = client_of(maria).post("/jobs/new/check/", a_form(**{"training.per_device_train_batch_size": "30"})).json()
    assert "<dd>10<" in summary["summary"], "80 samples in batches of 60: 2 steps an epoch, 5 epochs"


def test_welcome_ticks_what_is_done_and_says_when_no_worker_runs():
    maria = make_owner()
    client = client_of(maria)
    text = client.get("/welcome/").content.decode()
    assert "No worker is running on this server" in text
    assert 'data-key="device" data-step="next"' in text
    make_device("cpu-1")
    assert 'data-key="device" data-step="done"' in client.get("/welcome/?part=steps").content.decode()
    make_job(owner=maria, demo=True)
    assert 'data-key="job" data-step="next"' in client.get("/welcome/").content.decode()
    make_job(owner=maria)
    assert 'data-key="job" data-step="done"' in client.get("/welcome/").content.decode()


def dataset_of_a_fresh_form(user, query: str = "") -> str:
    text = client_of(user).get(f"/jobs/new/{query}").content.decode()
    return re.search(r"^dataset: (\S+)$", text, re.MULTILINE)[1]


def test_a_new_form_keeps_to_the_data_one_came_from_or_used_last_whatever_is_imported():
    maria, otto = make_owner(), make_owner("otto")
    make_version(maria, slug="shown-off", demo=True)
    make_job(owner=maria)
    make_version(otto, slug="imported-later")
    assert dataset_of_a_fresh_form(maria) == "shapes"
    assert dataset_of_a_fresh_form(maria, "?dataset=imported-later") == "imported-later"
    assert dataset_of_a_fresh_form(otto) == "shown-off"


@pytest.mark.parametrize(
    ("samples", "batch", "epochs"),
    [(100_000, 64, 5), (640, 64, 5), (639, 32, 5), (80, 8, 5), (33, 4, 6), (3, 4, 50), (0, 64, 5)],
)
def test_a_new_form_makes_enough_steps_of_little_data(samples, batch, epochs):
    version = make_version()
    DatasetVersion.objects.filter(pk=version.pk).update(splits={"train": {"count": samples}})
    values = client_of(version.dataset.owner).get("/jobs/new/").context["filling"].values
    made = (values["training.per_device_train_batch_size"], values["training.num_train_epochs"])
    assert made == (str(batch), str(epochs))


def test_batch_and_epochs_follow_the_data_until_somebody_sets_them():
    maria = make_owner()
    for slug, samples in (("large", 100_000), ("small", 33)):
        version = make_version(maria, slug=slug)
        DatasetVersion.objects.filter(pk=version.pk).update(splits={"train": {"count": samples}})
    client = client_of(maria)

    def chosen(slug, values, **more):
        form = {name: value for name, value in values.items() if name != "devices.ids"} | {"dataset": slug, **more}
        answer = client.post("/jobs/new/check/", form | {"source": "form", "do": "data"}).json()["values"]
        return answer["training.per_device_train_batch_size"], answer["training.num_train_epochs"], answer

    opened = client.get("/jobs/new/?dataset=large").context["filling"].values
    batch, epochs, small = chosen("small", opened)
    assert (batch, epochs) == ("4", "6")
    assert chosen("large", small)[:2] == ("64", "5")
    assert chosen("large", small, **{"training.num_train_epochs": "7"})[:2] == ("4", "7")
    assert chosen("small", opened, rest="[]")[:2] == ("64", "5")


def test_data_is_offered_for_its_task_and_what_cannot_be_used_says_why():
    maria = make_owner()
    make_version(maria)
    make_version(maria, slug="gone-wrong")
    make_version(maria, slug="waits")
    make_version(maria, slug="letters")
    Dataset.objects.filter(slug="gone-wrong").update(state="failed")
    Dataset.objects.filter(slug="waits").update(state="review")
    Dataset.objects.filter(slug="letters").update(task="text-classification")
    context = client_of(maria).get("/jobs/new/").context
    offered = {option.value: (option.when, option.reason) for option in context["datasets"]}
    assert offered == {
        "shapes": ("task=image-classification", ""),
        "letters": ("task=text-classification", ""),
        "gone-wrong": ("", "Its import failed."),
        "waits": ("", "Not imported yet: what was found waits to be looked at."),
    }
    assert {option.value for option in context["datasets"][:2]} == {"shapes", "letters"}
    assert "object-detection" in context["tasks_without_data"] and "text-class" not in context["tasks_without_data"]


def test_a_preflight_is_cancelled_on_the_page_by_its_owner_only():
    maria = make_owner()
    make_job(owner=maria)
    make_device("cpu-1")
    make_device("cpu-2")
    client = client_of(maria)
    started = client.post("/jobs/new/preflight/", a_form()).json()["preflight"]
    numbers = re.search(r'data-pending="([0-9,]+)"', started)[1]
    form = a_form(numbers=numbers, cancel="1")
    client_of(make_owner("otto")).post("/jobs/new/preflight/", form)
    assert "cancel-preflight" in client.post("/jobs/new/preflight/", a_form(numbers=numbers)).json()["preflight"]
    shown = client.post("/jobs/new/preflight/", form).json()["preflight"]
    assert "Preflight was cancelled." in shown and "data-pending" not in shown
    again = client.post("/jobs/new/", a_form(do=f"cancel-preflight:{numbers}")).content.decode()
    assert "Preflight was cancelled." in again, "without scripts too"


def test_home_offers_what_fits_the_demo_and_the_dialog_asks_before_it_goes():
    client = client_of(make_owner())
    assert "home-demo" not in client.get("/").content.decode()
    job = make_job(demo=True)
    text = client.get("/").content.decode()
    assert 'data-testid="home-demo" data-state="running"' in text and 'data-opens="demo-removal"' in text
    assert '<dialog class="box" id="demo-removal"' in text and 'value="again"' not in text
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    assert 'value="again"' in client.get("/?part=board").content.decode()
    client.post("/welcome/demo/", {"do": "remove"})
    for path in ("/", "/welcome/"):
        text = client.get(path).content.decode()
        assert "Bring the demo back" in text and 'data-opens="demo-removal"' not in text, path


def test_the_demo_goes_from_every_list():
    maria = make_owner()
    job = make_job(owner=maria, demo=True)
    client = client_of(maria)
    assert "Demo" in client.get("/welcome/").content.decode()
    client.post("/welcome/demo/", {"do": "remove"})
    for path in ("/", "/jobs/", "/queue/", "/welcome/"):
        assert f"#{job.pk}<" not in client.get(path).content.decode(), path
    assert client_of(make_user("vera", "viewer")).post("/welcome/demo/", {"do": "remove"}).status_code == 403
