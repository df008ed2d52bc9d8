-- Which calls are live, or ended since a moment? For presence, after a restart.
SELECT app_id, id, conference, started_at, ended_at, state = 'ended' AS has_ended
FROM
(
    SELECT app_id, id, conference, started_at, ended_at, state
    FROM calls
    ORDER BY version DESC
    LIMIT 1 BY app_id, id
)
WHERE state = 'live' OR ended_at >= {since:DateTime64(3, 'UTC')}
