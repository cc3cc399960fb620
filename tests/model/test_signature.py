"""Signed models: whatever was altered, exchanged or signed by somebody else is refused before it is unpickled."""

import ast
import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import joblib
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from model.artifact import (
    METADATA,
    MODEL_FILE,
    ModelVersion,
    load_version,
    read_json,
    save_model,
    sign_version,
    to_json,
)
from model.champion import load_champion, register
from model.signature import SIGNATURE, Trust, signer_of, trust_of
from model.signing_keys import SigningKey, new_pair, public_keys, signing_key
from model.trained import Model
from schemas.errors import ModelError, SettingsError
from schemas.settings import Settings
from tests.model.portfolio import BORROWER
from tests.model.test_artifact import Bomb

ROOT = Path(__file__).parents[2]


def new_key() -> tuple[SigningKey, Trust]:
    private, public = new_pair()
    key = signing_key(Settings(model_signing_key=private))
    assert key
    return key, trust_of(Settings(model_public_keys=public))


# In two parts, so that nobody takes it for a key that somebody left here.
PEM = "-----BEGIN " + "PRIVATE KEY-----\n{}\n-----END " + "PRIVATE KEY-----"
KEY, TRUST = new_key()
FOREIGN_KEY, FOREIGN_TRUST = new_key()


@pytest.fixture
def saved(tmp_path: Path, model: Model) -> ModelVersion:
    saved = save_model(tmp_path, model, "card", KEY)
    register(tmp_path, saved.version)
    return saved


@pytest.fixture(autouse=True)
def nothing_explodes(tmp_path: Path) -> Iterator[None]:
    yield
    assert not (tmp_path / "exploded").exists()


def refused(tmp_path: Path, version: str, because: str, trust: Trust = TRUST) -> None:
    with pytest.raises(ModelError, match=because):
        load_version(tmp_path, version, BORROWER, trust)
    with pytest.raises(ModelError, match=because):
        load_champion(tmp_path, BORROWER, trust=trust)


def test_a_signed_model_is_loaded_by_whoever_trusts_its_key_or_asks_for_none(
    tmp_path: Path, saved: ModelVersion
) -> None:
    assert load_champion(tmp_path, BORROWER, trust=TRUST).version == saved.version
    assert load_champion(tmp_path, BORROWER).version == saved.version
    # Signing again is signing the same.
    before = (tmp_path / saved.version / SIGNATURE).read_bytes()
    sign_version(tmp_path, saved.version, KEY)
    assert (tmp_path / saved.version / SIGNATURE).read_bytes() == before


def test_a_model_that_is_not_signed_is_refused_until_it_is(tmp_path: Path, model: Model) -> None:
    version = save_model(tmp_path, model, "card").version
    register(tmp_path, version)
    refused(tmp_path, version, rf"{version} is not signed.*python -m flows sign {version}")
    assert sign_version(tmp_path, version, KEY)["version"] == version
    assert load_version(tmp_path, version, BORROWER, TRUST).version == version


def test_training_the_same_model_again_signs_it(tmp_path: Path, model: Model) -> None:
    version = save_model(tmp_path, model, "card").version
    save_model(tmp_path, model, "card", KEY)
    assert load_version(tmp_path, version, BORROWER, TRUST).version == version


def test_a_tampered_model_is_refused_whatever_hash_is_written_beside_it(tmp_path: Path, saved: ModelVersion) -> None:
    folder = tmp_path / saved.version
    joblib.dump(Bomb(tmp_path / "exploded"), folder / MODEL_FILE)
    refused(tmp_path, saved.version, "was altered: its SHA-256")
    # A hash tells nothing of who wrote it: whoever can write the model can write that as well.
    sha256 = hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest()
    (folder / METADATA).write_bytes(to_json(read_json(folder / METADATA) | {"sha256": sha256}))
    (tmp_path / "champion.json").write_bytes(to_json({"version": saved.version, "sha256": sha256}))
    refused(tmp_path, saved.version, "is not what the key .* has signed")


@pytest.mark.parametrize(
    "tamper",
    [
        lambda facts: facts["metrics"]["test"]["auc"].update(value=0.99),
        lambda facts: facts["contract"].update(hash="0" * 64),
        lambda facts: facts.update(note="harmless"),
    ],
)
def test_tampered_metadata_are_refused(tmp_path: Path, saved: ModelVersion, tamper: Callable[[object], None]) -> None:
    path = tmp_path / saved.version / METADATA
    facts = read_json(path)
    tamper(facts)
    path.write_bytes(to_json(facts))
    refused(tmp_path, saved.version, "its model, its metadata or its signature was altered")


def test_metadata_that_name_no_contract_are_refused(tmp_path: Path, saved: ModelVersion) -> None:
    path = tmp_path / saved.version / METADATA
    path.write_bytes(to_json({"version": saved.version, "sha256": saved.sha256}))
    refused(tmp_path, saved.version, "cannot be read .*restore them from a backup")


def test_a_model_signed_by_somebody_else_is_refused(tmp_path: Path, saved: ModelVersion) -> None:
    refused(tmp_path, saved.version, f"signed by the key {KEY.public.name}, which is not trusted", FOREIGN_TRUST)
    # A foreign signature under the name of a trusted key.
    path = tmp_path / saved.version / SIGNATURE
    sign_version(tmp_path, saved.version, FOREIGN_KEY)
    path.write_bytes(to_json(read_json(path) | {"key": KEY.public.name}))
    refused(tmp_path, saved.version, "is not what the key")


def test_after_a_rotation_both_keys_are_trusted_until_the_old_one_is_taken_out(
    tmp_path: Path, saved: ModelVersion, model: Model
) -> None:
    new = replace(model, training=replace(model.training, seed=model.training.seed + 1))
    later = save_model(tmp_path, new, "card", FOREIGN_KEY).version
    both = Trust((*TRUST.keys, *FOREIGN_TRUST.keys))
    assert load_version(tmp_path, saved.version, BORROWER, both).version == saved.version
    assert load_version(tmp_path, later, BORROWER, both).version == later
    refused(tmp_path, saved.version, "not trusted", FOREIGN_TRUST)
    sign_version(tmp_path, saved.version, FOREIGN_KEY)
    assert load_version(tmp_path, saved.version, BORROWER, FOREIGN_TRUST).version == saved.version


def test_the_signature_of_another_version_is_refused(tmp_path: Path, saved: ModelVersion, model: Model) -> None:
    other = replace(model, training=replace(model.training, seed=model.training.seed + 1))
    second = save_model(tmp_path, other, "card", KEY).version
    shutil.copy(tmp_path / second / SIGNATURE, tmp_path / saved.version / SIGNATURE)
    refused(tmp_path, saved.version, "or is of another version")
    # A whole folder under another name: an older model in the place of a newer one.
    shutil.rmtree(tmp_path / saved.version)
    shutil.copytree(tmp_path / second, tmp_path / saved.version)
    with pytest.raises(ModelError, match="is not what the key"):
        load_version(tmp_path, saved.version, BORROWER, TRUST)
    with pytest.raises(ModelError, match="are those of another model"):
        sign_version(tmp_path, saved.version, KEY)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"key": "x", "signature": ""}', b"[]"])
def test_a_file_that_is_no_signature_is_refused(tmp_path: Path, saved: ModelVersion, content: bytes) -> None:
    (tmp_path / saved.version / SIGNATURE).write_bytes(content)
    refused(tmp_path, saved.version, "is no signature")


@pytest.mark.parametrize("signature", ["", "not base64!", base64.b64encode(bytes(64)).decode()])
def test_a_signature_of_nothing_is_refused(tmp_path: Path, saved: ModelVersion, signature: str) -> None:
    content = json.dumps({"key": KEY.public.name, "signature": signature})
    (tmp_path / saved.version / SIGNATURE).write_text(content)
    refused(tmp_path, saved.version, "is not what the key")


def test_an_altered_model_is_not_signed(tmp_path: Path, saved: ModelVersion) -> None:
    path = tmp_path / saved.version / MODEL_FILE
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match="was altered"):
        sign_version(tmp_path, saved.version, KEY)


def private_pem(key: Ed25519PrivateKey, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_keys_are_taken_as_base64_as_pem_and_as_the_path_of_one_below_home(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes_raw()
    (tmp_path / "private.pem").write_bytes(private_pem(key))
    (tmp_path / "public.pem").write_bytes(public_pem(key))
    home = str(tmp_path)
    for text in (base64.b64encode(key.private_bytes_raw()).decode(), private_pem(key).decode(), "private.pem"):
        found = signing_key(Settings(home=home, model_signing_key=text))
        assert found
        assert found.public.raw == raw
    listed = f"{base64.b64encode(raw).decode()}, public.pem\n{public_pem(key).decode()}"
    assert [found.raw for found in public_keys(Settings(home=home, model_public_keys=listed))] == [raw] * 3


def test_a_key_that_cannot_be_used_is_refused_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "locked.pem").write_bytes(private_pem(Ed25519PrivateKey.generate(), b"password"))
    elliptic = generate_private_key(SECP256R1())
    (tmp_path / "other.pem").write_bytes(elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    short = base64.b64encode(b"a secret that is too short").decode()
    for text, because in [
        (short, "neither 32 bytes in base64 nor a PEM file"),
        ("x" * 5000, "neither 32 bytes in base64 nor a PEM file"),
        ("locked.pem", "one with a password"),
        ("other.pem", "another kind than Ed25519"),
        (PEM.format("nonsense"), "no key in PEM"),
    ]:
        with pytest.raises(SettingsError, match=because) as refusal:
            signing_key(Settings(home=str(tmp_path), model_signing_key=text))
        assert text not in str(refusal.value)
    for text, because in [(f"{new_pair()[1]} {short}", "KEYS, key 2 is neither"), ("other.pem", "no key in PEM")]:
        with pytest.raises(SettingsError, match=because):
            public_keys(Settings(home=str(tmp_path), model_public_keys=text))


def test_a_key_whose_models_would_be_refused_signs_nothing() -> None:
    (private, public), (_, other) = new_pair(), new_pair()
    assert signer_of(Settings(model_public_keys=public)) is None
    assert signer_of(Settings(model_signing_key=private, model_public_keys=f"{other} {public}"))
    with pytest.raises(SettingsError, match="is not among those of SCORING_MODEL_PUBLIC_KEYS") as refusal:
        signer_of(Settings(model_signing_key=private, model_public_keys=other))
    assert private not in str(refusal.value)


def test_a_signing_key_shows_nothing_of_itself() -> None:
    private, _ = new_pair()
    settings = Settings(model_signing_key=private)
    assert private not in f"{signing_key(settings)!r} {settings!r}"


def test_whoever_loads_a_model_says_whom_it_trusts() -> None:
    """A call that leaves it out would load whatever lies there, although the settings ask for a signature."""
    arguments = {"load_version": 4, "load_saved": 4, "load_champion": 4}
    calls, careless = 0, []
    for folder in ("dashboard", "flows", "service", "tasks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in arguments:
                    calls += 1
                    named = {keyword.arg for keyword in node.keywords}
                    if "trust" not in named and len(node.args) < arguments[node.func.id]:
                        careless.append(f"{path}:{node.lineno}")
    assert careless == []
    assert calls > 5
