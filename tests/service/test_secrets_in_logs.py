"""A key that a caller puts where it does not belong is not written down by the service."""

from pathlib import Path

from service.keys import new_key
from tests.service.running import APPLICATION, complaints_of, running_service

PATHS = ("/predict", "/health", "/docs", "/nowhere", "/metrics")


def test_a_key_in_the_address_or_in_a_header_is_in_no_log(home: Path) -> None:
    key, digest = new_key()
    with running_service(home, SCORING_API_KEYS=f"desk:{digest}") as service:
        for path in PATHS:
            asked = f"{path}?key={key}&api_key={key}"
            service.client.post(asked, json=APPLICATION, headers={"X-API-Key": f"{key}x", "Authorization": key})
            service.client.get(asked)
        service.client.get(f"/{key}")
        assert service.client.post("/predict", json=APPLICATION, headers={"X-API-Key": key}).is_success
        assert service.client.post("/predict", content=key, headers={"X-API-Key": key}).status_code == 415
    # It has written of these requests.
    assert '"status":401' in service.output.read_text()
    assert key not in service.output.read_text() + complaints_of(home)
    assert digest not in service.output.read_text() + complaints_of(home)
