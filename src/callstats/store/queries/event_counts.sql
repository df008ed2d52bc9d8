-- How often did each participant report what, and when first and last?
SELECT
    user,
    device,
    type,
    name,
    any(conference) AS conference,
    uniqExact(client, seq) AS count,
    min(at) AS first_at,
    max(at) AS last_at
FROM events
WHERE app_id = {app_id:UInt64} AND call = {call:String}
GROUP BY user, device, type, name
ORDER BY user, device, type, name
