-- What do the counters of each stream say in the end?
-- A counter that starts again (fewer packets than before) is added to what it said until then. A
-- sum over intervals would miss all that happened before the first report.
SELECT
    user,
    device,
    connection,
    max(remote_end) AS remote,
    type,
    id,
    argMax(ssrc, timestamp) AS ssrc,
    argMax(kind, timestamp) AS kind,
    argMax(local_id, timestamp) AS local_id,
    argMax(frame_width, timestamp) AS width,
    argMax(frame_height, timestamp) AS height,
    sumIf(counted_packets, is_last) AS packets,
    sumIf(packets_lost, is_last) AS lost,
    sumIf(freeze_count, is_last) AS freezes,
    sumIf(total_freezes_duration, is_last) AS freeze_duration,
    sumIf(concealed_samples, is_last) AS concealed,
    sumIf(silent_concealed_samples, is_last) AS silent_concealed,
    sumIf(total_samples_received, is_last) AS samples
FROM
(
    SELECT
        *,
        remote AS remote_end,
        coalesce(packets_received, packets_sent) AS counted_packets,
        leadInFrame(1) OVER stream = 0
            OR ifNull(leadInFrame(counted_packets) OVER stream < counted_packets, false) AS is_last
    FROM samples
    WHERE app_id = {app_id:UInt64}
        AND call = {call:String}
        AND type IN ('inbound-rtp', 'outbound-rtp', 'remote-inbound-rtp')
    WINDOW stream AS
    (
        PARTITION BY user, device, connection, client, type, id
        ORDER BY seq
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
)
GROUP BY user, device, connection, type, id
ORDER BY user, device, connection, type, id
