"""Signed URLs, beside an example of S3's own documentation and beside botocore."""

import calendar
import time
from collections.abc import Callable
from typing import cast
from urllib.parse import parse_qs, urlsplit

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]

from storage.presign import Credentials, Presigner
from storage.s3_location import S3Location

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
PASSING = Credentials("access", "secret/+", "a session's token/+==")
KEYS = ["a", "sources/ab/cd/x.1", "with space/a+b&c=d.mp4", "第一集.mp4", "%41~'(é)!*;,:@$/ /ü.ts"]


def botocore_signs(endpoint: str, operation: str, **arguments: object) -> str:
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id=PASSING.access_key,
        aws_secret_access_key=PASSING.secret_key,
        aws_session_token=PASSING.session_token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    sign = cast("Callable[..., str]", client.generate_presigned_url)
    return sign(operation, Params=arguments, ExpiresIn=60)


def parsed(url: str) -> tuple[str, dict[str, list[str]]]:
    base, _, query = url.partition("?")
    return base, parse_qs(query, strict_parsing=True)


def signed_at(url: str) -> float:
    date = parse_qs(urlsplit(url).query)["X-Amz-Date"][0]
    return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))


def test_the_example_of_the_documentation_has_its_signature() -> None:
    presigner = Presigner("https://examplebucket.s3.amazonaws.com", "us-east-1", EXAMPLE)
    at = calendar.timegm((2013, 5, 24, 0, 0, 0))
    assert presigner.url("GET", "test.txt", 86_400, at=at) == (
        "https://examplebucket.s3.amazonaws.com/test.txt"
        "?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "https://store.example:443"])
def test_a_part_is_signed_as_botocore_signs_it(key: str, endpoint: str) -> None:
    theirs = botocore_signs(
        endpoint, "upload_part", Bucket="bucket", Key=key, UploadId="i+d/=", PartNumber=7
    )
    presigner = Presigner(f"{endpoint}/bucket", "eu-west-1", PASSING)
    query = {"uploadId": "i+d/=", "partNumber": "7"}
    ours = presigner.url("PUT", key, 60, query=query, at=signed_at(theirs))
    assert parsed(ours) == parsed(theirs)


def test_headers_are_signed_as_botocore_signs_them() -> None:
    theirs = botocore_signs(
        "http://a.example", "put_object", Bucket="bucket", Key="a", ContentType="video/mp4"
    )
    presigner = Presigner("http://a.example/bucket", "eu-west-1", PASSING)
    headers = {"content-type": "video/mp4"}
    ours = presigner.url("PUT", "a", 60, headers=headers, at=signed_at(theirs))
    assert parsed(ours) == parsed(theirs)


def test_new_credentials_sign_what_comes_next() -> None:
    presigner = Presigner("https://a.example/bucket", "eu-west-1", EXAMPLE)
    presigner.credentials = PASSING
    fresh = Presigner("https://a.example/bucket", "eu-west-1", PASSING)
    assert presigner.url("GET", "a", 60, at=0) == fresh.url("GET", "a", 60, at=0)


@pytest.mark.parametrize(
    ("location", "base"),
    [
        (S3Location("b"), "https://b.s3.eu-west-1.amazonaws.com"),
        (S3Location("b.c"), "https://s3.eu-west-1.amazonaws.com/b.c"),
        (S3Location("b", endpoint="x"), "https://s3.eu-west-1.amazonaws.com/b"),
    ],
)
def test_a_bucket_of_aws_has_a_host_of_its_own(location: S3Location, base: str) -> None:
    """Unless its name has dots, for which no certificate is good."""
    assert location.base("https://s3.eu-west-1.amazonaws.com") == base
