"""The shapes of REST answers and bodies, for the OpenAPI document."""

from rest_framework import serializers


class DatasetSerializer(serializers.Serializer):
    slug = serializers.SlugField()
    name = serializers.CharField()
    task = serializers.CharField()
    state = serializers.ChoiceField(["importing", "ready", "failed"])
    progress = serializers.FloatField()
    error = serializers.CharField()
    source = serializers.DictField()
    sensitive = serializers.BooleanField()
    demo = serializers.BooleanField()
    owner = serializers.CharField()
    project = serializers.SlugField()
    created_at = serializers.DateTimeField()
    version = serializers.DictField(allow_null=True)
    warnings = serializers.ListField(child=serializers.DictField())


class NewDatasetSerializer(serializers.Serializer):
    file = serializers.FileField(required=False, help_text="A zip of class folders (multipart).")
    builtin = serializers.CharField(required=False, help_text="mnist-5k or digits-8x8")
    url = serializers.URLField(required=False, help_text="Off by default: 403.")
    name = serializers.CharField(required=False)
    project = serializers.SlugField(required=False)


class DatasetChangeSerializer(serializers.Serializer):
    name = serializers.CharField(required=False)
    sensitive = serializers.BooleanField(required=False)


class ReadinessSerializer(serializers.Serializer):
    device = serializers.SlugField()
    name = serializers.CharField()
    host = serializers.CharField()
    status = serializers.ChoiceField(["ready", "preparing", "failed", "other_recipe", "not_here", "wanted", "unknown"])
    text = serializers.CharField()
    hash = serializers.CharField()
    samples = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class VersionSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    hash = serializers.CharField()
    items = serializers.IntegerField()
    bytes = serializers.IntegerField()
    classes = serializers.ListField(child=serializers.CharField())
    splits = serializers.DictField()
    unreadable = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    schema = serializers.DictField()
    prepared = serializers.ListField(child=serializers.DictField())
    readiness = ReadinessSerializer(many=True, allow_null=True)


class StepsSerializer(serializers.Serializer):
    recipe = serializers.ListField(child=serializers.DictField(), required=False)


class PreparedSerializer(serializers.Serializer):
    recipe = serializers.CharField()
    hash = serializers.CharField()
    state = serializers.CharField()
    readiness = ReadinessSerializer(many=True)


class RecipeSerializer(serializers.Serializer):
    hash = serializers.CharField()
    steps = serializers.ListField(child=serializers.DictField())
    words = serializers.ListField(child=serializers.CharField())


class NewRecipeSerializer(serializers.Serializer):
    steps = serializers.ListField(child=serializers.DictField())
    dataset = serializers.SlugField(required=False, help_text="Also check the steps against this dataset.")


class StepSerializer(serializers.Serializer):
    step = serializers.CharField()
    parameters = serializers.DictField()
