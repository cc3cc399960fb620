"""Credentials of an S3-compatible store, as every tool of the AWS SDK finds them: variables, profiles, roles."""

import os
from urllib.parse import urlsplit

import duckdb

from schemas.errors import WarehouseError

# The SDK's own variables for a store that is not Amazon's, the narrower one first.
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
GIVEN = """
CREATE OR REPLACE SECRET store (
    TYPE s3, KEY_ID $key, SECRET $secret, SESSION_TOKEN $token, REGION $region, ENDPOINT $endpoint,
    URL_STYLE $style, USE_SSL $ssl
)
"""


def give_credentials(connection: duckdb.DuckDBPyConnection) -> None:
    """Lets a DuckDB, for as long as it lives, read and write the store; raises WarehouseError if there are none."""
    try:
        import botocore.session  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise WarehouseError(
            "a lake in an object store needs the package s3fs, which is not installed: pip install"
            ' "credit-express[storage]"'
        ) from error
    session = botocore.session.get_session()
    credentials = session.get_credentials()
    if credentials is None:
        raise WarehouseError(
            "there are no credentials for the object store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a"
            " profile or role as the AWS SDK knows them"
        )
    found = credentials.get_frozen_credentials()
    address = urlsplit(next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), ""))
    region = session.get_config_variable("region") or "us-east-1"
    connection.execute(
        GIVEN,
        {
            "key": found.access_key,
            "secret": found.secret_key,
            "token": found.token or "",
            "region": region,
            "endpoint": address.netloc or f"s3.{region}.amazonaws.com",
            "style": "path" if address.netloc else "vhost",
            "ssl": address.scheme != "http",
        },
    )
