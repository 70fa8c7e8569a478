"""The file stores of the tests: a folder, and a real server with the S3 protocol."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3  # type: ignore[import-untyped]
import httpx
from moto.server import ThreadedMotoServer

from server.settings import Settings, read_settings
from tests.support.processes import SECRET

BUCKET = "clinic-files"


class Place(Protocol):
    """A file store with its settings, seen from outside the product."""

    @property
    def settings(self) -> Settings:
        """The settings of the store."""

    def held(self) -> dict[str, bytes]:
        """The content of every file in the store by its name, unfinished ones included."""


@dataclass
class Folder:
    """A store in a folder below BILLING_HOME."""

    home: Path

    @property
    def settings(self) -> Settings:
        """The settings of the store."""
        return read_settings({"BILLING_HOME": str(self.home), "BILLING_SECRET_KEY": SECRET})

    def held(self) -> dict[str, bytes]:
        """Every file, hidden and unfinished ones included."""
        files = self.home / "files"
        return {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}


@dataclass
class Bucket:
    """A bucket of an S3 server, used below a prefix."""

    home: Path
    endpoint: str
    prefix: str
    client: Any

    @property
    def settings(self) -> Settings:
        """The settings of the store."""
        return read_settings(self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as environment variables."""
        return {
            "BILLING_HOME": str(self.home),
            "BILLING_STORAGE_URL": f"s3://{BUCKET}/{self.prefix}",
            "BILLING_STORAGE_ENDPOINT": self.endpoint,
            "BILLING_STORAGE_REGION": "us-east-1",
            "BILLING_STORAGE_ACCESS_KEY": "access",
            "BILLING_STORAGE_SECRET_KEY": "secret",
        }

    def held(self) -> dict[str, bytes]:
        """Every object below the prefix, and every unfinished multipart upload."""
        unfinished = self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix).get("Contents", [])
        objects = {
            entry["Key"]: self.client.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in listed
        }
        return {upload["Key"]: b"" for upload in unfinished} | {
            key.removeprefix(f"{self.prefix}/"): body for key, body in objects.items()
        }


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """The address of an S3 server with an empty bucket, stopped at the end."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    try:
        s3_client(endpoint).create_bucket(Bucket=BUCKET)
        yield endpoint
    finally:
        # All servers of a process share their objects.
        httpx.post(f"{endpoint}/moto-api/reset")
        server.stop()


def s3_client(endpoint: str) -> Any:
    """A client from another library than the product's."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="access",
        aws_secret_access_key="secret",  # noqa: S106
    )
