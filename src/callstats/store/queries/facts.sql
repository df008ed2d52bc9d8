-- What was last said of transports, candidate pairs and candidates of each connection?
SELECT
    user,
    device,
    connection,
    type,
    id,
    timestamp,
    state,
    nominated,
    local_candidate_id,
    remote_candidate_id,
    selected_candidate_pair_id,
    candidate_type,
    protocol,
    relay_protocol,
    current_round_trip_time
FROM samples
WHERE app_id = {app_id:UInt64}
    AND call = {call:String}
    AND type IN ('transport', 'candidate-pair', 'local-candidate', 'remote-candidate')
ORDER BY timestamp DESC
LIMIT 1 BY user, device, connection, type, id
