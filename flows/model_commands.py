"""The commands about models: which there are, which one decides, and who signed them."""

import sys
from typing import Annotated

import typer

from flows.console import err, out

app = typer.Typer()
Version = Annotated[str, typer.Argument(metavar="VERSION", help="A model, as `models` lists it.")]


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each model.")] = False,
) -> None:
    """List the models with their role, training, promotion, and AUC out of time; the champion first."""
    from flows.model_list import print_models, print_models_as_json  # noqa: PLC0415
    from tasks.models import listed_models  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    listed = listed_models(load_project())
    if as_json:
        print_models_as_json(listed)
    else:
        print_models(listed)


@app.command()
def promote(version: Version) -> None:
    """Make a model champion: of the next batch, and of the running service within about a second."""
    from flows.model_list import print_promotion  # noqa: PLC0415
    from tasks import promote as promotion  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    print_promotion(promotion.promote(load_project(), version))


@app.command()
def rollback() -> None:
    """Take the last promotion back: the champion before the present one is champion again."""
    from flows.model_list import print_promotion  # noqa: PLC0415
    from tasks import promote as promotion  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    print_promotion(promotion.roll_back(load_project()))


@app.command()
def keys() -> None:
    """Make a pair of keys that models are signed with; prints the two settings."""
    from model.signing_keys import PRIVATE, PUBLIC, new_pair  # noqa: PLC0415

    private, public = new_pair()
    err.print(
        f"The first line is a secret, for where models are trained or signed ({PRIVATE}_FILE takes it from a file);"
        " the second is for wherever they are loaded, beside earlier keys that are still trusted.",
        soft_wrap=True,
    )
    sys.stdout.write(f"{PRIVATE}={private}\n{PUBLIC}={public}\n")


@app.command()
def sign(version: Version) -> None:
    """Sign a model that was trained before, as it lies there: look whether it is what you trained."""
    from model.artifact import sign_version  # noqa: PLC0415
    from model.signature import signer_of  # noqa: PLC0415
    from model.signing_keys import NEW_KEYS, PRIVATE  # noqa: PLC0415
    from schemas.errors import SettingsError  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    project = load_project()
    key = signer_of(project.settings)
    if key is None:
        raise SettingsError(f"{PRIVATE} is not set, so there is nothing to sign with; {NEW_KEYS}")
    metadata = sign_version(project.settings.path("models"), version, key)
    out.print(f"{version} (SHA-256 {metadata['sha256']}) is signed by the key {key.public.name}", soft_wrap=True)
