-- How many records of a call are stored?
SELECT
    (
        SELECT uniqExact(client, seq)
        FROM events
        WHERE app_id = {app_id:UInt64} AND call = {call:String}
    ) + (
        SELECT uniqExact(client, seq)
        FROM reports
        WHERE app_id = {app_id:UInt64} AND call = {call:String}
    ) AS records
