"""Nothing secret is kept in the repository, and no path of somebody's own machine."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from schemas.settings import PREFIX, SECRETS

ROOT = Path(__file__).parents[1]
# Guesses by how random a word looks: hashes in lock files, pictures and numbers are all it finds here.
GUESSES = {"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"}
# What looks like a secret and is none, by the SHA-1 that the scanner knows it by.
EXAMPLES = {
    "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8": "the word password in the example of an alert address",
    "f3bbbd66a63d4bf1747940578ec3d0103530e21d": "the password that no message of the tests may show",
    "df47b2f06a6e3c0ca1fbf0deba73633e6f540597": "a word that is no key, in the tests of the service",
    "e4055de792e64bf8433b9c794f2611cb65f4c487": "a made-up id that begins like a token, in the tests of the dashboard",
    "f4754a46d551b54e6baf9c16c160afdbfd2ba13b": "the password of a lake, in the tests of the warehouse",
    "906072001efddf3e11e6d2b5782f4777fe038739": "the same within an address",
    "b9480e2165443fe7e215c1921270f1eb6cf65b36": "the same with a quote in it",
    "a9060bd5525711459bfd3fbd9a5d9658cfa6338a": "the same, mistyped",
    "66c66e79b40e32bf4677e32a9eebcce93648edb2": "the same, mistyped in another way",
}
# Folders of a person; these two are those of an image and of a test.
PERSONAL = re.compile(r"(?:/home/(?!user\b|someone\b|reports\b)|/Users/|[A-Z]:\\+Users\\)[\w.-]+")


def tracked() -> list[Path]:
    """Every file that is, or could by mistake be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def secrets_in(paths: Iterable[Path]) -> list[str]:
    plugins: Mapping[str, type] = get_mapping_from_secret_type_to_class()
    names = sorted(plugin.__name__ for plugin in plugins.values())
    with transient_settings({"plugins_used": [{"name": name} for name in names if name not in GUESSES]}):
        found = SecretsCollection()
        for path in paths:
            found.scan_file(str(path))
        return [
            f"{path}:{secret.line_number}: {secret.type} {secret.secret_hash}"
            for path, secret in found
            if secret.secret_hash not in EXAMPLES
        ]


def test_no_file_of_the_repository_holds_a_secret() -> None:
    assert secrets_in(tracked()) == []


def test_a_secret_would_be_found(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "settings.env").write_text(f"SCORING_ALERT_URLS=slack://x https://me:{'q7' * 8}@chat.example/\n")
    (tmp_path / "settings.py").write_text(f'api_key = "{"Zk3" * 7}"\n')
    found = secrets_in(sorted(tmp_path.iterdir()))
    assert [re.sub(r".*: (.*) \w+", r"\1", line) for line in found] == [
        "Private Key",
        "Basic Auth Credentials",
        "Secret Keyword",
    ]


def test_no_file_of_the_repository_names_a_folder_of_somebodys_machine() -> None:
    # A checkout right below the root, as in an image, is nobody's.
    own = [str(ROOT)] if len(ROOT.parts) > 2 else []
    found = []
    for path in tracked():
        text = path.read_bytes().decode(errors="replace")
        found += [f"{path}: {folder}" for folder in own if folder in text]
        found += [f"{path}: {match}" for match in PERSONAL.findall(text)]
    assert found == []


def test_prefect_is_told_no_secret_by_the_deployments() -> None:
    # Whoever may look at the server's pages may read what is filled in there.
    text = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\$(\w+)", text)) | set(re.findall(rf"^\s*({PREFIX}\w+):", text, flags=re.MULTILINE))
    assert named & {f"{PREFIX}{name.upper()}" for name in SECRETS} == set()
    assert f"{PREFIX}TIMEZONE" in named
