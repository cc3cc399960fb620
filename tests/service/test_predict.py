from tests.service.running import Service, logged


def test_an_application_is_scored_and_on_record(shared_service: Service) -> None:
    answer = shared_service.predict(application_id="A-1")
    assert answer.status_code == 200
    decision = answer.json()
    record = next(line for line in logged(shared_service.home) if line.prediction_id == decision["prediction_id"])
    assert record.outputs["score"] == decision["score"]
    assert "A-1" not in str(record)
