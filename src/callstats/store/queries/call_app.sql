-- Which app does a call belong to? An app_id of 0 looks in every app; no row where there is none.
SELECT app_id
FROM calls
WHERE ({app_id:UInt64} = 0 OR app_id = {app_id:UInt64}) AND id = {call:String}
LIMIT 1
