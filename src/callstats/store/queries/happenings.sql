-- What happened in a call, in order: every record but reports. Log lines only if asked for.
SELECT at, type, name, user, device, connection, remote, data, client, seq
FROM events
WHERE app_id = {app_id:UInt64}
    AND call = {call:String}
    AND (type != 'log' OR {logs:UInt8})
ORDER BY at, client, seq
LIMIT 1 BY client, seq
