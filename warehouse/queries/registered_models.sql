-- Every model that was registered, the latest first; its role follows promotions.
SELECT model_version, sha256, contract_hash, role, metrics, registered_at
FROM models
ORDER BY registered_at DESC, model_version
