"""Resumable uploads: POST begins one, PATCH sends the next chunk, HEAD says where it stands.

POST /api/v1/uploads/ {"name": "pets.zip", "bytes": 70000000, "sha256": "…"}
PATCH /api/v1/uploads/<id>/  Upload-Offset: 0  Content-Type: application/offset+octet-stream  (at most 64 MiB)
POST /api/v1/datasets/ {"upload": "<id>"}
"""

from typing import Any

from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import require
from catalog import api_schema
from catalog.models import Upload
from catalog.queries.datasets import iso
from catalog.request_bodies import object_of, refuse_unknown
from catalog.services import uploading
from config.rest import problem
from contract.problems import Invalid, Problem, gettext_noop

OFFSET = OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True)
CHECKSUM = OpenApiParameter("Upload-Checksum", str, OpenApiParameter.HEADER, description="sha256 <base64>")


class ChunkParser(BaseParser):
    """The body as it is: a stream."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream, media_type=None, parser_context=None) -> Any:
        return stream


class UploadList(APIView):
    @extend_schema(responses=api_schema.UploadSerializer(many=True))
    def get(self, request) -> Response:
        """Your own uploads that no dataset has taken over yet."""
        rows = Upload.objects.filter(owner=request.user).order_by("-created_at")
        return Response({"count": len(rows), "next": None, "previous": None, "results": [_json(row) for row in rows]})

    @extend_schema(request=api_schema.NewUploadSerializer, responses={201: api_schema.UploadSerializer})
    def post(self, request) -> HttpResponseBase:
        require(request.user, "run", token=request.auth)
        body = object_of(request.data)
        refuse_unknown(body, {"name", "bytes", "sha256", "fingerprint"})
        asked = {"sha256": body.get("sha256", ""), "fingerprint": body.get("fingerprint", "")}
        try:
            row = uploading.begin(request.user, body.get("name"), body.get("bytes"), **asked)
        except uploading.NoSpace as error:
            sentence = _("The upload does not fit: %(free)s MiB are free on the server.")
            return problem(413, sentence % {"free": error.free // 2**20}, free=error.free)
        return Response(_json(row), status=201, headers={"Location": f"/api/v1/uploads/{row.pk}/"} | _headers(row))


class UploadDetail(APIView):
    parser_classes = [ChunkParser]

    @extend_schema(responses=api_schema.UploadSerializer)
    def get(self, request, upload_id) -> Response:
        row = _own(request, upload_id)
        return Response(_json(row), headers=_headers(row))

    @extend_schema(responses={200: None})
    def head(self, request, upload_id) -> Response:
        return Response(headers=_headers(_own(request, upload_id)))

    @extend_schema(
        parameters=[OFFSET, CHECKSUM],
        request={ChunkParser.media_type: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def patch(self, request, upload_id) -> HttpResponseBase:
        row = _own(request, upload_id)
        offset = request.headers.get("Upload-Offset", "")
        if not (offset.isdecimal() and len(offset) < 16):
            raise Invalid([Problem("Upload-Offset", gettext_noop("Say here at which byte the chunk begins."))])
        return _appended(row, int(offset), request)

    @extend_schema(responses={204: None})
    def delete(self, request, upload_id) -> Response:
        uploading.forget(_own(request, upload_id))
        return Response(status=204)


def _appended(row: Upload, offset: int, request) -> HttpResponseBase:
    try:
        row = uploading.append(row, offset, request.data, request.headers.get("Upload-Checksum", ""))
    except uploading.WrongOffset as error:
        sentence = _("The upload goes on at byte %(offset)s.") % {"offset": error.received}
        return problem(409, sentence, offset=error.received)
    except uploading.TooLarge:
        return problem(413, _("A chunk has at most 64 MiB, and no more than the upload was announced with."))
    except uploading.WrongHash as error:
        if error.whole:
            return problem(422, _("The file is not the one that was announced: its SHA-256 differs. Upload it anew."))
        return problem(422, _("The chunk was damaged on its way: its SHA-256 differs. Send it again."))
    return Response(status=204, headers=_headers(row))


def _own(request, upload_id) -> Upload:
    """Http404 for foreign ones too: that somebody uploads is nobody's business."""
    require(request.user, "run", token=request.auth)
    try:
        return get_object_or_404(Upload, owner=request.user, pk=upload_id)
    except ValueError as error:
        raise Http404 from error


def _headers(row: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(row.received), "Upload-Length": str(row.bytes)}


def _json(row: Upload) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "name": row.name,
        "bytes": row.bytes,
        "offset": row.received,
        "complete": row.received == row.bytes,
        "sha256": row.sha256,
        "fingerprint": row.fingerprint,
        "chunk_bytes": uploading.CHUNK_BYTES,
        "expires_at": iso(row.seen_at + uploading.KEPT_FOR),
    }
