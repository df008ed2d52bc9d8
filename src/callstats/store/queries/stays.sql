-- Who is or was in these calls: since when, when last heard, when left? For presence.
-- What only speaks about a call (log, feedback, dropped) says nothing about who is there.
WITH asked AS
(
    SELECT arrayJoin(arrayZip({apps:Array(UInt64)}, {calls:Array(String)}))
)
SELECT
    app_id,
    call,
    user,
    device,
    min(at) AS since,
    maxIf(at, type != 'left') AS heard_at,
    maxIf(at, type = 'left') AS left_at,
    countIf(type = 'left') > 0 AS has_left
FROM
(
    SELECT app_id, call, user, device, at, type
    FROM events
    WHERE (app_id, call) IN asked AND type NOT IN ('log', 'feedback', 'dropped')
    UNION ALL
    SELECT app_id, call, user, device, at, 'report' AS type
    FROM reports
    WHERE (app_id, call) IN asked
)
GROUP BY app_id, call, user, device
