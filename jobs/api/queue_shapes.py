"""The shapes of REST bodies about the queue, for the OpenAPI schema."""

from rest_framework import serializers

from jobs.api.shapes import optional_time


class QueueMoveSerializer(serializers.Serializer):
    job = serializers.IntegerField()
    to = serializers.ChoiceField(["up", "down", "top"])


class WaitingSerializer(serializers.Serializer):
    position = serializers.IntegerField()
    job = serializers.IntegerField()
    name = serializers.CharField()
    priority = serializers.IntegerField()
    wait_reason = serializers.CharField()
    earliest_start = optional_time()
    latest_start = optional_time()


class RunningSerializer(serializers.Serializer):
    job = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.CharField()
    eta_seconds = serializers.FloatField(allow_null=True)


class QueueDeviceSerializer(serializers.Serializer):
    device = serializers.CharField()
    state = serializers.CharField()
    running = RunningSerializer(allow_null=True)
    busy = serializers.BooleanField()
    waiting = WaitingSerializer(many=True)


class QueueSerializer(serializers.Serializer):
    paused = serializers.BooleanField()
    paused_by = serializers.CharField(allow_null=True)
    paused_at = optional_time()
    devices = QueueDeviceSerializer(many=True)
