-- With which codec is each stream coded, as last said? Empty filters stand for everything.
SELECT user, device, connection, id, direction, mime_type AS codec
FROM
(
    SELECT
        user,
        device,
        connection,
        id,
        if(type = 'inbound-rtp', 'inbound', 'outbound') AS direction,
        argMax(codec_id, timestamp) AS codec_id
    FROM samples
    WHERE app_id = {app_id:UInt64}
        AND call = {call:String}
        AND ({user:String} = '' OR user = {user:String})
        AND ({device:String} = '' OR device = {device:String})
        AND ({connection:String} = '' OR connection = {connection:String})
        AND type IN ('inbound-rtp', 'outbound-rtp')
    GROUP BY user, device, connection, type, id
) AS streams
INNER JOIN
(
    SELECT user, device, connection, id AS codec_id, argMax(mime_type, timestamp) AS mime_type
    FROM samples
    WHERE app_id = {app_id:UInt64} AND call = {call:String} AND type = 'codec'
    GROUP BY user, device, connection, id
) AS codecs USING (user, device, connection, codec_id)
ORDER BY user, device, connection, direction, id
