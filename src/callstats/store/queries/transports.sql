-- How much did each transport receive, between which two moments of its client's clock (ms)?
SELECT
    user,
    device,
    connection,
    id,
    min(timestamp) AS first,
    max(timestamp) AS last,
    max(bytes_received) - min(bytes_received) AS bytes
FROM samples
WHERE app_id = {app_id:UInt64}
    AND call = {call:String}
    AND type = 'transport'
    AND bytes_received IS NOT NULL
GROUP BY user, device, connection, id
ORDER BY user, device, connection, id
