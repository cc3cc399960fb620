"""What goes wrong with an object store, as errors of the system: which address, what it is, and what to do."""

import errno

import aiohttp
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnection

from schemas.errors import ChangedMeanwhile, StoreUnavailable

# Codes of answers that say: not now.
NOT_NOW = frozenset(
    {
        "500", "502", "503", "504", "InternalError", "OperationAborted", "RequestTimeout", "RequestTimeTooSkewed",
        "ServiceUnavailable", "SlowDown", "ThrottlingException", "TooManyRequests",
    }
)  # fmt: skip
CHANGED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "FileAlreadyExists"})
NO_ANSWER = (NoConnection, HTTPClientError, IncompleteReadError, TimeoutError, aiohttp.ClientError)
NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
LOOK = "look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"


def translated(error: Exception, address: str, *, conditional: bool) -> OSError:
    """The error to raise for one that a question about an address ended with; `conditional` if it named a version."""
    code = _code(error)
    if code in CHANGED or (conditional and code in ABSENT):
        return ChangedMeanwhile(errno.ENOENT, "another process has replaced or removed it meanwhile", address)
    if code == "NoSuchBucket":
        bucket = "/".join(address.split("/")[:3])
        return OSError(f"there is no bucket {bucket} (asked for {address}); make it, or correct the setting")
    if isinstance(error, FileNotFoundError) or code in ABSENT:
        return FileNotFoundError(errno.ENOENT, "there is no such object", address)
    if code in NOT_NOW or isinstance(error, NO_ANSWER):
        return StoreUnavailable(
            f"the object store does not answer for {address} ({_said(error)}); look whether it runs and can be reached"
            " (AWS_ENDPOINT_URL, network), then run this again"
        )
    return _refused(error, code, address)


def _refused(error: Exception, code: str, address: str) -> OSError:
    if isinstance(error, NO_CREDENTIALS):
        return PermissionError(errno.EACCES, f"no credentials for the object store ({_said(error)}); {LOOK}", address)
    if isinstance(error, PermissionError):
        say = f"access denied ({_said(error)}); {LOOK} and the policy of the bucket"
        hint = "; without s3:ListBucket the store also denies what is not there" if code == "403" else ""
        return PermissionError(errno.EACCES, say + hint, address)
    return OSError(f"the object store refuses what was asked of {address}: {_said(error)}")


def _code(error: BaseException | None) -> str:
    """The store's own code of an error, empty if it did not answer."""
    while error is not None:
        if isinstance(error, ClientError):
            return str(error.response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
