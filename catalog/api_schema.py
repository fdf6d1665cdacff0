"""The shapes of REST answers and bodies, for the OpenAPI document."""

from rest_framework import serializers

from catalog.imports.cleaning import WITHOUT


class DatasetSerializer(serializers.Serializer):
    slug = serializers.SlugField()
    name = serializers.CharField()
    task = serializers.CharField()
    state = serializers.ChoiceField(["importing", "review", "ready", "failed"])
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
    left_out = serializers.ListField(
        child=serializers.DictField(), help_text="The first 20 that the import could not use: name and reason."
    )
    review = serializers.DictField(allow_null=True, help_text="What waits for a decision, in short.")


class NewVersionSerializer(serializers.Serializer):
    """A source of data (none: the last one again), and what is not to be left to detection."""

    file = serializers.FileField(required=False, help_text="An archive or a table (multipart).")
    upload = serializers.UUIDField(required=False, help_text="A complete upload of yours.")
    directory = serializers.CharField(required=False, help_text="Of the server, below an allowed root.")
    builtin = serializers.CharField(required=False, help_text="For example mnist-5k.")
    url = serializers.URLField(required=False, help_text="Of an archive or a table. Off by default: 403.")
    urls = serializers.JSONField(required=False, help_text="Text, 'address label' a line, or a list of {url, label}.")
    take = serializers.ChoiceField(["images", "texts"], required=False, help_text="What 'urls' lead to.")
    crawl = serializers.DictField(required=False, help_text="start, depth, domains, take, label, …: docs/web-data.md.")
    s3 = serializers.DictField(required=False, help_text="bucket, prefix, endpoint, region, access_key, secret_key.")
    task = serializers.CharField(required=False)
    label_column = serializers.CharField(required=False)
    text_column = serializers.CharField(required=False)
    group_column = serializers.CharField(required=False, help_text="Rows of one group stay in one split.")
    delimiter = serializers.ChoiceField(["comma", "semicolon", "tab", "pipe"], required=False)
    decimal = serializers.ChoiceField(["point", "comma"], required=False)
    encoding = serializers.CharField(required=False)
    unreadable = serializers.ChoiceField(["drop", "stop"], required=False)
    review = serializers.CharField(
        required=False,
        help_text="true: show what was found and wait for commit/; unclear: only when it had to guess. Default: false.",
    )


class NewDatasetSerializer(NewVersionSerializer):
    name = serializers.CharField(required=False)
    project = serializers.SlugField(required=False)


class NewUploadSerializer(serializers.Serializer):
    name = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField(required=False)
    fingerprint = serializers.CharField(required=False, help_text="By which you know the file again.")


class UploadSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    bytes = serializers.IntegerField()
    offset = serializers.IntegerField()
    complete = serializers.BooleanField()
    sha256 = serializers.CharField()
    fingerprint = serializers.CharField()
    chunk_bytes = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class ItemPageSerializer(serializers.Serializer):
    items = serializers.ListField(child=serializers.DictField())
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    count = serializers.IntegerField()


class DiffSerializer(serializers.Serializer):
    to = serializers.IntegerField()
    same = serializers.BooleanField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    moved = serializers.IntegerField()
    items = serializers.ListField(child=serializers.DictField())


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


class FoundSerializer(serializers.Serializer):
    hash = serializers.CharField(help_text="Of the version that it becomes.")
    task = serializers.CharField()
    kind = serializers.CharField()
    items = serializers.IntegerField()
    bytes = serializers.IntegerField()
    classes = serializers.ListField(child=serializers.CharField())
    splits = serializers.DictField()
    unreadable = serializers.IntegerField()
    schema = serializers.DictField()
    warnings = serializers.ListField(child=serializers.DictField())
    samples = serializers.ListField(child=serializers.DictField())
    source = serializers.DictField()
    options = serializers.DictField()
    until = serializers.DateTimeField(help_text="Then it goes, when nobody has decided.")


class CommitSerializer(serializers.Serializer):
    hash = serializers.CharField(required=False, help_text="Of what you have seen: another one is refused (409).")


class CleanSerializer(serializers.Serializer):
    without = serializers.ListField(
        child=serializers.ChoiceField(WITHOUT), required=False, help_text="Without it: everything that the checks list."
    )


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
    name = serializers.CharField(required=False, help_text="Keep it under this name; the answer is the kept recipe.")


class KeptRecipeSerializer(RecipeSerializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    owner = serializers.CharField()


class RenameSerializer(serializers.Serializer):
    name = serializers.CharField()


class StepSerializer(serializers.Serializer):
    step = serializers.CharField()
    about = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())
    once = serializers.BooleanField(help_text="A recipe can have it once only.")
    parameters = serializers.DictField()
    parameter_kinds = serializers.DictField(help_text="choice, word, whole, number, words, numbers or json, of each.")
    expects = serializers.DictField(help_text="What each parameter has to be, as a sentence.")
    choices = serializers.DictField(help_text="The words of each parameter that is a choice.")
    protects = serializers.CharField()
    does_not_protect = serializers.CharField()


class OfferedRecipeSerializer(KeptRecipeSerializer):
    may_change = serializers.BooleanField(help_text="Whether you may rename or forget it.")


class RecipesForSerializer(serializers.Serializer):
    dataset = serializers.CharField()
    kind = serializers.CharField()
    default = serializers.ListField(child=serializers.DictField())
    prepared = serializers.ListField(
        child=serializers.DictField(), allow_null=True, help_text="The steps of the data that was prepared last."
    )
    kept = OfferedRecipeSerializer(many=True)
    may_keep = serializers.BooleanField(help_text="Whether you may keep steps under a name.")
    steps = StepSerializer(many=True)


class PlaceOfStepSerializer(serializers.Serializer):
    steps = serializers.ListField(child=serializers.DictField())
    add = serializers.CharField(help_text="The name of another step.")


class PlaceSerializer(serializers.Serializer):
    place = serializers.IntegerField(help_text="The last place, counted from 0, where the rules of order let it be.")


class PreviewSerializer(serializers.Serializer):
    recipe = serializers.ListField(child=serializers.DictField())
    items = serializers.ListField(child=serializers.DictField())
