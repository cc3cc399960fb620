"""What a store answers when it refuses, as errors that say what to do; moto refuses nobody."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from s3fs.errors import translate_boto_error

from schemas.errors import ChangedMeanwhile, StoreUnavailable
from schemas.store_errors import translated

ADDRESS = "s3://bucket/landing/file.csv"


def answered(code: str) -> Exception:
    """As s3fs raises what the store answers."""
    answer = {"Error": {"Code": code, "Message": f"said the store of {code}"}}
    error = translate_boto_error(ClientError(answer, "GetObject"))
    assert isinstance(error, Exception)
    return error


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("AccessDenied", PermissionError, "access denied .*AWS_ACCESS_KEY_ID.*policy of the bucket"),
        ("403", PermissionError, "without s3:ListBucket the store also denies what is not there"),
        ("InvalidAccessKeyId", PermissionError, "access denied .*InvalidAccessKeyId"),
        ("SignatureDoesNotMatch", PermissionError, "AWS_SECRET_ACCESS_KEY"),
        ("ExpiredToken", PermissionError, "access denied"),
        ("NoSuchBucket", OSError, "there is no bucket s3://bucket .*make it, or correct the setting"),
        ("NoSuchKey", FileNotFoundError, "there is no such object"),
        ("SlowDown", StoreUnavailable, "does not answer .*run this again"),
        ("InternalError", StoreUnavailable, "does not answer"),
        ("503", StoreUnavailable, "does not answer"),
        ("PreconditionFailed", ChangedMeanwhile, "another process has replaced or removed it"),
        ("InvalidObjectState", PermissionError, "access denied"),
        ("EntityTooLarge", OSError, "refuses what was asked"),
        ("NobodyKnows", OSError, "refuses what was asked .*NobodyKnows"),
    ],
)
def test_an_answer_is_an_error_with_the_address_and_what_to_do(code: str, kind: type[OSError], said: str) -> None:
    error = translated(answered(code), ADDRESS, conditional=False)
    assert type(error) is kind
    with pytest.raises(kind, match=said) as raised:
        raise error
    assert ADDRESS in str(raised.value)


def test_a_bucket_that_is_not_there_is_no_file_that_is_not_there() -> None:
    assert not isinstance(translated(answered("NoSuchBucket"), ADDRESS, conditional=False), FileNotFoundError)


def test_what_is_gone_when_it_is_to_be_replaced_was_changed() -> None:
    assert isinstance(translated(answered("NoSuchKey"), ADDRESS, conditional=True), ChangedMeanwhile)


def test_a_store_that_does_not_answer_may_answer_later() -> None:
    refused = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert isinstance(translated(refused, ADDRESS, conditional=False), StoreUnavailable)


def test_without_credentials_asking_again_does_not_help() -> None:
    error = translated(NoCredentialsError(), ADDRESS, conditional=False)
    assert isinstance(error, PermissionError)
    assert "AWS_ACCESS_KEY_ID" in str(error)
