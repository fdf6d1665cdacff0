"""What REST takes and gives where a model is tried, for the schema."""

from rest_framework import serializers


class QuestionSerializer(serializers.Serializer):
    image = serializers.FileField(required=False, help_text="a file of a form; in JSON its bytes in base64")
    text = serializers.CharField(required=False, help_text="or the prompt of a language model")
    row = serializers.DictField(required=False, help_text="columns of the dataset with their values")
    sample = serializers.IntegerField(required=False, help_text="number of an item of the dataset")
    device = serializers.CharField(required=False, help_text="slug; without it, whichever is free")


class PredictionSerializer(serializers.Serializer):
    id = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(["waiting", "running", "done", "failed"])
    job = serializers.IntegerField()
    step = serializers.IntegerField(allow_null=True, help_text="of the checkpoint; null: the model that the job left")
    device = serializers.CharField(help_text="slug, or 'server' when every device was busy")
    prediction = serializers.DictField(help_text="classes, boxes, value or text")
    picture = serializers.CharField(help_text="PNG in base64, as the model saw it: boxes are in its pixels")
    seconds = serializers.DictField(help_text="recipe, queue, load, run")
    runtime = serializers.CharField()
    sentence = serializers.CharField(help_text="what it waits for, or why there is no answer")
    url = serializers.CharField()
