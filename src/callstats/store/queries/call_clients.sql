-- Which senders spoke for which participant of a call, with what software and what clock?
SELECT
    spoken.user AS user,
    spoken.device AS device,
    client,
    argMax(skew, highest_seq) AS skew,
    argMax(agent, highest_seq) AS agent,
    max(clients.at) AS at
FROM clients
INNER JOIN
(
    SELECT DISTINCT user, device, client
    FROM events
    WHERE app_id = {app_id:UInt64} AND call = {call:String}
    UNION DISTINCT
    SELECT DISTINCT user, device, client
    FROM reports
    WHERE app_id = {app_id:UInt64} AND call = {call:String}
) AS spoken USING (client)
WHERE app_id = {app_id:UInt64}
GROUP BY user, device, client
ORDER BY user, device, at
