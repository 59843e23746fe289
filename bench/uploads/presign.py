"""What a signed request for one part costs, beside boto3: microseconds, medians of rounds."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]

sys.path.insert(0, str(Path(__file__).parents[2]))

from storage.presign import Credentials, Presigner

GOAL_US = 100
ROUNDS, OURS_A_ROUND, THEIRS_A_ROUND = 15, 1_000, 40
ENDPOINT, BUCKET, REGION = "http://127.0.0.1:9000", "reelgraph", "us-east-1"
KEY = f"sources/ab/cd/{'ab' * 32}.第一集"
UPLOAD = "2~" + "x" * 60
CREDENTIALS = Credentials("access-key", "secret-key", "session-token" * 40)


class Signer(Protocol):
    def generate_presigned_url(self, operation: str, **arguments: object) -> str: ...


def ours() -> Callable[[int], str]:
    presigner = Presigner(f"{ENDPOINT}/{BUCKET}", REGION, CREDENTIALS)

    def sign(number: int) -> str:
        query = {"partNumber": str(number), "uploadId": UPLOAD}
        return presigner.url("PUT", KEY, 3_600, query=query)

    return sign


def theirs() -> Callable[[int], str]:
    connect = cast("Callable[..., Signer]", boto3.client)
    client = connect(
        "s3",
        endpoint_url=ENDPOINT,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.session_token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )

    def sign(number: int) -> str:
        part = {"Bucket": BUCKET, "Key": KEY, "UploadId": UPLOAD, "PartNumber": number}
        return client.generate_presigned_url("upload_part", Params=part, ExpiresIn=3_600)

    return sign


def measure(sign: Callable[[int], str], calls: int) -> float:
    """CPU microseconds a call; each is for another part."""
    begun = time.process_time()
    for number in range(1, calls + 1):
        sign(number)
    return (time.process_time() - begun) / calls * 1e6


def main() -> int:
    own, other = ours(), theirs()
    rounds = [(measure(own, OURS_A_ROUND), measure(other, THEIRS_A_ROUND)) for _ in range(ROUNDS)]
    own_us, other_us = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(
        f"presigned part: ours {own_us:.1f} us (goal {GOAL_US}), boto3 {other_us:.1f} us,"
        f" {other_us / own_us:.1f} x"
    )
    return int(own_us > GOAL_US)


if __name__ == "__main__":
    sys.exit(main())
