-- Which apps are there? The oldest first.
SELECT app_id, name, secret, previous_secret, origins, created_at
FROM apps FINAL
ORDER BY created_at, app_id
