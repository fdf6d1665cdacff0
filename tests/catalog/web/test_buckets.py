"""S3-compatible storage as a source, against a real server: signed, guarded, resumed, and no key left behind."""

import json

import pytest
from django.test import TestCase

from accounts import services as accounts
from accounts.models import AuditEntry
from catalog import tasks
from catalog.models import Dataset
from catalog.services import fetching
from catalog.web import bucket_copy
from catalog.web.addresses import NotFetched
from catalog.web.bucket import Bucket
from catalog.web.bucket_asked import AskedBucket, Keys
from catalog.web.guard import Guard
from recipes.sandbox.inside import Refused
from tests.catalog.data_factories import texts_csv
from tests.catalog.factories import class_folders, files_below, version_of, why
from tests.catalog.web.asking import imported, post
from tests.catalog.web.buckets import ACCESS_KEY, SECRET_KEY, storage

pytestmark = [pytest.mark.django_db, pytest.mark.integration]
FORM = {"kind": "s3", "bucket": "pictures", "prefix": "pets/", "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with storage(tmp_path_factory.mktemp("buckets")) as found:
        found.put("pictures", {f"pets/{name}": data for name, data in class_folders().items()})
        found.put("pictures", {"words/mails.csv": texts_csv().encode(), "../other/secret.txt": b"not asked for"})
        yield found


@pytest.fixture
def allowed(root, served):
    accounts.change_settings({"url_import": True, "web_hosts": served.host}, root)


def copy(served, directory, guard: Guard | None = None, **asked: str) -> bucket_copy.Copy:
    wanted = AskedBucket("pictures", endpoint=served.url, **asked)
    keys = Keys(ACCESS_KEY, SECRET_KEY)
    directory.mkdir(exist_ok=True)
    return bucket_copy.Copy(Bucket(wanted, keys, guard or Guard([served.host])), wanted, directory)


class Counting(Guard):
    """Notes what is asked, and can do something before each answer."""

    def __init__(self, host: str, before=lambda count: None):
        super().__init__([host])
        self.ranges: list[str] = []
        self._before = before

    def once(self, url, headers, *rest):
        if wanted := headers.get("Range"):
            self._before(len(self.ranges))
            self.ranges.append(wanted)
        return super().once(url, headers, *rest)


def test_folders_of_a_bucket_become_a_version_and_no_key_is_left_behind(client, maria, allowed, served, home):
    """S68"""
    dataset = imported(client, {"s3": served.asked("pictures", prefix="pets/")})
    version = version_of(dataset)
    assert (dataset.state, dataset.name, version.schema["classes"]) == ("ready", "pets", ["cat", "dog"]), why(dataset)
    assert version.items == 20
    shown = client.get(f"/datasets/{dataset.slug}/v/1/").content.decode()
    assert "s3://pictures/pets/" in shown
    everywhere = shown + json.dumps(client.get(f"/api/v1/datasets/{dataset.slug}/").json())
    everywhere += str(list(Dataset.objects.values())) + str(list(AuditEntry.objects.values()))
    everywhere += "".join(path.read_text("latin-1") for path in home.rglob("*") if path.is_file())
    assert SECRET_KEY not in everywhere
    assert ACCESS_KEY not in everywhere


def test_one_object_is_read_as_the_file_that_it_is_and_can_be_read_again(client, maria, allowed, served):
    dataset = imported(client, {"s3": served.asked("pictures", prefix="words/mails.csv")})
    assert (dataset.task, version_of(dataset).items) == ("text-classification", 40), why(dataset)
    again = json.dumps({"task": "causal-lm", "text_column": "text", "label_column": "label"})
    assert client.post(f"/api/v1/datasets/{dataset.slug}/versions/", again, "application/json").status_code == 202
    tasks.import_dataset(dataset.pk)
    assert dataset.versions.first().schema["task"] == "causal-lm"


def test_while_it_is_being_read_keys_lie_encrypted_and_only_there(client, maria, allowed, served, home, settings):
    post(client, {"s3": served.asked("pictures", prefix="pets/")})
    stored = Dataset.objects.get().asked["source"]["stored"]
    kept = home / "uploads" / stored / "keys"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert SECRET_KEY.encode() not in kept.read_bytes()
    settings.SECRET_KEY = "another secret of another server"
    tasks.import_dataset(Dataset.objects.get().pk)
    assert "cannot be opened any more" in why(Dataset.objects.get())
    assert not files_below(home / "uploads")


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"secret_key": "not-the-one-it-should-be"}, "does not let these keys read"),
        ({"bucket": "nothing-here"}, "has no bucket 'nothing-here'"),
        ({"prefix": "none/"}, "begins with 'none/'"),
    ],
)
def test_what_cannot_be_read_ends_with_its_reason_and_leaves_nothing(client, maria, allowed, served, home, more, part):
    dataset = imported(client, {"s3": served.asked("pictures") | more})
    assert (dataset.state, part in why(dataset)) == ("failed", True), why(dataset)
    assert not files_below(home / "uploads")


def test_an_import_that_is_stopped_leaves_no_file_behind(client, maria, allowed, served, home, monkeypatch):
    monkeypatch.setattr(fetching, "SLICE_S", 0)
    slug = post(client, {"s3": served.asked("pictures", prefix="pets/")}).json()["slug"]
    tasks.import_dataset(Dataset.objects.get().pk)
    assert Dataset.objects.get().state == "importing"
    assert files_below(home / "uploads")
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert client.post(f"/api/v1/datasets/{slug}/cancel/").status_code == 200
    assert not files_below(home / "uploads")


def test_a_copy_goes_on_at_the_byte_where_it_was(served, tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.web.bucket.PART_BYTES", 100)
    data = bytes(range(256)) * 4
    served.put("pictures", {"large/one.bin": data})
    halted = Counting(served.host)
    first = copy(served, tmp_path / "copy", halted, prefix="large/")
    halted._before = lambda count: first._enough.set() if count == 3 else None
    assert not first.go(60, lambda part: None)
    told: list[float] = []
    second = Counting(served.host)
    assert copy(served, tmp_path / "copy", second, prefix="large/").go(60, told.append)
    assert (tmp_path / "copy" / "files" / "one.bin").read_bytes() == data
    assert second.ranges[0] == "bytes=400-499"
    assert len(halted.ranges) + len(second.ranges) == 11
    assert told[-1] == 1


def test_an_object_that_is_changed_meanwhile_is_never_mixed(served, tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.web.bucket.PART_BYTES", 100)
    served.put("pictures", {"moving/one.bin": bytes(300)})

    def change(count: int) -> None:
        if count == 1:
            served.put("pictures", {"moving/one.bin": b"\x01" * 300})

    with pytest.raises(NotFetched, match="changed while the bucket was read"):
        copy(served, tmp_path / "copy", Counting(served.host, change), prefix="moving/").go(60, lambda part: None)


def test_names_that_no_disk_holds_are_refused_before_anything_is_copied(tmp_path, served):
    class Odd(Bucket):
        keys: list[str] = []

        def objects(self):
            return iter([bucket_copy.Object(key, 1, "") for key in self.keys])

    asked = AskedBucket("pictures", endpoint=served.url)
    odd = Odd(asked, Keys(), Guard([served.host]))
    for odd.keys, part in (
        (["a/../../b"], "points outside"),
        (["a", "a/b"], "is an object and the beginning of others"),
        (["a/x.png", "A/x.png"], "twice"),
    ):
        with pytest.raises(Refused, match=part):
            bucket_copy.Copy(odd, asked, tmp_path).go(9, lambda part: None)
    assert not files_below(tmp_path)


def test_buckets_are_off_until_an_admin_switches_the_web_on(client, maria):
    """S61"""
    answer = post(client, {"s3": {"bucket": "pictures"}})
    assert answer.status_code == 403
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    ("asked", "path", "part"),
    [
        ({"bucket": "a"}, "s3.bucket", "no name of a bucket"),
        ({"bucket": "pets", "endpoint": "http://169.254.169.254"}, "s3.endpoint", "inside a private network"),
        (
            {"bucket": "pets", "endpoint": "http://10.0.0.1:9000"},
            "s3.endpoint",
            "10.0.0.1:9000 under Settings",
        ),
        ({"bucket": "pets", "endpoint": "https://example.org/pets"}, "s3.endpoint", "only a host"),
        ({"bucket": "pets", "access_key": "AKID"}, "s3.secret_key", "Give both keys"),
        ({"bucket": "pets", "buckets": "x"}, "s3.buckets", "bucket"),
        ({"bucket": 7}, "s3.bucket", "Expected text"),
        ("pets", "s3", "Expected an object"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_at_its_place(client, maria, allowed, home, asked, path, part):
    answer = post(client, {"s3": asked})
    assert answer.status_code == 400
    assert part in answer.json()["errors"][path][0]
    assert not files_below(home / "uploads")


def test_the_page_takes_a_bucket_and_says_what_is_wrong_beside_its_field(client, maria, allowed, served):
    page = client.get("/datasets/new/web/").content.decode()
    assert 'data-testid="bucket"' in page
    wrong = client.post("/datasets/new/web/", FORM | {"endpoint": "http://10.0.0.1"})
    assert "inside a private network" in wrong.content.decode()
    assert SECRET_KEY not in wrong.content.decode()
    answer = client.post("/datasets/new/web/", FORM | {"endpoint": served.url})
    assert answer.url == f"/datasets/{Dataset.objects.get().slug}/"
    assert Dataset.objects.get().name == "pets"


def test_without_the_libraries_the_page_and_the_api_say_what_to_install(client, maria, allowed, monkeypatch):
    monkeypatch.setattr("catalog.services.bucket_keys.LIBRARIES", ("no_such_library",))
    assert "botocore" in client.get("/datasets/new/web/").content.decode()
    assert "pip install" in post(client, {"s3": {"bucket": "pictures"}}).json()["errors"]["s3"][0]
