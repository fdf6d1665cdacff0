from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files named by their content, imports between our own modules included."""

    support_js_module_import_aggregation = True
    manifest_strict = False
