-- What is written down about a call: its latest row. An app_id of 0 looks in every app.
SELECT app_id, id, conference, started_at, ended_at, state, document, version
FROM calls
WHERE ({app_id:UInt64} = 0 OR app_id = {app_id:UInt64}) AND id = {call:String}
ORDER BY version DESC
LIMIT 1
