"""The shapes of REST bodies about devices, for the OpenAPI schema. What is in them comes from `queries`."""

from rest_framework import serializers


class HostSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    platform = serializers.CharField()
    environment = serializers.DictField()
    environment_at = serializers.DateTimeField(allow_null=True)
    agent_version = serializers.CharField()
    devices = serializers.ListField(child=serializers.CharField())


class HolderSerializer(serializers.Serializer):
    attempt = serializers.IntegerField(allow_null=True)
    errand = serializers.IntegerField(allow_null=True)


class DrainSerializer(serializers.Serializer):
    by = serializers.CharField()
    reason = serializers.CharField()


class DeviceSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    host = serializers.CharField()
    kind = serializers.CharField(help_text="cpu or cuda")
    index = serializers.IntegerField()
    label = serializers.CharField(help_text="what it is, as it says itself")
    labels = serializers.ListField(child=serializers.CharField())
    state = serializers.CharField(help_text="joining, online, draining or offline")
    busy = serializers.BooleanField()
    holder = HolderSerializer(allow_null=True)
    drain = DrainSerializer(allow_null=True)
    memory_bytes = serializers.IntegerField()
    cores = serializers.ListField(child=serializers.IntegerField())
    speed = serializers.FloatField(allow_null=True)
    reading = serializers.DictField(help_text="last system/… values")
    last_seen_at = serializers.DateTimeField(allow_null=True)
    environment = serializers.DictField()
    environment_at = serializers.DateTimeField(allow_null=True)
    agent_version = serializers.CharField()
    address = serializers.CharField()
    interface = serializers.CharField()
    fence = serializers.IntegerField()
    lease_expires_at = serializers.DateTimeField(allow_null=True)
    last_ring_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class DeviceChangeSerializer(serializers.Serializer):
    name = serializers.CharField(required=False, max_length=120)
    labels = serializers.ListField(child=serializers.CharField(), required=False)
    drain = serializers.BooleanField(required=False)
    reason = serializers.CharField(required=False)
    running = serializers.ChoiceField(["finish", "move"], required=False)


class MomentSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    values = serializers.DictField()


class ReadingSerializer(serializers.Serializer):
    device = serializers.CharField()
    span = serializers.CharField()
    readings = MomentSerializer(many=True)


class NewJoinTokenSerializer(serializers.Serializer):
    device = serializers.CharField(required=False, help_text="slug of a row that this token turns online")
    host = serializers.CharField(required=False, help_text="name of the host its devices join")
    labels = serializers.ListField(child=serializers.CharField(), required=False)


class JoinTokenSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    token = serializers.CharField()
    commands = serializers.DictField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()
