-- How were the bridges, step by step? Bridges tell of themselves in events outside every call.
-- An app_id of 0 looks in every app. A step in which a bridge only said that it is alive has no
-- figures. Units are those of Jitsi's bridges: kbit/s, ms.
SELECT
    app_id,
    user AS bridge,
    toDateTime64(toStartOfInterval(at, toIntervalSecond({step:UInt32})), 3, 'UTC') AS step_at,
    max(at) AS heard_at,
    countIf(name = 'bridgeStatus') AS reports,
    avg(JSONExtract(data, 'cpuUsage', 'Nullable(Float64)')) AS cpu,
    avg(JSONExtract(data, 'memoryUsage', 'Nullable(Float64)')) AS memory_used,
    avg(JSONExtract(data, 'totalMemory', 'Nullable(Float64)')) AS memory_total,
    avg(JSONExtract(data, 'intervalDownloadBitrate', 'Nullable(Float64)')) AS download_kbps,
    avg(JSONExtract(data, 'intervalUploadBitrate', 'Nullable(Float64)')) AS upload_kbps,
    avg(JSONExtract(data, 'intervalRtpFractionLoss', 'Nullable(Float64)')) AS loss,
    avg(JSONExtract(data, 'intervalAverageRtt', 'Nullable(Float64)')) AS rtt_ms,
    avg(JSONExtract(data, 'intervalAverageJitter', 'Nullable(Float64)')) AS jitter_ms,
    max(JSONExtract(data, 'conferenceCount', 'Nullable(Float64)')) AS conferences,
    max(coalesce(
        JSONExtract(data, 'participantsCount', 'Nullable(Float64)'),
        JSONExtract(data, 'participantCount', 'Nullable(Float64)')
    )) AS participants
FROM
(
    SELECT app_id, user, at, name, data
    FROM events
    WHERE ({app_id:UInt64} = 0 OR app_id = {app_id:UInt64})
        AND call = ''
        AND at >= {since:DateTime64(3, 'UTC')}
        AND name IN ('bridgeStatus', 'bridgeAlive')
    LIMIT 1 BY client, seq
)
GROUP BY app_id, bridge, step_at
ORDER BY app_id, bridge, step_at
