-- What is the value of a setting? No row where it was never set.
SELECT value
FROM settings FINAL
WHERE name = {name:String}
