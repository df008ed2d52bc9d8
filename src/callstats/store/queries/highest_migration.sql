-- Which migration was done last? 0 for none.
SELECT max(version) AS version
FROM migrations
