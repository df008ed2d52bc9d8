-- How many reports came of each connection, when first and last, and how much was damaged?
SELECT
    user,
    device,
    connection,
    max(remote) AS remote,
    count() AS reports,
    sum(damaged) AS damaged,
    min(at) AS first_at,
    max(at) AS last_at
FROM
(
    SELECT user, device, connection, remote, damaged, at
    FROM reports
    WHERE app_id = {app_id:UInt64} AND call = {call:String}
    ORDER BY at
    LIMIT 1 BY client, seq
)
GROUP BY user, device, connection
ORDER BY user, device, connection
