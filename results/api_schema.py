"""The shapes of REST bodies about results, for the OpenAPI schema. What is in them comes from `queries`."""

from rest_framework import serializers

from results.models import Stage
from results.suites import SUITES


class HeadlineSerializer(serializers.Serializer):
    metric = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    split = serializers.CharField()
    higher_is_better = serializers.BooleanField()


class AgreementSerializer(serializers.Serializer):
    measured = serializers.IntegerField()
    same = serializers.IntegerField()


class ResultSerializer(serializers.Serializer):
    """A model by name, and what its newest version shows."""

    slug = serializers.CharField()
    name = serializers.CharField()
    task = serializers.CharField()
    project = serializers.CharField()
    owner = serializers.CharField()
    versions = serializers.IntegerField()
    newest = serializers.IntegerField()
    stage = serializers.ChoiceField(Stage.choices)
    headline = HeadlineSerializer()
    devices = AgreementSerializer()
    bytes = serializers.IntegerField()
    job = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    url = serializers.CharField()


class MeasuredDataSerializer(serializers.Serializer):
    slug = serializers.CharField()
    version = serializers.IntegerField()
    own = serializers.BooleanField(help_text="whether the job learned from this data")


class MeasurementSerializer(serializers.Serializer):
    """One artifact or checkpoint on one device over one split."""

    id = serializers.IntegerField(allow_null=True)
    job = serializers.IntegerField()
    result = serializers.CharField()
    version = serializers.IntegerField(allow_null=True)
    artifact = serializers.CharField(help_text='a file; or "start" (before training), or "checkpoint"')
    checkpoint = serializers.IntegerField(allow_null=True, help_text="its step")
    sha256 = serializers.CharField()
    dataset = MeasuredDataSerializer()
    split = serializers.CharField()
    foreign = serializers.CharField(allow_null=True, help_text="the dataset that it was asked to tell from its own")
    device = serializers.CharField()
    state = serializers.CharField(help_text="pending, running, done or failed")
    samples = serializers.IntegerField(allow_null=True)
    metrics = serializers.DictField(child=serializers.FloatField())
    details = serializers.DictField()
    latency_ms = serializers.DictField(allow_null=True, help_text="p50, p90, p99 of one sample, and n")
    throughput = serializers.DictField(allow_null=True, help_text="samples a second by batch size")
    cold_start_seconds = serializers.FloatField(allow_null=True)
    peak_memory_bytes = serializers.IntegerField(allow_null=True)
    file_bytes = serializers.IntegerField(allow_null=True)
    parity = serializers.DictField(allow_null=True, help_text="against the trained model on the same device")
    runtime = serializers.CharField(allow_null=True)
    rows_of = serializers.IntegerField(allow_null=True, help_text="the evaluation whose /samples/ are behind `details`")
    suites = serializers.DictField(help_text="what each further suite found, by its name; not_measured says why not")
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class SampleSerializer(serializers.Serializer):
    """One row of the split, and what the model answered."""

    row = serializers.IntegerField()
    true = serializers.JSONField(allow_null=True, help_text="class, or value")
    said = serializers.JSONField(allow_null=True)
    loss = serializers.FloatField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    image = serializers.CharField(required=False)
    width = serializers.IntegerField(required=False)
    height = serializers.IntegerField(required=False)
    boxes = serializers.DictField(required=False, help_text="true and said boxes, in pixels of the picture")
    name = serializers.CharField(required=False)
    text = serializers.CharField(required=False)
    values = serializers.ListField(required=False)


class SamplePageSerializer(serializers.Serializer):
    items = SampleSerializer(many=True)
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    count = serializers.IntegerField()


class WeakestSerializer(serializers.Serializer):
    all = serializers.FloatField(allow_null=True, help_text="the leading metric of every row")
    slices = serializers.ListField(child=serializers.DictField(), help_text="what, value, n, metric, low, high")


class ResultVersionSerializer(serializers.Serializer):
    """All of a version."""

    slug = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    task = serializers.CharField()
    project = serializers.CharField()
    owner = serializers.CharField()
    url = serializers.CharField()
    job = serializers.IntegerField()
    stage = serializers.ChoiceField(Stage.choices)
    stage_reason = serializers.CharField()
    staged_by = serializers.CharField(allow_null=True)
    staged_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    headline = HeadlineSerializer()
    devices = AgreementSerializer()
    requirements = serializers.ListField(child=serializers.DictField())
    evaluations = MeasurementSerializer(many=True)
    elsewhere = MeasurementSerializer(many=True, help_text="of checkpoints, and on other datasets")
    artifacts = serializers.ListField(child=serializers.DictField())
    lineage = serializers.DictField()
    safety = serializers.ListField(
        child=serializers.DictField(), help_text="one row for each question, see docs/safety.md"
    )
    security = serializers.DictField()
    card = serializers.DictField()


class ResultVersionChangeSerializer(serializers.Serializer):
    stage = serializers.ChoiceField(Stage.choices, required=False)
    reason = serializers.CharField(required=False, help_text="of the stage; required with it")
    card = serializers.CharField(required=False, help_text='Markdown; "" goes back to the card made from facts')


class NewMeasurementSerializer(serializers.Serializer):
    result = serializers.CharField(required=False)
    version = serializers.IntegerField(required=False)
    job = serializers.IntegerField(required=False, help_text="instead of result and version")
    artifact = serializers.CharField(required=False, help_text="default model.safetensors")
    checkpoint = serializers.IntegerField(required=False, help_text="a step, in place of artifact")
    dataset = serializers.CharField(required=False, help_text="default: the one that the job learned from")
    split = serializers.CharField(required=False, help_text="default: the one that the job evaluated")
    devices = serializers.ListField(child=serializers.CharField(), required=False, help_text="default: all online")
    suites = serializers.ListField(
        child=serializers.ChoiceField(list(SUITES)),
        required=False,
        help_text="default: quality, speed",
    )
    foreign = serializers.CharField(required=False, help_text="a dataset for out_of_distribution, beside noise")
