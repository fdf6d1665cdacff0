"""The shapes of REST bodies about jobs, for the OpenAPI schema. What is in them comes from `queries`."""

from rest_framework import serializers

from contract.reasons import EndReason, WaitReason
from jobs.states import AttemptState, JobState

TIME = serializers.DateTimeField


def numbers(kind: type = serializers.ListField, **more) -> serializers.Field:
    """Numbers, null where one is not finite."""
    return kind(child=serializers.FloatField(allow_null=True), **more)


def optional_time() -> serializers.Field:
    return TIME(allow_null=True)


class DatasetOfJobSerializer(serializers.Serializer):
    slug = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    hash = serializers.CharField()


class ActionSerializer(serializers.Serializer):
    label = serializers.CharField()
    url = serializers.CharField()
    method = serializers.CharField()


class StateLineSerializer(serializers.Serializer):
    text = serializers.CharField()
    tone = serializers.CharField()
    actions = ActionSerializer(many=True)


class JobRowSerializer(serializers.Serializer):
    """A job as one line of a list."""

    id = serializers.IntegerField()
    url = serializers.CharField()
    name = serializers.CharField()
    project = serializers.CharField()
    owner = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField(help_text=", ".join(JobState.values))
    state_line = StateLineSerializer()
    wait_reason = serializers.CharField(help_text='"" or one of ' + ", ".join(WaitReason))
    end_reason = serializers.CharField(help_text='"" or one of ' + ", ".join(EndReason))
    stage = serializers.CharField(help_text="preprocess, compile, fine_tune or evaluate")
    activity = serializers.CharField()
    progress = serializers.FloatField(help_text="0 to 1")
    eta_seconds = serializers.FloatField(allow_null=True)
    step = serializers.IntegerField()
    total_steps = serializers.IntegerField()
    dataset = DatasetOfJobSerializer()
    devices = serializers.ListField(child=serializers.CharField())
    summary = numbers(serializers.DictField, help_text="last value per key")
    summary_not_finite = serializers.DictField(child=serializers.CharField())
    priority = serializers.IntegerField()
    demo = serializers.BooleanField()
    colour = serializers.IntegerField()
    archived = serializers.BooleanField()
    seq = serializers.IntegerField()
    created_at = TIME()
    started_at = optional_time()
    ended_at = optional_time()


class RankSerializer(serializers.Serializer):
    rank = serializers.IntegerField()
    device = serializers.CharField()
    device_name = serializers.CharField()
    host = serializers.CharField()
    pid = serializers.IntegerField(allow_null=True)
    step = serializers.IntegerField()
    stage = serializers.CharField()
    activity = serializers.CharField()
    activity_progress = serializers.FloatField()
    proofs = serializers.DictField()
    gone = serializers.BooleanField()


class AttemptSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    state = serializers.CharField(help_text=", ".join(AttemptState.values))
    end_reason = serializers.CharField()
    reason_params = serializers.DictField()
    world_size = serializers.IntegerField()
    resumed_from_step = serializers.IntegerField(allow_null=True)
    created_at = TIME()
    started_at = optional_time()
    ended_at = optional_time()
    ranks = RankSerializer(many=True)


class RequirementSerializer(serializers.Serializer):
    text = serializers.CharField()
    key = serializers.CharField()
    unit = serializers.CharField(help_text='of value and limit; "" for metrics')
    limit = serializers.FloatField()
    value = serializers.FloatField(allow_null=True, help_text="the worst that the limit is about")
    file = serializers.CharField(help_text="where it was measured")
    device = serializers.CharField()
    n = serializers.IntegerField(allow_null=True)
    shown = serializers.CharField(help_text="value, where and n, in words")
    verdict = serializers.CharField(help_text="met, missed, open or unknown")


class PreparedOfJobSerializer(serializers.Serializer):
    hash = serializers.CharField()
    state = serializers.CharField()
    progress = serializers.FloatField()


class ForecastOfJobSerializer(serializers.Serializer):
    """What was predicted of a job when it was submitted, and what came."""

    basis = serializers.CharField()
    predicted_seconds = serializers.FloatField(allow_null=True)
    shortest_seconds = serializers.FloatField(allow_null=True)
    longest_seconds = serializers.FloatField(allow_null=True)
    predicted = serializers.DictField(child=serializers.FloatField())
    real_seconds = serializers.FloatField(allow_null=True)
    real = serializers.DictField(child=serializers.FloatField())
    error = serializers.FloatField(allow_null=True, help_text="0.2 = it took 20 % longer than predicted")


class JobSerializer(JobRowSerializer):
    """All of a job."""

    task = serializers.CharField()
    requirements = RequirementSerializer(many=True)
    reason_params = serializers.DictField()
    reason_actions = ActionSerializer(many=True)
    attempts = AttemptSerializer(many=True)
    proofs = serializers.DictField()
    spec = serializers.DictField()
    model = serializers.DictField()
    source = serializers.IntegerField(allow_null=True)
    prepared = PreparedOfJobSerializer()
    steps_per_epoch = serializers.FloatField()
    epoch = serializers.FloatField(allow_null=True)
    not_before = optional_time()
    failures = serializers.IntegerField()
    removed_at = optional_time()
    forecast = ForecastOfJobSerializer(allow_null=True)


class JobSpecSerializer(serializers.Serializer):
    """The job spec: everything but task, dataset and model has a default."""

    task = serializers.CharField()
    dataset = serializers.CharField()
    model = serializers.DictField()
    name = serializers.CharField(required=False)
    project = serializers.CharField(required=False)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    recipe = serializers.ListField(child=serializers.DictField(), required=False)
    devices = serializers.DictField(required=False)
    method = serializers.DictField(required=False)
    parallel = serializers.DictField(required=False)
    training = serializers.DictField(required=False)
    evaluation = serializers.DictField(required=False)
    export = serializers.DictField(required=False)
    schedule = serializers.DictField(required=False)
    requirements = serializers.ListField(child=serializers.CharField(), required=False)
    security = serializers.DictField(required=False)


class JobChangeSerializer(serializers.Serializer):
    name = serializers.CharField(required=False, max_length=120)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    priority = serializers.IntegerField(required=False, min_value=-10, max_value=10)
    archived = serializers.BooleanField(required=False)


class CancelSerializer(serializers.Serializer):
    force = serializers.BooleanField(required=False)


class RetrySerializer(serializers.Serializer):
    # `from` is a word of Python's: the field gets its name in `get_fields`.
    def get_fields(self):
        return {"from": serializers.ChoiceField(["checkpoint", "start"], required=False)}


class CheckSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="spec, dataset, data, source, devices, batch or agreement")
    ok = serializers.BooleanField(allow_null=True, help_text="null: not known, or not yet")
    text = serializers.CharField()
    device = serializers.CharField(help_text='"" when it is about no single device')
    path = serializers.CharField(help_text="the part of the spec that a problem is about")
    facts = serializers.DictField()


class WaySerializer(serializers.Serializer):
    """One way to share the model, and what the job would take that way."""

    text = serializers.CharField()
    strategy = serializers.CharField()
    shares = serializers.CharField()
    devices = serializers.ListField(child=serializers.CharField())
    seconds = serializers.FloatField()
    samples_per_second = serializers.FloatField()
    memory_bytes = serializers.IntegerField(allow_null=True)
    fits = serializers.BooleanField()
    proposed = serializers.BooleanField()
    asked = serializers.BooleanField()


class ForecastSerializer(serializers.Serializer):
    """What a job would take; `seconds` null: nothing like it was measured yet."""

    seconds = serializers.FloatField(allow_null=True)
    shortest_seconds = serializers.FloatField(allow_null=True)
    longest_seconds = serializers.FloatField(allow_null=True)
    parts = serializers.DictField(child=serializers.FloatField(), help_text="start, prepare, train, evaluate, export")
    basis = serializers.CharField(help_text='jobs, preflight, kin, or "" when nothing is known')
    reasons = serializers.ListField(child=serializers.CharField())
    choices = WaySerializer(many=True)
    batch_size = serializers.IntegerField(allow_null=True, help_text="per device, when another would be faster")


class PreflightSerializer(serializers.Serializer):
    ok = serializers.BooleanField()
    checks = CheckSerializer(many=True)
    forecast = ForecastSerializer(allow_null=True)


class SmoothedSerializer(serializers.Serializer):
    steps = serializers.ListField(child=serializers.IntegerField())
    values = numbers()
    times = serializers.ListField(child=TIME())
    state = serializers.DictField(help_text="average, count, weight: to go on with new points")


class SeriesSerializer(serializers.Serializer):
    key = serializers.CharField()
    rank = serializers.IntegerField()
    total_points = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.IntegerField())
    values = numbers()
    times = serializers.ListField(child=TIME())
    not_finite = serializers.ListField(child=serializers.ListField(), help_text="[[step, nan|inf|-inf], …]")
    not_finite_total = serializers.IntegerField()
    smoothed = SmoothedSerializer(required=False)


class MetricsSerializer(serializers.Serializer):
    series = SeriesSerializer(many=True)
    cursor = serializers.IntegerField()


class TransitionSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    actor = serializers.CharField(help_text="user, scheduler, reconciler, attempt or system")
    user = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()
    params = serializers.DictField()
    seq = serializers.IntegerField()
    at = TIME()

    def get_fields(self):
        return {"from": serializers.CharField(), "to": serializers.CharField(), **super().get_fields()}


class CheckpointSerializer(serializers.Serializer):
    step = serializers.IntegerField()
    attempt = serializers.IntegerField()
    manifest_hash = serializers.CharField()
    bytes = serializers.IntegerField()
    state = serializers.CharField(help_text="local, complete, damaged or pruned")
    metrics = serializers.DictField()
    holders = serializers.ListField(child=serializers.CharField())
    created_at = TIME()


class LogLineSerializer(serializers.Serializer):
    seq = serializers.IntegerField()
    rank = serializers.IntegerField()
    attempt = serializers.IntegerField()
    time = TIME()
    level = serializers.CharField()
    text = serializers.CharField()


class ArtifactSerializer(serializers.Serializer):
    name = serializers.CharField()
    format = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField(allow_null=True, help_text="these facts; null while the file is not on the server")
    download_url = serializers.CharField(allow_null=True, help_text="the file itself")
    error = serializers.CharField(help_text="why this format could not be made")
    attempt = serializers.IntegerField(allow_null=True)


class EvaluationSerializer(serializers.Serializer):
    device = serializers.CharField()
    attempt = serializers.IntegerField(allow_null=True)
    artifact = serializers.CharField()
    split = serializers.CharField()
    samples = serializers.IntegerField()
    metrics = serializers.DictField()
    at = TIME()
