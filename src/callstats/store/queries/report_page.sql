-- The next reports of a call as they came, in the order of the table, after a given one.
SELECT at, client_at, user, device, connection, remote, client, seq, payload
FROM reports
WHERE app_id = {app_id:UInt64}
    AND call = {call:String}
    AND ({user:String} = '' OR user = {user:String})
    AND ({device:String} = '' OR device = {device:String})
    AND ({connection:String} = '' OR connection = {connection:String})
    AND (
        {first:UInt8}
        OR (user, device, connection, at, client, seq) > (
            {after_user:String},
            {after_device:String},
            {after_connection:String},
            fromUnixTimestamp64Milli({after_at:Int64}, 'UTC'),
            {after_client:String},
            {after_seq:UInt64}
        )
    )
ORDER BY user, device, connection, at, client, seq
LIMIT {limit:UInt32}
