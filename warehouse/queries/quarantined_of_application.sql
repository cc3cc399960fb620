-- The quarantine's records of an application: those of its id, and lines that were not rows but have it as a field.
-- Around an id nothing counts that is blank or a quote.
SELECT quarantine.rowid AS record
FROM quarantine
WHERE trim(quarantine.application_id, $blank) = $application_id
    OR (
        quarantine.application_id IS NULL
        AND contains(quarantine.row, $application_id_in_json)
        AND list_contains(
            [
                trim(part, $blank || '"')
                FOR part IN regexp_split_to_array(json_extract_string(quarantine.row, '$.line'), '[,;\t]')
            ],
            $application_id
        )
    )
