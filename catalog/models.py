"""Datasets and their immutable versions, recipes, and prepared data: what every device of a job has the same."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from devices.models import Device


class DatasetState(models.TextChoices):
    IMPORTING = "importing", _("Importing")
    REVIEW = "review", _("To be checked")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class Dataset(models.Model):
    project = models.ForeignKey(Project, models.PROTECT, related_name="datasets")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="datasets")
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    task = models.CharField(_("task"), max_length=40)
    source = models.JSONField(default=dict)
    """{"builtin": name}, {"file": name of the upload, "bytes": …, "stored": its name below uploads/}, or
    {"directory": path on this server}: where the newest version came from, or where the first one is to come from
    """
    asked = models.JSONField(default=dict)
    """{"source", "options", "review"} of the import that runs or ran last, and the number of the "version" it gave"""
    found = models.JSONField(default=dict)
    """what an import read and nobody has decided about: what `catalog.imports.work` answers, "source" and "options" """
    found_at = models.DateTimeField(null=True)
    """null: nothing waits for a decision"""
    sensitive = models.BooleanField(_("sensitive"), default=False)
    demo = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=DatasetState.choices, default=DatasetState.IMPORTING)
    """ready from the first version on, whatever becomes of a further import"""
    importing_since = models.DateTimeField(null=True)
    """null: no import runs"""
    import_number = models.PositiveIntegerField(default=0)
    """counts imports, so that a worker of an earlier one writes nothing"""
    progress = models.FloatField(default=0)
    """of the import, 0 to 1"""
    worker_seen_at = models.DateTimeField(null=True)
    """last sign of the process that imports; silent for long → taken up again"""
    error = models.TextField(blank=True)
    """why the import failed, and what to do"""
    error_params = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.slug


class DatasetVersion(models.Model):
    """One immutable import, addressed by the hash of its content. Files: `FLEETUNE_HOME/datasets/<hash>/`."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    schema = models.JSONField()
    """as `catalog.imports.facts.describe` makes it: kind, task, classes, what was detected, leaks, facts of its kind"""
    splits = models.JSONField()
    """{"train": {"count": n, "classes": {name: n}}, "validation": …, "test": …}"""
    items = models.PositiveIntegerField()
    bytes = models.BigIntegerField()
    source = models.JSONField(default=dict)
    """as `Dataset.source`"""
    options = models.JSONField(default=dict)
    """what the user decided about the import"""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "content_hash"], name="one_version_a_content"),
            models.UniqueConstraint(fields=["dataset", "number"], name="one_version_a_number"),
        ]

    def __str__(self):
        return f"{self.dataset} v{self.number}"


class Upload(models.Model):
    """A file that arrives in chunks. It lies in `FLEETUNE_HOME/uploads/` as `stored` until a dataset takes it over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=240)
    bytes = models.BigIntegerField()
    received = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    """that the whole file must have; "" when the sender did not say"""
    fingerprint = models.CharField(max_length=128, blank=True)
    """by which the sender knows the file again, to go on with it"""
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    """last chunk; silent for a day → forgotten"""

    def __str__(self):
        return str(self.pk)

    @property
    def stored(self) -> str:
        return f"data-{self.pk.hex}"


class Recipe(models.Model):
    """An ordered list of preprocessing steps, addressed by its hash."""

    hash = models.CharField(max_length=64, unique=True)
    steps = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.hash[:12]


class KeptRecipe(models.Model):
    """A name under which somebody finds a recipe again. Jobs carry the steps themselves: none depends on the name."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="kept_recipes")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="kept_recipes")
    name = models.CharField(_("name"), max_length=120)
    recipe = models.ForeignKey(Recipe, models.PROTECT, related_name="kept")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_recipe_a_name")]

    def __str__(self):
        return self.name


class PreparedState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    BUILDING = "building", _("Preparing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class PreparedData(models.Model):
    """A version after a recipe. Files: `FLEETUNE_HOME/prepared/<hash>/`, the same byte for byte on every device."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="prepared")
    recipe = models.ForeignKey(Recipe, models.PROTECT, related_name="prepared")
    like = models.ForeignKey("self", models.CASCADE, null=True, related_name="+")
    """the data that a model learned from, when this is made to be shown to that model: with its statistics, the numbers
    of its classes and the order of its columns"""
    state = models.CharField(max_length=10, choices=PreparedState.choices, default=PreparedState.WAITING)
    progress = models.FloatField(default=0)
    worker_seen_at = models.DateTimeField(null=True)
    hash = models.CharField(max_length=64, blank=True, db_index=True)
    manifest = models.JSONField(default=dict)
    bytes = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)
    error = models.TextField(blank=True)
    error_params = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "prepared data"
        constraints = [
            models.UniqueConstraint(fields=["version", "recipe"], condition=Q(like=None), name="one_prepared_data"),
            models.UniqueConstraint(fields=["version", "recipe", "like"], name="one_prepared_data_like"),
        ]

    def __str__(self):
        return f"{self.version}, {self.recipe}"


class Readiness(models.Model):
    """What a device says of prepared data: that it lies there with this hash; or that somebody wants it there."""

    device = models.ForeignKey(Device, models.CASCADE, related_name="readiness")
    prepared = models.ForeignKey(PreparedData, models.CASCADE, related_name="readiness")
    hash = models.CharField(max_length=64, blank=True)
    """"" while it is only wanted"""
    wanted_at = models.DateTimeField(null=True, blank=True)
    """when a user asked for it ahead of any job"""
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "readiness"
        constraints = [models.UniqueConstraint(fields=["device", "prepared"], name="one_readiness")]

    def __str__(self):
        return f"{self.prepared} on {self.device}"


class BaseModelState(models.TextChoices):
    IMPORTING = "importing", _("Importing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class BaseModel(models.Model):
    """Weights that were registered to start jobs from. Files: `FLEETUNE_HOME/models/<hash>/`, immutable; rows with the
    same content share them.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="base_models")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="base_models")
    slug = models.SlugField(max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    source = models.JSONField(default=dict)
    """{"file": name of the upload, "bytes": …} or {"path": directory on the server}"""
    state = models.CharField(max_length=10, choices=BaseModelState.choices, default=BaseModelState.IMPORTING)
    progress = models.FloatField(default=0)
    """of the import, 0 to 1"""
    worker_seen_at = models.DateTimeField(null=True)
    """last sign of the process that imports; silent for long → taken up again"""
    error = models.TextField(blank=True)
    """why the import failed, and what to do"""
    error_params = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=64, blank=True, db_index=True)
    family = models.CharField(_("family"), max_length=60, blank=True)
    """`model_type` of config.json"""
    architecture = models.CharField(_("architecture"), max_length=120, blank=True)
    tasks = models.JSONField(default=list)
    """that it can learn, the one it was made for first; [] = not known"""
    parameters = models.BigIntegerField(_("parameters"), default=0)
    bytes = models.BigIntegerField(_("size"), default=0)
    licence = models.CharField(_("licence"), max_length=120, blank=True)
    """as its card says; "unknown" when that says nothing"""
    files = models.JSONField(default=list)
    """each {"name", "sha256", "bytes"}"""
    facts = models.JSONField(default=dict)
    """{"config": {name: value}, "tensors": {"count", "types": {type: numbers}}, "left_out": [names]}"""
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.slug
