import re
import shutil
import subprocess
from pathlib import Path

import pytest

from service.predict import Prediction
from tests.service.running import Service

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_example_call_answers_as_shown(shared_service: Service) -> None:
    (example,) = [block for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL) if "curl" in block]
    command = example.replace("http://127.0.0.1:8000", shared_service.address)
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=30).stdout
    (shown,) = [
        block for block in re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL) if "prediction_id" in block
    ]
    for name in (*Prediction.__struct_fields__, "code", "sentence"):
        assert f'"{name}":' in answer
        assert f'"{name}":' in shown
