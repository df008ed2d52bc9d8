-- What happened on each stream between one report and the next?
--
-- One row is one stream (inbound-rtp or outbound-rtp) over one interval; with bucket > 0 the
-- intervals that end within the same `bucket` seconds become one row. Order: stream, then time.
--
-- start, at         begin and end, seconds since 1970-01-01 UTC by our clock
-- seconds           time between the two, by the clock that made the counters; of a bucket, the
--                   time for which counters are known
-- counters          (packets, lost, bytes, frames, freezes, freeze_duration, concealed, samples)
--                   what came to them in the interval. NULL where it is not known: the client did
--                   not say, a counter began anew, or the interval is no honest one:
--                   * it has no or a negative length (the client's clock was put back)
--                   * it is a gap: longer than 2.5 times the usual and than 5 s (the machine
--                     slept, reports were lost, the clock was put forward). Lower: a late timer
--                     looks like a gap. Higher: a rate is spread over time nobody watched.
-- gauges            (jitter, rtt, fps, width, height) as they were at the end; of a bucket, their
--                   mean, of the frame's size the largest
-- buffer_delay      mean time that what was played in the interval had waited
--
-- What the far end said of an outbound stream (lost, jitter, rtt) stands in the remote-inbound-rtp
-- of the same report. `lost` may go down where packets came late (RFC 3550, A.3): that is 0 here,
-- and no restart. The rtt of an inbound stream is that of the candidate pair in use.
--
-- Reports are ordered as their sender numbered them, not by a clock. A report that was stored twice
-- makes an interval with the same number as the one before, which is dropped.
WITH
    of_call AS
    (
        SELECT *
        FROM samples
        WHERE app_id = {app_id:UInt64}
            AND call = {call:String}
            AND ({user:String} = '' OR user = {user:String})
            AND ({device:String} = '' OR device = {device:String})
            AND ({connection:String} = '' OR connection = {connection:String})
    ),
    told AS
    (
        SELECT
            user,
            device,
            connection,
            client,
            seq,
            assumeNotNull(local_id) AS id,
            any(packets_lost) AS lost,
            any(jitter) AS jitter,
            any(round_trip_time) AS rtt
        FROM of_call
        WHERE type = 'remote-inbound-rtp' AND local_id IS NOT NULL
        GROUP BY user, device, connection, client, seq, id
    ),
    paths AS
    (
        SELECT user, device, connection, client, seq, any(current_round_trip_time) AS rtt
        FROM of_call
        WHERE type = 'candidate-pair' AND nominated AND state = 'succeeded'
        GROUP BY user, device, connection, client, seq
    ),
    points AS
    (
        SELECT
            user,
            device,
            connection,
            remote,
            client,
            seq,
            at,
            type,
            id,
            ssrc,
            kind,
            type = 'inbound-rtp' AS is_inbound,
            sipHash64(user, device, connection, client, type, id) AS stream,
            timestamp / 1000 AS moment,
            if(is_inbound, packets_received, packets_sent) AS packets,
            if(is_inbound, packets_lost, told.lost) AS lost,
            if(is_inbound, bytes_received, bytes_sent) AS bytes,
            if(is_inbound, frames_decoded, coalesce(frames_encoded, frames_sent)) AS frames,
            freeze_count AS freezes,
            total_freezes_duration AS freeze_duration,
            concealed_samples - coalesce(silent_concealed_samples, 0) AS concealed,
            total_samples_received AS samples,
            if(is_inbound, of_call.jitter, told.jitter) AS jitter,
            if(is_inbound, paths.rtt, told.rtt) AS rtt,
            frames_per_second AS fps,
            frame_width AS width,
            frame_height AS height,
            jitter_buffer_delay AS delay,
            jitter_buffer_emitted_count AS emitted
        FROM of_call
        LEFT JOIN told USING (user, device, connection, client, seq, id)
        LEFT JOIN paths USING (user, device, connection, client, seq)
        WHERE type IN ('inbound-rtp', 'outbound-rtp')
    ),
    differences AS
    (
        SELECT
            *,
            lagInFrame(seq) OVER of_stream AS seq_before,
            lagInFrame(at, 1, at) OVER of_stream AS began,
            moment - lagInFrame(moment) OVER of_stream AS seconds,
            packets - lagInFrame(packets) OVER of_stream AS more_packets,
            lost - lagInFrame(lost) OVER of_stream AS more_lost,
            bytes - lagInFrame(bytes) OVER of_stream AS more_bytes,
            frames - lagInFrame(frames) OVER of_stream AS more_frames,
            freezes - lagInFrame(freezes) OVER of_stream AS more_freezes,
            freeze_duration - lagInFrame(freeze_duration) OVER of_stream AS more_freeze_duration,
            concealed - lagInFrame(concealed) OVER of_stream AS more_concealed,
            samples - lagInFrame(samples) OVER of_stream AS more_samples,
            delay - lagInFrame(delay) OVER of_stream AS more_delay,
            emitted - lagInFrame(emitted) OVER of_stream AS more_emitted
        FROM points
        WINDOW of_stream AS (PARTITION BY stream ORDER BY seq)
    ),
    judged AS
    (
        SELECT
            *,
            median(seconds) OVER (PARTITION BY stream) AS usual,
            seconds > 0 AND seconds <= greatest(5, 2.5 * usual)
                AND coalesce(more_packets >= 0, 1) AND coalesce(more_bytes >= 0, 1) AS is_honest
        FROM differences
        WHERE seq_before > 0 AND seq_before < seq
    ),
    known AS
    (
        SELECT
            stream,
            user,
            device,
            connection,
            remote,
            id,
            ssrc,
            kind,
            if(is_inbound, 'inbound', 'outbound') AS direction,
            toUnixTimestamp64Milli(judged.began) / 1000 AS began,
            toUnixTimestamp64Milli(at) / 1000 AS ended,
            if(is_honest, seconds, 0) AS seconds,
            if(is_honest, more_packets, NULL) AS packets,
            if(is_honest, if(more_lost < 0, 0, more_lost), NULL) AS lost,
            if(is_honest, more_bytes, NULL) AS bytes,
            if(is_honest AND more_frames >= 0, more_frames, NULL) AS frames,
            if(is_honest AND more_freezes >= 0, more_freezes, NULL) AS freezes,
            if(is_honest AND more_freeze_duration >= 0, more_freeze_duration, NULL)
                AS freeze_duration,
            if(is_honest AND more_concealed >= 0, more_concealed, NULL) AS concealed,
            if(is_honest AND more_samples >= 0, more_samples, NULL) AS samples,
            jitter,
            rtt,
            fps,
            width,
            height,
            if(is_honest AND more_emitted > 0, more_delay / more_emitted, NULL) AS buffer_delay
        FROM judged
    )
SELECT
    any(known.user) AS user,
    any(known.device) AS device,
    any(known.connection) AS connection,
    any(known.remote) AS remote,
    any(known.id) AS id,
    any(known.ssrc) AS ssrc,
    any(known.kind) AS kind,
    any(known.direction) AS direction,
    min(began) AS start,
    max(ended) AS at,
    sum(known.seconds) AS seconds,
    sum(known.packets) AS packets,
    sum(known.lost) AS lost,
    sum(known.bytes) AS bytes,
    sum(known.frames) AS frames,
    sum(known.freezes) AS freezes,
    sum(known.freeze_duration) AS freeze_duration,
    sum(known.concealed) AS concealed,
    sum(known.samples) AS samples,
    avg(known.jitter) AS jitter,
    avg(known.rtt) AS rtt,
    avg(known.fps) AS fps,
    max(known.width) AS width,
    max(known.height) AS height,
    avg(known.buffer_delay) AS buffer_delay
FROM known
GROUP BY stream, if({bucket:Float64} > 0, floor(ended / {bucket:Float64}), ended)
ORDER BY user, device, connection, direction, id, at
SETTINGS join_use_nulls = 1
