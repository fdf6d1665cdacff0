"""The shapes of REST bodies about people and what is theirs."""

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import AuditEntry, Draft, Project, Role, Scope, Token, User
from accounts.permissions import Rank, role_of

ROLES = [*Role.values, "admin"]


class PersonSerializer(serializers.ModelSerializer):
    """A name and a role; nothing else of a person is anybody's business."""

    role = serializers.SerializerMethodField(help_text="viewer, operator, admin or none")

    class Meta:
        model = User
        fields = ["username", "role", "is_active"]

    @extend_schema_field(str)
    def get_role(self, person: User) -> str:
        return person_role(person)


class NewPersonSerializer(serializers.Serializer):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(ROLES)


class PersonChangeSerializer(serializers.Serializer):
    role = serializers.ChoiceField(ROLES, required=False)
    is_active = serializers.BooleanField(required=False)


class InvitedSerializer(serializers.Serializer):
    username = serializers.CharField()
    role = serializers.CharField()
    link = serializers.CharField(help_text="path of a one-time sign-in link; shown once")


class ProjectSerializer(serializers.ModelSerializer):
    role = serializers.SerializerMethodField(help_text="yours")

    class Meta:
        model = Project
        fields = ["slug", "name", "role", "created_at"]
        read_only_fields = ["created_at"]

    @extend_schema_field(str)
    def get_role(self, project: Project) -> str:
        request = self.context.get("request")
        return role_of(request.user if request else AnonymousUser(), project).name.lower()


class TokenSerializer(serializers.ModelSerializer):
    class Meta:
        model = Token
        fields = ["id", "name", "scope", "created_at", "expires_at", "last_used_at", "revoked_at"]


class NewTokenSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    scope = serializers.ChoiceField(Scope.values)
    days = serializers.IntegerField(min_value=1, max_value=3650, default=90)


class MadeTokenSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="flt_…; shown once")


class AuditSerializer(serializers.ModelSerializer):
    actor = serializers.CharField(source="actor_name")

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "actor", "via", "verb", "object_type", "object_id", "object_name", "address", "before", "after",
            "reason", "hash",
        ]  # fmt: skip


class DraftSerializer(serializers.ModelSerializer):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Draft
        fields = ["id", "kind", "project", "data", "updated_at"]


class NewDraftSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["job", "dataset"])
    data = serializers.DictField()
    project = serializers.CharField(required=False)


class DraftChangeSerializer(serializers.Serializer):
    data = serializers.DictField()


def person_role(person: User) -> str:
    """viewer, operator, admin or none. Of someone kept out too: the role they would have."""
    if person.is_superuser:
        return "admin"
    roles = {membership.role for membership in person.memberships.all()}
    return Role.OPERATOR if Role.OPERATOR in roles else Role.VIEWER if roles else Rank.NONE.name.lower()
