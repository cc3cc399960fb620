"""An S3-compatible object store for tests: moto's server, in this process, on a port of 127.0.0.1."""

import logging
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

# It logs every request.
logging.getLogger("werkzeug").setLevel(logging.WARNING)
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "password", "AWS_REGION": "eu-west-3"}


class ObjectStore:
    """A bucket of the test's own in a store that can be made to refuse."""

    def __init__(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, self._port = self._server.get_host_and_port()
        self.bucket = f"scoring-{uuid.uuid4().hex[:12]}"
        self.environment = KEYS | {
            "AWS_DEFAULT_REGION": KEYS["AWS_REGION"],
            "AWS_ENDPOINT_URL": f"http://{host}:{self._port}",
        }
        self.client.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": KEYS["AWS_REGION"]}
        )

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=KEYS["AWS_REGION"],
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def address(self, folder: str) -> str:
        return f"s3://{self.bucket}/{folder}"

    def settings(self) -> dict[str, str]:
        """Every folder that can be shared, in this store; without the prefix, in lower case."""
        return {name: self.address(name) for name in ("landing", "models", "reports", "predictions")}

    def put(self, folder: str, source: Path) -> None:
        """Everything below a folder of this host."""
        for path in sorted(source.rglob("*")):
            if path.is_file():
                key = f"{folder}/{path.relative_to(source).as_posix()}"
                self.client.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

    def objects(self, folder: str = "") -> dict[str, bytes]:
        """Every object by its key."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key: self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def stop(self) -> None:
        """From now on connections are refused; what is stored stays."""
        self._server.stop()

    def start(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    @contextmanager
    def refusing(self, seconds: float) -> Iterator[None]:
        """Refuses connections, and answers again after so many seconds, in which the test goes on."""
        self.stop()
        timer = threading.Timer(seconds, self.start)
        timer.start()
        try:
            yield
        finally:
            timer.join()


def scoring(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as the environment has them."""
    return {f"SCORING_{name.upper()}": value for name, value in settings.items()}
